; Lab 08: programs (programs.h). The kernel gives them their registers, and looks at them at each INT3.

%include "common.inc"
%include "offsets.inc"
%include "labs/08-syscall/programs.inc"

; nothing changes a register but SYSCALL
        program program_call
        syscall
        times 7 int3
        over    program_call

        program program_nops
        syscall
        nop
        nop
        int3
        over    program_nops

; the flags from rsi; the stack from rbp
        program program_flags
        push    rsi
        popfq
        syscall
        int3
        over    program_flags

        program program_stack
        mov     rsp, rbp
        syscall
        int3
        over    program_stack

; rbx times the call with the number in r12; r13 counts those that did not return r14, or have changed a
; register
        program program_many
        mov     r15, rsp
.again: mov     rax, r12
        mov     rdi, rbx
        mov     rsi, r12
        mov     rdx, r14
        mov     r10, rbx
        mov     r8, r12
        mov     r9, r14
        mov     rbp, rbx
        syscall
        cmp     rax, r14
        jne     .wrong
        cmp     rdi, rbx
        jne     .wrong
        cmp     rsi, r12
        jne     .wrong
        cmp     rdx, r14
        jne     .wrong
        cmp     r10, rbx
        jne     .wrong
        cmp     r8, r12
        jne     .wrong
        cmp     r9, r14
        jne     .wrong
        cmp     rbp, rbx
        jne     .wrong
        cmp     rsp, r15
        je      .right
.wrong: inc     r13
.right: dec     rbx
        jnz     .again
        int3
        over    program_many

; numbers from rbx up, rbp of them; r13 counts those that did not return r14
        program program_numbers
.again: mov     rax, rbx
        syscall
        cmp     rax, r14
        je      .right
        inc     r13
        mov     r15, rbx
.right: inc     rbx
        dec     rbp
        jnz     .again
        int3
        over    program_numbers

; single steps
        program program_steps
        pushfq
        or      qword [rsp], RFLAGS_TF
        popfq
        syscall
        nop
        nop
        int3
        over    program_steps

; 32-bit code with a stack that it can reach, which ends at rsi
        program program_32
        mov     rsp, rsi
        lea     rcx, [.thirty_two]
        mov     [rsp - 8], ecx
        mov     word [rsp - 4], USER32_CS
        jmp     far dword [rsp - 8]
bits 32
.thirty_two:
        syscall
        int3
bits 64
        over    program_32
