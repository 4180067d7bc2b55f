; Before lab 07 there is no ring 3 to come from or to go to: a frame that says so is wrong.

%include "common.inc"

extern panic_at
global from_user, to_user, to_user.iretq, iretq_faulted

section .entry.text exec

; in    rsp  struct pt_regs, or what the door takes for it
; out   never returns
from_user:
iretq_faulted:
to_user:
.iretq:
        mov     rdi, rsp
        lea     rsi, [complaint]
        xor     eax, eax                ; no vector registers for the variable arguments
        cld
        and     rsp, -16
        call    panic_at

section .rodata

complaint:      db "CS in the frame says ring 3, and there is no ring 3 yet", 0
