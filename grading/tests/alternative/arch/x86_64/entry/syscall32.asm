; The door of SYSCALL in 32-bit code, on AMD's processors; on Intel's that is #UD.
; docs/entry.md, "SYSCALL from 32-bit code"; AMD APM vol. 2, section 6.1.1, and vol. 3, SYSCALL.

%include "common.inc"
%include "frame.inc"
%include "compat.inc"

extern do_fast_syscall32, to_user
global entry_syscall32

section .entry.text exec

; entry_syscall32 -- a program's system call, through CSTAR
;
; in    rsp  the program's     rcx  its rip     r11  its rflags     ebp  what was in ecx: the second argument
;       eax  number            rflags  masked by FMASK, IF 0        GS   the user's
; out   by to_user, at the landing pad: rax the result, r8 to r15 0
entry_syscall32:
        ; LAB 9.7: No register is free to keep the program's rsp in but one of those that 32-bit code does not
        ;          have. Frame and registers as at the other doors; the second argument to its own place.
        swapgs
        mov     r9, rsp
        mov     rsp, [gs:PERCPU_KERNEL_STACK]
        push    USER_DS
        mov     r9d, r9d
        push    r9
        push    r11
        push    USER32_CS
        push    0                       ; the landing pad comes here
        push    rax
        push    rdi
        xchg    rcx, rbp
        zero    HIGH_GPRS
        save    GPRS
        mov     rdi, rsp
        sub     rsp, 8                  ; 21 slots: 8 off
        call    do_fast_syscall32
        add     rsp, 8
        mov     [rsp + PT_RAX], rax
        jmp     to_user
