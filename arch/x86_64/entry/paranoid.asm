; The paranoid door: for what strikes between any two instructions, so that CS in the frame says nothing about
; GS. docs/entry.md, "The expensive test"; SDM vol. 3, sections 6.14.5 and 18.2.

%include "common.inc"
%include "frame.inc"

extern trap, from_user, leave_to_kernel, gs_take, gs_give_back, nmi_is_arriving
global entry_paranoid

section .entry.text exec

; entry_paranoid -- from the stub of #DB, #DF or #MC to C
;
; in    rsp  top of the vector's IST stack: frame, error code or -1, vector (frame.inc)
;       GS   the kernel's or the user's, whatever CS says        IF  0
; out   every register and GS as they were; or by from_user, when CS says user
;
; May itself be interrupted by an NMI, #MC and, until DR7 is cleared, #DB, at every instruction.
entry_paranoid:
        cld
        save    GPRS
        mov     rdx, [rsp + PT_RDI]
        mov     [rsp + PT_RDI], rdi
        ;@ lab 10.1  RPL 3 proves that a program was interrupted, and what was between it and the kernel does
        ;@           not matter then. But #DF stays: its handler reports and never returns. {
        cmp     edx, VECTOR_DF
        je      .stay
        test    byte [rsp + PT_CS], RPL_MASK
        jnz     from_user
        ;@ } hole 10.1
.stay:
        mov     r12, rdx                ; the vector
        cmp     edx, VECTOR_DB
        jne     .ask
        xor     eax, eax                ; a breakpoint in what follows would strike again, on this stack,
        mov     dr7, rax                ; and overwrite this frame: so there are none from here on
.ask:
        ;@ lab 10.3  gs_take, then trap(regs, error code, vector) as entry_normal calls it. What gs_give_back
        ;@           wants stays in rbx, which every function preserves, and every exception. {
        call    gs_take
        mov     rdi, rsp
        mov     rsi, [rsp + PT_ORIG_RAX]
        mov     rdx, r12
        mov     qword [rsp + PT_ORIG_RAX], NO_SYSTEM_CALL
        sub     rsp, 8                  ; 21 slots: 8 off
        call    trap
        add     rsp, 8
        ;@ } hole 10.3
        mov     rdi, rsp
        sub     rsp, 8
        call    nmi_is_arriving
        add     rsp, 8
        mov     r12d, eax
        call    gs_give_back
        test    r12b, r12b
        jz      leave_to_kernel

; An NMI's way in was interrupted, before its frame was safe. IRETQ would let the next one in, on top of it
; (docs/entry.md, "NMIs that nest"). So back without: flags and rip go below the interrupted code's rsp, where
; nothing of its own is.
;
; in    rsp  struct pt_regs     out   every register as the frame has it; RF clear
.without_iretq:
        mov     rax, [rsp + PT_RSP]
        sub     rax, 2 * 8
        mov     rcx, [rsp + PT_RFLAGS]
        mov     [rax], rcx
        mov     rcx, [rsp + PT_RIP]
        mov     [rax + 8], rcx
        mov     [rsp + PT_RSP], rax
        restore GPRS
        pop     rdi
        mov     rsp, [rsp + PT_RSP - PT_ORIG_RAX]
        popfq
        ret
