; What the rows of ring3.c run in ring 3: each a struct flat, <kernel/flat.h>.

%include "common.inc"

UNALIGNED       equ 1 << 18             ; RFLAGS.AC

; program NAME ... over NAME
%macro program 1
section .rodata
%1_start:
%endmacro
%macro over 1
%1_end: align   8
global %1
%1:     dq      %1_start, %1_end
%endmacro

        program read_unaligned
        pushfq
        or      qword [rsp], UNALIGNED
        popfq
        mov     rax, [rsp - 15]
        ud2
        over    read_unaligned

        program return_far
        mov     eax, cs
        lea     rcx, [.there]
        push    rax
        push    rcx
        o64 retf
.there: int3
        over    return_far

        program enter_by_sysenter
        sysenter
        over    enter_by_sysenter

        program enter_by_syscall
        syscall
        over    enter_by_syscall
