; The way out of an #MC that has interrupted the kernel. docs/entry.md, "The same stack, entered twice"; SDM vol. 3,
; section 16.3.1.2 "IA32_MCG_STATUS MSR".
;
; As soon as MCIP is clear the next one may come, and its frame lies where this one's was: at the top of the #MC
; stack. So this one's goes to another place on that stack before that, and is used from there. One that comes
; meanwhile is handled at the top, and does not go back to where it struck: it goes back where this one would.

%include "common.inc"
%include "frame.inc"
%include "machine_check.inc"

extern gs_give_back
global leave_machine_check, leave_machine_check.cleared, leave_machine_check_end
global machine_check_over, machine_check_over.cleared

section .entry.text exec

; leave_machine_check -- from entry_paranoid
;
; in    rsp  struct pt_regs, at the top of the #MC stack     rbx  what gs_give_back wants
;       GS   the kernel's     IF  0     MCIP set
; out   every register and GS as they were; MCIP clear
leave_machine_check:
        lea     r12, [rsp + PT_SIZE - MACHINE_CHECK_PLACE]
        mov     rax, [rsp + PT_RIP]
        cmp     rax, leave_machine_check.cleared
        jb      .first
        cmp     rax, leave_machine_check_end
        jb      .again
.first:
        mov     rsi, rsp
        lea     rsp, [r12 - PT_SIZE + PT_RIP + 8]
        push    qword [rsi + PT_RIP]    ; first: by it nmi_settle knows both frames, and changes both or none
        mov     rsp, r12
    %assign slot PT_SIZE
    %rep PT_SIZE / 8
        %assign slot slot - 8
        push    qword [rsi + slot]
    %endrep
        jmp     .there

; Struck below, where MCIP was clear: the frame at its place is whole, and every register comes from it.
.again:
        lea     rsp, [r12 - PT_SIZE]
.there:
        call    gs_give_back
        clear_mcip
.cleared:
        restore GPRS
        mov     rdi, [rsp]
        add     rsp, PT_RIP - PT_RDI
        iretq
leave_machine_check_end:

section .text

; machine_check_over -- <arch/machine_check.h>
;
; in    rdi  struct pt_regs
machine_check_over:
        test    byte [rdi + PT_CS], RPL_MASK
        jz      .later                  ; leave_machine_check does it
        clear_mcip
.cleared:
        ret
.later: ret
