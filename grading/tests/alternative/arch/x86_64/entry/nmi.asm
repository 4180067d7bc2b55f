; The door of NMIs, which nest: the CPU holds them back until an IRETQ, and any exception in the handler ends
; in one. The next NMI's frame then lies where this one's was. docs/entry.md, "NMIs that nest"; SDM vol. 3,
; section 6.7.1 "Handling Multiple NMIs".
;
;   top of the NMI stack
;   ss rsp rflags cs rip    the CPU          ) the arrival: of the NMI that has come last. It has room for a
;   -1 2                    the stub         ) whole struct pt_regs, in case that NMI has interrupted a
;   14 slots                entry_nmi        ) program and goes on to from_user
;   2 slots                 for an exception that leaves without IRETQ (paranoid.asm)
;   marker                  0: no NMI is being handled here; 1: one is; 2: another has come meanwhile
;   ss rsp rflags cs rip    a copy           ) of the NMI that is being handled, until its IRETQ
;   -1 rdi ... r15          <- rsp in C      )
;
; The marker is found by rsp, which the CPU has just taken from the TSS; GS may be anybody's. rsp stays above it until
; it is clear that this NMI is not nested: an exception that leaves without IRETQ writes below rsp, where the copy is.

%include "common.inc"
%include "frame.inc"

extern trap, from_user, gs_take, gs_give_back, nmi_settle
global entry_nmi, entry_nmi.copied, entry_nmi.left, entry_nmi.iretq, entry_nmi.nested, entry_nmi_end

section .entry.text exec

CPU_FRAME       equ PT_SIZE - PT_RIP            ; bytes that the CPU pushes
ARRIVED         equ PT_SIZE - PT_RDI            ; and the stub, too
ROOM            equ 2 * 8                       ; what .without_iretq of paranoid.asm writes below rsp
TO_MARKER       equ PT_SIZE + ROOM + 8 - ARRIVED; from there down to the marker
AT_RIP          equ PT_RIP - PT_RDI             ; in what has arrived
AT_CS           equ PT_CS - PT_RDI

; entry_nmi -- from the stub of NMIs to C
;
; in    rsp  what has arrived, at the top of the NMI stack    GS  the kernel's or the user's     IF  0
; out   every register and GS as they were; or by from_user, when CS says user
;
; No NMI comes before .copied: the CPU holds it back, and what an exception interrupts until there it leaves
; without IRETQ (paranoid.asm).
entry_nmi:
        test    byte [rsp + AT_CS], RPL_MASK
        jnz     .from_user
        push    rdi
        lea     rdi, [rsp + 8 - TO_MARKER]
        call    nmi_settle
        pop     rdi
        ; LAB 10.5: If the marker says that one is being handled: to .nested. Else this is the one, and the
        ;           marker says so from now on. But if the last one was interrupted at .left or .iretq, where
        ;           the marker is 0 already and the copy not used up yet: to .take_over.
        inc     qword [rsp - TO_MARKER]
        cmp     qword [rsp - TO_MARKER], 1
        jne     .nested
        cmp     qword [rsp + AT_RIP], entry_nmi.iretq
        je      .take_over
        cmp     qword [rsp + AT_RIP], entry_nmi.left
        je      .take_over
        ; LAB 10.6: The CPU's five slots, from the first that it pushed to the last, to below the marker.
        lea     rsp, [rsp - TO_MARKER]
        push    qword [rsp + PT_SIZE + ROOM]
        push    qword [rsp + PT_SIZE + ROOM]
        push    qword [rsp + PT_SIZE + ROOM]
        push    qword [rsp + PT_SIZE + ROOM]
        push    qword [rsp + PT_SIZE + ROOM]

; in    rsp  the copy: a frame that nobody overwrites
.copied:
        push    NO_SYSTEM_CALL
        push    rdi
        ; LAB 10.7: The rest of struct pt_regs, the kernel's GS, trap(regs, NO_ERROR_CODE, VECTOR_NMI); then
        ;           everything as it was, up to the copy. Last, the marker counts down, in one instruction, for
        ;           the next may come before any: 0 sets ZF.
        save    GPRS
        cld
        call    gs_take
        mov     edx, VECTOR_NMI
        mov     rsi, NO_ERROR_CODE
        mov     rdi, rsp
        push    rbx                     ; any 8 bytes
        call    trap
        pop     rbx
        call    gs_give_back
        restore GPRS
        mov     rdi, [rsp]
        add     rsp, 2 * 8
        sub     qword [rsp + CPU_FRAME], 1
.left:  jnz     .copied                 ; one has come meanwhile: again, for it, with the same copy
.iretq: iretq

; in    rsp  what has arrived; the marker is not 0     out   back in the NMI that is being handled
.nested:
        mov     qword [rsp - TO_MARKER], 2      ; not more: the CPU does not count them, either
        add     rsp, ARRIVED - CPU_FRAME
        iretq

; The last one was through but for its IRETQ: every register but rsp is what its copy goes with. As if that
; IRETQ had come first, and then this NMI.
;
; in    rsp  what has arrived
.take_over:
        sub     rsp, TO_MARKER + CPU_FRAME
        jmp     .copied

; None is being handled, for that happens in the kernel. The frame moves to the task's stack, and a second one
; finds this stack empty.
.from_user:
        save    GPRS
        cld
        mov     rdx, [rsp + PT_RDI]
        mov     [rsp + PT_RDI], rdi
        jmp     from_user
entry_nmi_end:
