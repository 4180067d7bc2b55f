; Reading memory that may not be there: one instruction, and its row in the exception table.

%include "common.inc"
%include "exception_table.inc"
%include "offsets.inc"

global read_safe

section .text

; read_safe -- <arch/safe.h>
;
; in    rdi  the address    rsi  where the value goes
; out   eax  0 or -EFAULT. Clobbers rdx.
read_safe:
        may_fault .fault, mov rdx, [rdi] ; first: by its address do_page_fault knows who only looks
        mov     [rsi], rdx
        xor     eax, eax
        ret
.fault:
        mov     qword [rsi], 0
        mov     eax, -EFAULT
        ret
