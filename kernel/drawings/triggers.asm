; What the drawings of docs/entry.md show: one instruction each, on a stack of its own whose top is
; the end of a page and with a value of its own in every register, so that each slot of a drawing
; can be told by what is in it, and the addresses are the same in every build.

%include "common.inc"
%include "offsets.inc"

DEPTH           equ 0x4f8               ; what the stack's earlier users are supposed to have pushed
%define PATTERNS rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
%define PRESERVED rbx, rbp, r12, r13, r14, r15

global drawn_stack, drawn_stack.top

section .bss align=4096

drawn_stack:    resb PAGE_SIZE
.top:
outer:          resq 1                  ; rsp of who called

section .text

%macro push_all 1-*
    %rep %0
        push    %1
        %rotate 1
    %endrep
%endmacro

%macro pop_all 1-*
    %rep %0
        %rotate -1
        pop     %1
    %endrep
%endmacro

%macro load_patterns 1-*
    %assign %%digits 0x0101010101010101
    %rep %0
        mov     %1, %%digits
        %assign %%digits %%digits + 0x0101010101010101
        %rotate 1
    %endrep
%endmacro

; drawn NAME, INSTRUCTION -- void draw_NAME(u64 rdi, u64 rsi): runs it, at drawn_NAME; the arguments
; are in rdi and rsi then
%macro drawn 2+
global draw_%1, drawn_%1, drawn_%1.next
draw_%1:
        push_all PRESERVED
        mov     [outer], rsp
        push    rdi
        push    rsi
        load_patterns PATTERNS
        pop     rsi
        pop     rdi
        lea     rsp, [drawn_stack.top - DEPTH]
drawn_%1:
        %2
.next:
        mov     rsp, [outer]
        pop_all PRESERVED
        ret
%endmacro

drawn breakpoint, int3
drawn fault, mov [rdi], rsi
