; Lab 09: programs (programs.h). The kernel gives them their registers, and looks at them at each INT3.

%include "common.inc"
%include "offsets.inc"
%include "labs/09-compat/programs.inc"

        program program_int80
.again: int     0x80
        int3
        jmp     .again
        over    program_int80

        program_32 program_int80_32
.again: int     0x80
        int3
        jmp     .again
        over_32 program_int80_32

        program_32 program_sysenter
.again: call    esi                     ; XXX
        int3
        jmp     .again
        over_32 program_sysenter

        program_32 program_syscall32
.again: call    esi
        int3
        jmp     .again
        over_32 program_syscall32
