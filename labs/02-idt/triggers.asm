; Lab 02: instructions that use a gate, and the worked example of a stub.

%include "common.inc"

extern int3_reached
global int3_stub, trigger_int3, trigger_int3_with_if, trigger_int15, trigger_int31, trigger_int255
global trigger_int3_next, trigger_skipped

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

; The vectors that may have no gate note rsp, so that the test goes on after any fault.
trigger_int15:
        mov     [resume_rsp], rsp
        int     15
        jmp     trigger_skipped

trigger_int31:
        mov     [resume_rsp], rsp
        int     31
        jmp     trigger_skipped

trigger_int255:
        mov     [resume_rsp], rsp
        int     255
trigger_skipped:
        mov     rsp, [resume_rsp]
        ret

trigger_int3:
        int3
trigger_int3_next:
        ret

; The PICs are masked, so nothing uses IF but the test.
trigger_int3_with_if:
        sti
        int3
        cli
        ret

section .bss

resume_rsp:     resq 1
