; Between a program and the kernel: SWAPGS, once on the way in and once on the way out, and the task's own
; stack. docs/entry.md, "From ring 3"; SDM vol. 3, section 6.14, and vol. 2, SWAPGS and IRETQ.

%include "common.inc"
%include "frame.inc"

extern entry_normal.kernel, entered_from_user, exit_to_user
global from_user, from_user.on_the_stack, to_user, to_user.iretq, iretq_faulted

section .entry.text exec

; to_user -- the program goes on
;
; in    rsp  struct pt_regs, at the top of the task's stack     GS  the kernel's     IF  0
; out   every register as the frame has it, GS the user's
to_user:
        mov     rdi, rsp
        sub     rsp, 8                  ; 21 slots: 8 off
        call    exit_to_user
        add     rsp, 8
        ; LAB 7.3: As leave_to_kernel does, and the user's GS when nothing needs the kernel's any more.
        swapgs                          ; nothing below needs the kernel's
        restore GPRS
        mov     rdi, [rsp]
        lea     rsp, [rsp + 2 * 8]      ; the slots of rdi and of orig_rax
.iretq: iretq

; from_user -- a program was interrupted
;
; in    rsp  struct pt_regs but for the error code in orig_rax: on the task's stack, or on one of the IST
;       rdx  vector     GS  the user's     IF  0
; out   rsp  struct pt_regs at the top of the task's stack     GS  the kernel's; the rest as above
from_user:
        ; LAB 7.4: The kernel's GS; then, if the frame is not the one at the top of the stack that the TSS
        ;          names, it goes there: an IST stack is for one exception, and this may last.
        swapgs
        mov     rax, [gs:PERCPU_KERNEL_STACK]
        mov     rsi, rax
        sub     rsi, rsp
        cmp     rsi, PT_SIZE            ; how far below the top
        jz      .on_the_stack

; in    rsp  struct pt_regs, where it does not stay     rax  top of the task's stack
.move:
        ; LAB 7.5: All slots, from the first that was pushed to the last. Old and new place may overlap, and
        ;          only this order reads each slot before it is written.
        lea     rsi, [rsp + PT_SIZE - 8]
        lea     rdi, [rax - 8]
        mov     ecx, PT_SIZE / 8
        std                             ; downwards
        rep     movsq
        cld
        lea     rsp, [rax - PT_SIZE]

.on_the_stack:
        push    rdx                     ; and rsp is aligned for C
        lea     rdi, [rsp + 8]
        call    entered_from_user
        pop     rdx
        jmp     entry_normal.kernel

; iretq_faulted -- IRETQ found something in the frame that it could not load
;
; in    rsp  struct pt_regs of the fault: the registers are the user's by then, and its rsp slot says
;            where the frame lies that was refused: rip cs rflags rsp ss
;       rdx  vector     GS  the user's, though CS says kernel     IF  0
; out   as if the program had faulted at that rip
iretq_faulted:
        ; LAB 7.6: The kernel's GS, and for the five slots that lead back to IRETQ those that it refused.
        ;          The frame then is the program's, but not at the top of the stack.
        swapgs
        mov     rax, [gs:PERCPU_KERNEL_STACK]
        lea     rsi, [rax - 5 * 8]      ; IRETQ stands at the same place each time
        lea     rdi, [rsp + PT_RIP]
        mov     ecx, 5
        rep     movsq
        jmp     from_user.move
