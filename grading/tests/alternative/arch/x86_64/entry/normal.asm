; The normal door and its way out: for vectors that only strike where CS tells the truth about the
; stack and about GS. docs/entry.md follows an exception through this file.

%include "common.inc"
%include "frame.inc"

extern trap, from_user, to_user, to_user.iretq, iretq_faulted
global entry_normal, entry_normal.kernel, leave_to_kernel

section .entry.text exec

; entry_normal -- from a stub to C
;
; in    rsp  frame, error code or -1, vector (frame.inc)
;       GS   the kernel's if CS says kernel, else the user's        IF  0
; out   through leave_to_kernel, or to_user when CS says user
entry_normal:
        ; LAB 3.3: C wants DF clear. Save all but rdi; then the vector moves to edx, and rdi into
        ;          the slot where the vector was.
        xchg    rdi, [rsp]              ; the vector comes out, rdi goes in
        save    GPRS                    ; (no flag changes in here matter: they are in the frame)
        mov     edx, edi
        cld
        test    byte [rsp + PT_CS], RPL_MASK
        jnz     from_user
        cmp     qword [rsp + PT_RIP], to_user.iretq
        je      iretq_faulted           ; the one place where CS says kernel and GS is the user's

; in    rsp  struct pt_regs, complete but for the error code in orig_rax
;       edx  vector     GS  the kernel's
.kernel:
        ; LAB 3.4: trap(regs, error code, vector), called on a stack aligned to 16. What stays in
        ;          orig_rax says that there is no system call to restart.
        lea     rdi, [rsp]
        mov     rsi, NO_SYSTEM_CALL
        xchg    rsi, [rdi + PT_ORIG_RAX] ; the code comes out, -1 goes in
        mov     rbx, rsp                ; C keeps rbx, and the frame has the old one
        and     rsp, -16
        call    trap
.back_from_c:
        mov     rsp, rbx
        test    byte [rsp + PT_CS], RPL_MASK
        jnz     to_user

; leave_to_kernel -- back to what was interrupted
;
; in    rsp  struct pt_regs
; out   every register as the frame has it
leave_to_kernel:
        ; LAB 3.6: rdi is not in the list; orig_rax is not the CPU's and must be gone before IRETQ.
        restore GPRS
        mov     rdi, [rsp]
        lea     rsp, [rsp + 2 * 8]      ; the slots of rdi and of orig_rax
.iret:
        o64 iret                        ; another way to write iretq
