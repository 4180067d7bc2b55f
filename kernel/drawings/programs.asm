; Programs for the drawings of docs/entry.md. Each leads into the kernel by one instruction, with rsp in the middle
; of a page and a value of its own in every register, so that each slot of a drawing can be told by what is in it.

%include "common.inc"
%include "offsets.inc"

DEPTH           equ 0x4f8               ; what the stack's earlier users are supposed to have pushed
GETPPID         equ 110
GETPPID_I386    equ 64
%define PATTERNS rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15

section .rodata

%macro load_patterns 1-*
    %assign %%digits 0x0101010101010101
    %rep %0
        mov     %1, %%digits
        %assign %%digits %%digits + 0x0101010101010101
        %rotate 1
    %endrep
%endmacro

; program NAME -- struct flat program_NAME, which runs what stands from here to `end NAME`
%macro program 1
program_%1_start:
        load_patterns PATTERNS
        sub     rsp, DEPTH
%endmacro

%macro end 1
        ud2
program_%1_end:
        align   8
global program_%1, program_%1_start, program_%1_end
program_%1:
        dq      program_%1_start, program_%1_end
%endmacro

; drawn NAME, INSTRUCTION -- the one to look at
%macro drawn 2+
global drawn_%1, drawn_%1.next
drawn_%1:
        %2
.next:
%endmacro

        program int3
        drawn   program_int3, int3
        end     int3

        program step
        push    RFLAGS_FIXED | RFLAGS_IF | RFLAGS_TF
        popfq                           ; #DB behind the instruction that follows
        drawn   program_step, nop
        end     step

        program syscall
        mov     eax, GETPPID
        drawn   program_syscall, syscall
        end     syscall

        program int80
        mov     eax, GETPPID_I386
        drawn   program_int80, int      0x80
        end     int80

; 32-bit code, with registers of 32 bits. The program's esp goes in ebp.
%define PATTERNS32 eax, ecx, edx, ebx, esi, edi

bits 32
program_sysenter_start:
    %assign digits 0x01010101
    %macro load_patterns32 1-*
        %rep %0
        mov     %1, digits
            %assign digits digits + 0x01010101
            %rotate 1
        %endrep
    %endmacro
        load_patterns32 PATTERNS32
        mov     eax, GETPPID_I386
        sub     esp, DEPTH
        mov     ebp, esp
        drawn   program_sysenter, sysenter
        end     sysenter
bits 64
