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
        %assign slot PT_R15
        %macro  slots 1-*
            %rep %0
        mov     [rdi + slot], %1
            %assign slot slot + 8
            %rotate 1
            %endrep
        %endmacro
        slots   r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8
        mov     [rdi + PT_RCX], rcx
        mov     [rdi + PT_RDX], rdx
        mov     [rdi + PT_RSI], rsi
        ret
