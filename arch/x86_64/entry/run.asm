; To a program and back, as a function call sees it.

%include "common.inc"

extern to_user
global task_enter, task_leave

section .text

; task_enter -- <arch/task.h>
;
; in    rdi  where the caller's rsp goes    rsi  struct pt_regs    IF  0
; out   by task_leave
task_enter:
        push_preserved
        mov     [rdi], rsp
        mov     rsp, rsi
        jmp     to_user

; task_leave -- <arch/task.h>
;
; in    rdi  the caller's rsp
; out   as task_enter's caller expects
task_leave:
        mov     rsp, rdi
        pop_preserved
        ret
