; The registers as they are, for a panic that no exception led to.

%include "common.inc"
%include "offsets.inc"

global regs_capture

section .text

; regs_capture -- <arch/regs.h>
;
; in    rdi  struct pt_regs * to fill        out   every register as before
regs_capture:
        mov     [rdi + PT_RAX], rax
        mov     [rdi + PT_RDI], rdi
        lea     rax, [rsp + 8]
        mov     [rdi + PT_RSP], rax
        mov     rax, [rsp]
        mov     [rdi + PT_RIP], rax
        pushfq
        pop     qword [rdi + PT_RFLAGS]
        mov     rax, cs
        mov     [rdi + PT_CS], rax
        mov     rax, ss
        mov     [rdi + PT_SS], rax
        mov     qword [rdi + PT_ORIG_RAX], NO_SYSTEM_CALL
        mov     rax, [rdi + PT_RAX]
        mov     [rdi + PT_RBX], rbx
        mov     [rdi + PT_RCX], rcx
        mov     [rdi + PT_RDX], rdx
        mov     [rdi + PT_RSI], rsi
        mov     [rdi + PT_RBP], rbp
        mov     [rdi + PT_R8], r8
        mov     [rdi + PT_R9], r9
        mov     [rdi + PT_R10], r10
        mov     [rdi + PT_R11], r11
        mov     [rdi + PT_R12], r12
        mov     [rdi + PT_R13], r13
        mov     [rdi + PT_R14], r14
        mov     [rdi + PT_R15], r15
        ret
