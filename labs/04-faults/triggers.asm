; Lab 04: instructions that touch memory (triggers.h).

%include "common.inc"
%include "exception_table.inc"
%include "user_access.inc"

global touch_read, touch_write, touch_fetch, touch_over, touch_ret, touch_in_window, touch_both
global touch_first, touch_second

section .text

; Leaf functions, with nothing on the stack: a handler can go on at touch_over.
touch_read:
        mov     al, [rdi]
        ret

touch_write:
        mov     [rdi], sil
        ret

; The fault comes from the fetch behind the jump: RIP is the address itself.
touch_fetch:
        jmp     rdi

touch_over:
touch_ret:
        ret

touch_in_window:
        user_access_begin
        pushfq
        pop     qword [rdi]
        int3
        pushfq
        pop     qword [rdi + 8]
        user_access_end
        ret

touch_both:
        may_fault .fixup, mov rax, [rdi]
        mov     rdx, [rsi]
        ret
.fixup:
        mov     rax, -1
        ret

; Nobody runs these; their rows are the wrong way round on purpose.
touch_first:
        nop
touch_second:
        nop

section .exception_table progbits alloc noexec write align=8

        dq      touch_second, touch_over
        dq      touch_first, touch_over
