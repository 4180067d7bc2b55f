; Lab 08: programs (programs.h). The kernel gives them their registers, and looks at them at each INT3.

%include "common.inc"
%include "offsets.inc"
%include "labs/08-syscall/programs.inc"

        program program_call
.again: syscall
        int3
        jmp     .again
        over    program_call
