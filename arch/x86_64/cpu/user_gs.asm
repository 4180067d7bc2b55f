; Loading GS for a program. SDM vol. 2, SWAPGS and MOV.

%include "common.inc"
%include "exception_table.inc"

global user_gs_load

section .text

; user_gs_load -- <arch/task.h>
;
; in    di   selector    GS  the kernel's    IF  0
; out   GS   the kernel's base; the other one is what the selector brings
;
; The load changes the base that is in use. In between GS is the user's and CS the kernel's: an NMI here must
; ask the base, not CS (docs/entry.md, "The cheap test"). So does the load's own #GP come, whose way to the
; exception table uses no GS.
user_gs_load:
        swapgs
.load:  may_fault .empty, mov gs, edi
        swapgs
        ret
.empty: xor     edi, edi
        jmp     .load
