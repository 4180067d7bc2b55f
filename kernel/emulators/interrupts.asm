; What the rows of interrupts.c and nmi.c run.

%include "common.inc"
%include "kernel/emulators/triggers.inc"

TURNS           equ 30000               ; 60,000 instructions: 15 ms in Bochs, 4 ms in QEMU

section .text

        trigger sti_nop
        sti
        mark    sti_nop_nop
        nop
        mark    sti_nop_behind
        nop
        nop
        cli
        ret

        trigger wait_with_interrupts
        sti
        call    wait_without
        cli
        ret

        trigger wait_without
        mov     ecx, TURNS
.turn:
        dec     ecx
        jnz     .turn
        ret

; ---- NMI -----------------------------------------------------------------------------------------

        trigger breakpoint
        int3
        mark    breakpoint_behind
        ret

        trigger int_2
        int     2
        ret

        trigger nmi_target              ; an IRETQ leads here
        nop
        ret
