; Whether IRETQ works in ring 3.

%include "common.inc"
%include "labs/07-ring3/programs.inc"

        program probe_iretq
        mov     rax, rsp
        mov     ecx, ss
        mov     edx, cs
        push    rcx
        push    rax
        pushfq
        push    rdx
        lea     rax, [.there]
        push    rax
        iretq
.there: int3
        over    probe_iretq
