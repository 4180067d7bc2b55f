; The door of INT 0x80: system calls with the numbers and registers of i386, from 32-bit and from 64-bit code.
; docs/entry.md, "int 0x80"; SDM vol. 3, section 6.12.1, and vol. 2, INT n.

%include "common.inc"
%include "frame.inc"

extern do_syscall32, to_user, to_user.iretq
global entry_int80

section .entry.text exec

; entry_int80 -- a program's system call, through a gate with DPL 3
;
; in    rsp  the CPU's frame, at the top of the task's stack: no error code      eax  number
;       rflags  DF and AC the program's, IF 0                                    GS   the user's
; out   by to_user: every register as it was but rax, the result
entry_int80:
        ; LAB 9.2: The kernel's GS, and none of the program's flags. Then what the CPU's five slots lack of
        ;          struct pt_regs: in orig_rax the number, and every register whole, for 64-bit code has all of
        ;          each.
        hole 9.2
        mov     rdi, rsp
        sub     rsp, 8                  ; 21 slots: 8 off
        call    do_syscall32
        add     rsp, 8
        mov     [rsp + PT_RAX], rax
        cmp     dword [gs:PERCPU_EXIT_WORK], 0
        jne     to_user

        restore GPRS                    ; nothing to be done before: what is left of to_user
        pop     rdi
        add     rsp, 8
        swapgs
        jmp     to_user.iretq           ; the one IRETQ whose fault is foreseen
