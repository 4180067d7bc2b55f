; Copying what may not be there. SDM vol. 2, REP/REPE/REPZ/REPNE/REPNZ and STAC.

%include "common.inc"
%include "exception_table.inc"
%include "user_access.inc"

global user_copy

section .text

; user_copy -- <arch/user.h>
;
; in    rdi  where to    rsi  where from    rdx  how many bytes
; out   rax  how many are left; AC clear. Clobbers rcx, rdx, rsi, rdi.
user_copy:
        ; LAB 4.6: REP MOVSB counts rcx down, byte by byte. If it faults, what is left is left there;
        ;          and the window closes on that way, too.
        mov     rax, rdx
        user_access_begin
.next:
        test    rax, rax
        jz      .over
        may_fault .over, mov cl, [rsi]
        may_fault .over, mov [rdi], cl
        inc     rsi
        inc     rdi
        dec     rax
        jmp     .next
.over:
        user_access_end
        ret
        ud2                             ; RET, and nobody comes here
