; Lab 08: who leaves by IRETQ (triggers.h).

%include "common.inc"
%include "offsets.inc"

global count_debug, count_debug_hits, count_debug_else

section .bss

count_debug_hits: resq 1
count_debug_else: resq 1

; The CPU's frame: #DB pushes no error code.
FRAME_CS        equ 8
FRAME_RFLAGS    equ 16

section .text

; count_debug -- #DB
;
; in    rsp  the CPU's frame, on an IST stack     GS  unknown
count_debug:
        test    byte [rsp + FRAME_CS], RPL_MASK
        jnz     .in_a_program
        inc     qword [count_debug_hits]
        or      qword [rsp + FRAME_RFLAGS], RFLAGS_RF ; or it would strike again
        iretq
.in_a_program:
        jmp     [count_debug_else]
