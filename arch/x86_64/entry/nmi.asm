; The door of NMIs, which nest: the CPU holds them back until an IRETQ, and any exception in the handler ends
; in one. The next NMI's frame then lies where this one's was. docs/entry.md, "NMIs that nest"; SDM vol. 3,
; section 6.7.1 "Handling Multiple NMIs".
;
;   top of the NMI stack
;   ss rsp rflags cs rip    the CPU, each NMI anew        )
;   -1 2                    the stub, the same            ) ARRIVALS: of the NMI that has come last; the whole
;   14 slots                what from_user wants to see   ) struct pt_regs, if that has interrupted a program
;   marker                  0: no NMI is being handled; 1: one is; 2: and another has come
;   ss rsp rflags cs rip    a copy, for the one that is handled
;   -1, rdi ... r15         <- rsp in C: struct pt_regs of that one
;
; The marker is found by rsp, which the CPU has just loaded from the TSS; GS may still be anybody's.

%include "common.inc"
%include "frame.inc"

extern trap, from_user, gs_take, gs_give_back
global entry_nmi, entry_nmi.copied, entry_nmi.nested, entry_nmi_end

section .entry.text exec

ARRIVAL         equ PT_SIZE - PT_RDI            ; what lies on the stack when the stub is through
TO_MARKER       equ PT_SIZE + 8 - ARRIVAL       ; from there down to the marker
FRAME           equ 5 * 8                       ; what the CPU pushes
AT_CS           equ PT_CS - PT_RDI              ; in the arrival
AT_RIP          equ PT_RIP - PT_RDI

; entry_nmi -- from the stub of NMIs to C
;
; in    rsp  the arrival, at the top of the NMI stack     GS  the kernel's or the user's     IF  0
; out   every register and GS as they were; or by from_user, when CS says user
;
; No NMI comes before .copied: the CPU holds it back, and what an exception could interrupt until there it
; leaves without IRETQ (paranoid.asm).
entry_nmi:
        test    byte [rsp + AT_CS], RPL_MASK
        jnz     .from_user
        ;@ lab 10.5  Another one is being handled: note that one more has come, and back to it. The marker says
        ;@           so, but for two instructions: it is 0 again, and the copy not used up. Then this NMI takes
        ;@           over the copy. {
        sub     rsp, TO_MARKER
        cmp     qword [rsp], 0
        jne     .nested
        mov     qword [rsp], 1
        cmp     qword [rsp + TO_MARKER + AT_RIP], entry_nmi.left
        je      .take_over
        cmp     qword [rsp + TO_MARKER + AT_RIP], entry_nmi.iretq
        je      .take_over
        ;@ } hole 10.5
        ;@ lab 10.6  The CPU's five slots, from the first that was pushed to the last. {
        times FRAME / 8 push qword [rsp + PT_SIZE]
        ;@ } hole 10.6
.copied:
        push    NO_ERROR_CODE
        push    rdi
        cld
        save    GPRS
        call    gs_take
        mov     rdi, rsp
        mov     rsi, NO_ERROR_CODE
        mov     edx, VECTOR_NMI
        sub     rsp, 8                  ; 21 slots: 8 off
        call    trap
        add     rsp, 8
        call    gs_give_back
        restore GPRS
        pop     rdi
        add     rsp, 8
        ;@ lab 10.7  One NMI less, in one instruction, for the next may come before any. If one is left: again,
        ;@           with the same copy. {
        dec     qword [rsp + FRAME]
.left:  jnz     .copied
        ;@ } hole 10.7
.iretq: iretq

; in    rsp  the marker, which is not 0
.nested:
        mov     qword [rsp], 2
        add     rsp, TO_MARKER + 2 * 8
        iretq                           ; into the NMI that is being handled

; in    rsp  the marker; below it lies the copy, and every register but rsp is what it says
.take_over:
        sub     rsp, FRAME
        jmp     .copied

; A program: none is being handled on this stack, and this one moves to the task's.
.from_user:
        cld
        save    GPRS
        mov     rdx, [rsp + PT_RDI]
        mov     [rsp + PT_RDI], rdi
        jmp     from_user
entry_nmi_end:
