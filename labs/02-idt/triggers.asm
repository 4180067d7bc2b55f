; Lab 02: instructions that use a gate, and the worked example of a stub.

%include "common.inc"

extern int3_reached
global int3_stub, trigger_int3, trigger_int15, trigger_int31, trigger_gate
global trigger_resume

section .text

; int3_stub -- a way in, the whole of it: from the CPU's push to C and back.
; Lab 03 makes one for every vector and saves every register.
;
; in    rsp  rip cs rflags rsp ss, 40 bytes below a multiple of 16, pushed by the CPU
; out   everything as before
int3_stub:
        push    rax                     ; what C may change (SysV ABI): nine registers, which
        push    rcx                     ; with the CPU's five slots leave rsp at a multiple
        push    rdx                     ; of 16, as the call into C demands
        push    rsi
        push    rdi
        push    r8
        push    r9
        push    r10
        push    r11
        lea     rdi, [rsp + 9 * 8]      ; the CPU's part, as an argument
        cld                             ; C counts on DF clear; IRETQ brings the old one back
        call    int3_reached
        pop     r11
        pop     r10
        pop     r9
        pop     r8
        pop     rdi
        pop     rsi
        pop     rdx
        pop     rcx
        pop     rax
        iretq                           ; not `iret`, which NASM makes 32 bits wide

trigger_int15:
        int     15
        jmp     trigger_resume

trigger_int31:
        int     31
        jmp     trigger_resume

; IF is set for this one instruction: STI takes effect behind the instruction that follows it.
trigger_gate:
        sti
        int3
        cli
        ret

trigger_int3:
        int3
trigger_resume:
        ret
