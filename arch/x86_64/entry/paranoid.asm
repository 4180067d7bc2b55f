; The paranoid door: for what strikes between any two instructions, so that CS in the frame says nothing about
; GS. docs/entry.md, "The expensive test"; SDM vol. 3, sections 6.14.5 and 18.2.

%include "common.inc"
%include "frame.inc"
%include "machine_check.inc"

extern trap, from_user, leave_to_kernel, leave_machine_check, gs_take, gs_give_back, nmi_is_arriving, debug_stack_shift
extern entry_text_start, entry_text_end
global entry_paranoid

section .entry.text exec

; entry_paranoid -- from the stub of #DB, #DF or #MC to C
;
; in    rsp  top of the vector's IST stack: frame, error code or -1, vector (frame.inc)
;       GS   the kernel's or the user's, whatever CS says        IF  0
; out   every register and GS as they were; or by from_user, when CS says user
;
; May itself be interrupted at every instruction: by an NMI, by #MC, and by #DB until DR7 is cleared.
entry_paranoid:
        ;@ lab 10.1  As entry_normal begins. RPL 3 then proves that a program was interrupted: from_user. But #DF
        ;@           stays on its stack, for its handler reports and never returns. The vector moves to r12. {
        cld
        save    GPRS
        mov     rdx, [rsp + PT_RDI]
        mov     [rsp + PT_RDI], rdi
        cmp     edx, VECTOR_DF
        je      .stay
        test    byte [rsp + PT_CS], RPL_MASK
        jnz     from_user
.stay:
        mov     r12, rdx
        ;@ } hole 10.1
        cmp     r12d, VECTOR_DB
        jne     .take
        xor     eax, eax                ; a breakpoint in what follows would strike on this stack again,
        mov     dr7, rax                ; over this frame: so there are none from here on
.take:
        call    gs_take
        cmp     r12d, VECTOR_DB
        jne     .call
        mov     r13, [debug_stack_shift]
        test    r13, r13
        jnz     .shifted
.call:
        ;@ lab 10.3  trap(regs, error code, vector), as entry_normal calls it. {
        mov     rdi, rsp
        mov     rsi, [rsp + PT_ORIG_RAX]
        mov     rdx, r12
        mov     qword [rsp + PT_ORIG_RAX], NO_SYSTEM_CALL
        sub     rsp, 8                  ; 21 slots: 8 off
        call    trap
        add     rsp, 8
        ;@ } hole 10.3
.called:
        mov     rax, [rsp + PT_RIP]
        cmp     rax, entry_text_start
        jb      .leave
        cmp     rax, entry_text_end
        jb      .in_entry_code
.leave:
        cmp     r12d, VECTOR_MC
        je      leave_machine_check
        call    gs_give_back
        jmp     leave_to_kernel

.in_entry_code:
        mov     rdi, rsp
        sub     rsp, 8
        call    nmi_is_arriving
        add     rsp, 8
        test    al, al
        jz      .leave
        cmp     r12d, VECTOR_MC
        jne     .give_back
        clear_mcip                      ; another #MC must not come before the end of this
.give_back:
        call    gs_give_back

; An NMI was interrupted on its way in, before its frame was safe. IRETQ would let the next one in, on top of
; it (docs/entry.md, "NMIs that nest"). So back without: flags and rip go below the interrupted code's rsp,
; where nothing of its own is.
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

; Another #DB may come while this one is handled, and is to find room below what this one uses. Linux did so
; until 5.8 (docs/entry.md, "The stack that moves").
;
; in    rsp  struct pt_regs but for the error code     r12  vector     r13  bytes      GS  the kernel's
.shifted:
        ;@ lab 10.8  The CPU takes its stack from the TSS anew each time: lower by r13 until trap() is back. {
        sub     [gs:PERCPU_IST_DB], r13
        mov     rdi, rsp
        mov     rsi, [rsp + PT_ORIG_RAX]
        mov     rdx, r12
        mov     qword [rsp + PT_ORIG_RAX], NO_SYSTEM_CALL
        sub     rsp, 8
        call    trap
        add     rsp, 8
        add     [gs:PERCPU_IST_DB], r13
        ;@ } hole 10.8
        jmp     .called
