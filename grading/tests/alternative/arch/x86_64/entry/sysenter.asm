; The door of SYSENTER: system calls of 32-bit code on Intel's processors.
; docs/entry.md, "SYSENTER"; SDM vol. 3, section 5.8.7, and vol. 2, SYSENTER.

%include "common.inc"
%include "frame.inc"
%include "compat.inc"

extern do_fast_syscall32, to_user
global entry_sysenter

section .entry.text exec

; entry_sysenter -- a program's system call, through IA32_SYSENTER_EIP
;
; in    rsp  IA32_SYSENTER_ESP, no stack     eax  number     ebp  the program's esp, by its own word
;       rflags  all the program's but IF 0; its rip is lost     GS  the user's
; out   by to_user, at the landing pad: rax the result, r8 to r15 0
entry_sysenter:
        ; LAB 9.4: The kernel's GS, then a stack. SYSENTER leaves TF, NT, AC and DF as they were: with TF every
        ;          instruction from here on traps, so they go as soon as they are saved.
        swapgs
        mov     rsp, [gs:PERCPU_KERNEL_STACK]
        push    USER_DS
        push    0
        mov     [rsp], ebp              ; the high half stays 0
        pushfq
        push    RFLAGS_FIXED
        popfq
        bts     qword [rsp], 9          ; IF
        ; LAB 9.5: The rest of the frame. Nobody knows rip; C will write there where the program goes on. 32-bit
        ;          code has no r8 to r15: they become 0.
        push    USER32_CS
        push    rax                     ; anything
        push    rax
        push    rdi
        save    rsi, rdx, rcx, rax
    %rep 4
        push    0
    %endrep
        save    rbx, rbp
    %rep 4
        push    0
    %endrep
        mov     rdi, rsp
        sub     rsp, 8                  ; 21 slots: 8 off
        call    do_fast_syscall32
        add     rsp, 8
        mov     [rsp + PT_RAX], rax
        jmp     to_user
