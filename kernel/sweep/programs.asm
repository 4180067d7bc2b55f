; The sweep: the programs that go through the doors. Each ends with INT VECTOR_STOP.

%include "common.inc"
%include "exception_table.inc"
%include "offsets.inc"

VECTOR_STOP     equ 0x7f                ; sweep.h

extern to_user

%macro stop 0
        int     VECTOR_STOP
%endmacro

; program NAME, INSTRUCTION -- one instruction that leads through a door, and the end
%macro program 2+
global %1
%1:     %2
        stop
%endmacro

; ---- ring 3: bytes that are copied to FLAT_CODE ----------------------------------------------------

section .rodata

global sweep_programs, sweep_programs_end
sweep_programs:
        program user_nops, times 4 nop
        program user_ud, ud2
        program user_gp, hlt
        program user_pf, mov [rdi], rdi
        program user_bp, int3
        program user_syscall, syscall
        program user_int80, int 0x80

; edi: a function of the page that 32-bit programs share
bits 32
        program user_call32, call edi
bits 64
sweep_programs_end:

; ---- ring 0 ----------------------------------------------------------------------------------------

section .text

        program kernel_nops, times 4 nop
        program kernel_ud, ud2
        program kernel_gp, mov rbx, [rdx]
        program kernel_pf, mov [rdi], rdi
        program kernel_bp, int3

; the exception table knows what to do
global kernel_fixup
kernel_fixup:
        may_fault .fixed, mov rbx, [rdx]
.fixed: stop

; rdi: registers of a program; on to it, as to one that has never run
global kernel_first
kernel_first:
        mov     rsp, rdi
        jmp     to_user
