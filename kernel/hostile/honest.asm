; A program that does nothing wrong and writes down how it finds itself (honest.h), each time that it is
; resumed.

%include "common.inc"
%include "labs/07-ring3/programs.inc"

FOUND           equ 0x500000            ; struct found, at FLAT_DATA
STACK           equ FOUND + 0x2000
FLAGS           equ FOUND + 16 * 8
SEGMENTS        equ FLAGS + 8
AT_FS           equ SEGMENTS + 6 * 8
AT_GS           equ AT_FS + 8
HAS_XSAVE         equ AT_GS + 8
PARENT          equ HAS_XSAVE + 3 * 8
FPU             equ FOUND + 512
GETPPID         equ 110                 ; Linux's numbers
GETPPID_32      equ 64

; keep REGISTERS -- into FOUND, one after the other
%macro keep 1-*
    %assign place 0
    %rep %0
        mov     [abs FOUND + place], %1
        %rotate 1
        %assign place place + 8
    %endrep
%endmacro

; segments REGISTERS -- the selectors
%macro segments 1-*
    %assign place 0
    %rep %0
        mov     eax, %1
        mov     [abs SEGMENTS + place], rax
        %rotate 1
        %assign place place + 8
    %endrep
%endmacro

        program honest_program
.again: keep    rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
        mov     rsp, STACK
        pushfq
        pop     qword [abs FLAGS]
        cld
        segments cs, ss, ds, es, fs, gs
        mov     rax, [fs:0]
        mov     [abs AT_FS], rax
        mov     rax, [gs:0]
        mov     [abs AT_GS], rax
        mov     eax, -1
        mov     edx, eax
        cmp     byte [abs HAS_XSAVE], 0
        je      .no_xsave
        xsave64 [abs FPU]
        jmp     .kept
.no_xsave:
        fxsave64 [abs FPU]
.kept:  mov     eax, GETPPID
        syscall
        mov     [abs PARENT], rax
        mov     eax, GETPPID_32
        int     0x80
        mov     [abs PARENT + 8], rax
        int3
        jmp     .again
        over    honest_program
