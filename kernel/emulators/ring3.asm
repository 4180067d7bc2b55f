; What the rows of ring3.c run in ring 3: each a struct flat, <kernel/flat.h>.

%include "common.inc"
%include "offsets.inc"

UNALIGNED       equ 1 << 18             ; RFLAGS.AC
VIRTUAL_8086    equ 1 << 17             ; RFLAGS.VM

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

; rdi: an address of the kernel's, where a frame lies that leads to the end of this
        program return_by_kernels_frame
        mov     rsp, rdi
        o64 retf
        int3
        over    return_by_kernels_frame

; rsi: the end of a stack below 4 GiB
        program return_to_8086
        lea     rax, [.there]
        lea     rsp, [rsi - 16 * 4]     ; room for what a return to that mode takes besides
        mov     [rsp], eax
        mov     dword [rsp + 4], USER_CS
        mov     dword [rsp + 8], VIRTUAL_8086 | 1 << 9 | 1 << 1
        mov     [rsp + 12], esp
        mov     dword [rsp + 16], USER_DS
        iretd
.there: int3
        over    return_to_8086

        program load_reserved_mxcsr
        push    1 << 30
        add     qword [rsp], 1 << 30    ; bit 31
        ldmxcsr [rsp]
        ud2
        over    load_reserved_mxcsr
