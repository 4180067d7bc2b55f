; The end of the machine, the same in every emulator and at every point of boot.

%include "common.inc"

EXIT_PORT       equ 0xf4                ; QEMU -device isa-debug-exit, if it is there
ACPI_PM1_CONTROL equ 0x604              ; QEMU q35 and pc with SeaBIOS
ACPI_SLEEP_ENABLE equ 0x2000            ; SLP_EN with SLP_TYP 0: soft off
BOCHS_SHUTDOWN  equ 0x8900              ; takes the letters of "Shutdown"
DEBUG_CONSOLE   equ 0xe9
STATUS_HOLE     equ 3                   ; MACHINE_HOLE
SETTLE_TURNS    equ 1 << 15             ; ten times what a full FIFO needs, in Bochs at 4M ips

extern serial_flush
global machine_end, machine_settle, hole_reached

; settle -- let the UART send what it holds
%macro settle 0
        mov     ecx, SETTLE_TURNS
    %%turn:
        dec     ecx
        jnz     %%turn
%endmacro

section .text

; machine_end -- the kernel is done
;
; in    edi  status, enum machine_status
; out   never returns
machine_end:
        mov     ebx, edi
        call    serial_flush            ; what is still in the UART would be lost
        mov     eax, ebx
        jmp     power_off

; machine_settle -- <arch/machine.h>; looks at no UART, for in lab 00 it may not be set up
;
; out   clobbers rcx
machine_settle:
        settle
        ret

; hole_reached -- the student's code arrived at a hole that is not filled yet
;
; in    rsi  text, NUL-terminated, in kernel memory
; out   never returns; uses no stack, because there may be none
hole_reached:
        cld
.next:
        lodsb
        test    al, al
        jz      .end
        out     DEBUG_CONSOLE, al
        jmp     .next
.end:
        settle
        mov     eax, STATUS_HOLE

; On a real machine these ports may belong to any device: only an emulator's debug console reads as
; its own number.
power_off:
        cli
        mov     ebx, eax
        in      al, DEBUG_CONSOLE
        cmp     al, DEBUG_CONSOLE
        jne     .never
        mov     eax, ebx
        out     EXIT_PORT, al
        mov     dx, ACPI_PM1_CONTROL
        mov     ax, ACPI_SLEEP_ENABLE
        out     dx, ax
        mov     dx, BOCHS_SHUTDOWN
        lea     rsi, [shutdown_word]
        mov     ecx, shutdown_word.length
        rep     outsb
.never:
        hlt                             ; the end of a real machine
        jmp     .never

section .rodata

shutdown_word:  db "Shutdown"
.length         equ $ - shutdown_word
