; Lab 10: programs (programs.h). The kernel gives them their registers.

%include "common.inc"
%include "offsets.inc"

TRAP_FLAG       equ 1 << 8

; program NAME ... over NAME -- the code between becomes a struct flat of that name
%macro program 1
        [section .rodata]
%1_start:
%endmacro

%macro over 1
%1_end:
        align   8
global %1
%1:     dq      %1_start, %1_end
%endmacro

        program program_breakpoints
.again: int3
        jmp     .again
        over    program_breakpoints

; r12 keeps rsp; the system call is rax, each time anew from rbx
        program program_calls
        mov     r12, rsp
.again: mov     eax, ebx
        mov     rsp, r13
        syscall
        mov     rsp, r12
        int3
        jmp     .again
        over    program_calls

%macro step_over 2+
        program %1
        push    TRAP_FLAG | 1 << 1 | 1 << 9
        popfq
        nop                             ; the first step ends behind it
        %2
        nop
        nop
        push    1 << 1 | 1 << 9
        popfq
        ud2
        over    %1
%endmacro
        step_over program_step, nop
        step_over program_step_syscall, syscall
        step_over program_step_int80, int 0x80

        program program_mov_ss
        mov     ss, [rdi]
        syscall
        int3
        over    program_mov_ss

; rdi the base; r8 what it is each time it comes back
        program program_writes_base
        wrgsbase rdi
.again: rdgsbase r8
        int3
        jmp     .again
        over    program_writes_base

; rax by LSL, rdx by RDPID if rsi says so
        program program_numbers
        mov     ecx, CPU_NUMBER
        lsl     eax, ecx
        xor     edx, edx
        test    esi, esi
        jz      .stop
        rdpid   rdx
.stop:  int3
        over    program_numbers
