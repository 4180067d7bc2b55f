; The door of SYSCALL, and the two ways out of it. The CPU does as little as it can: it saves rip in rcx and
; rflags in r11, and loads rip, CS, SS and rflags from MSRs. The stack and GS are left as they are.
; docs/entry.md, "SYSCALL"; SDM vol. 2, SYSCALL and SYSRET; AMD APM vol. 2, section 6.1.

%include "common.inc"
%include "frame.inc"

extern do_syscall, to_user
global entry_syscall, leave_by_sysret, ignore_syscall32

section .entry.text exec

; entry_syscall -- a program's system call, through LSTAR
;
; in    rsp  the program's     rcx  its rip     r11  its rflags     rax  number
;       rdi, rsi, rdx, r10, r8, r9  arguments
;       rflags  masked by FMASK: IF, TF, DF, NT, AC, RF are 0       GS   the user's
; out   by leave_by_sysret or to_user: every register as it was but rax, rcx and r11
entry_syscall:
        ;@ lab 8.6  The kernel's GS, and by it a stack. No register is free to keep the program's rsp in, but the
        ;@          per-CPU block has a slot for it. Then struct pt_regs, as if the CPU had pushed its frame,
        ;@          with the number in orig_rax. {
        swapgs
        mov     [gs:PERCPU_USER_RSP], rsp
        mov     rsp, [gs:PERCPU_KERNEL_STACK]
        push    USER_DS
        push    qword [gs:PERCPU_USER_RSP]
        push    r11
        push    USER_CS
        push    rcx
        push    rax
        push    rdi
        save    GPRS
        ;@ } hole 8.6
        mov     rdi, rsp
        sub     rsp, 8                  ; 21 slots: 8 off
        call    do_syscall
        add     rsp, 8
        mov     [rsp + PT_RAX], rax
        cmp     dword [gs:PERCPU_EXIT_WORK], 0
        jne     to_user

; in    rsp  struct pt_regs     GS  the kernel's     IF  0
; out   by leave_by_sysret where that comes to the same as IRETQ, else by to_user
        ;@ lab 8.7  SYSRET takes rip from rcx and rflags from r11, and no CS or SS of the frame. An rip that is
        ;@          not canonical is #GP in ring 0 on Intel's CPUs, with rsp the program's already. And TF or
        ;@          RF would not be what they are after IRETQ. {
        mov     rcx, [rsp + PT_RIP]
        cmp     rcx, [rsp + PT_RCX]
        jne     to_user
        mov     r11, [rsp + PT_RFLAGS]
        cmp     r11, [rsp + PT_R11]
        jne     to_user
        test    r11d, RFLAGS_TF | RFLAGS_RF
        jnz     to_user
        cmp     qword [rsp + PT_CS], USER_CS
        jne     to_user
        cmp     qword [rsp + PT_SS], USER_DS
        jne     to_user
        cmp     rcx, [user_end]
        jae     to_user
        ;@ } hole 8.7

; leave_by_sysret -- the program goes on, behind its SYSCALL
;
; in    rsp  struct pt_regs with rcx = rip, r11 = rflags     GS  the kernel's     IF  0
; out   every register as the frame has it, GS the user's
leave_by_sysret:
        ;@ lab 8.8  As to_user does, but rsp comes last, from the frame. From there to SYSRET the kernel runs on
        ;@          the program's stack: it pushes nothing, and what may strike here has a stack of its own. {
        restore GPRS
        pop     rdi
        mov     rsp, [rsp + PT_RSP - PT_ORIG_RAX]
        swapgs
        o64 sysret
        ;@ } hole 8.8

; ignore_syscall32 -- SYSCALL from 32-bit code, through CSTAR, while nobody has a door for it
;
; in    as entry_syscall
; out   eax  -ENOSYS     all else as it was but rcx and r11. On the program's stack and with its GS, of
;       which nothing is used.
ignore_syscall32:
        mov     eax, -ENOSYS
        o32 sysret

section .rodata

        align   8
user_end:
        dq      USER_END
