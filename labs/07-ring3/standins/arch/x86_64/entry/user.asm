; Before lab 07 there is no ring 3 to come from or to go to: a frame that says so is wrong.

%include "common.inc"

extern panic_at
global from_user, to_user, to_user.iretq, iretq_faulted

section .entry.text exec

; in    rsp  struct pt_regs, or what the door takes for it     rdx  vector, or what it takes for it
; out   never returns
from_user:
iretq_faulted:
        lea     rsi, [on_the_way_in]
        jmp     complain

; in    rsp  struct pt_regs, or what the door takes for it
; out   never returns
to_user:
.iretq:
        lea     rsi, [on_the_way_out]
complain:
        mov     rdi, rsp
        xor     eax, eax                ; no vector registers for the variable arguments
        cld
        and     rsp, -16
        call    panic_at

section .rodata

on_the_way_in:
        db      "on the way in, CS in the frame says ring 3, and there is no ring 3 yet; "
        db      "the vector is 0x%lx", 0
on_the_way_out:
        db      "on the way out, CS in the frame says ring 3, and there is no ring 3 yet", 0
