; What the drawings of docs/entry.md show: one instruction each, on a stack of its own whose top is
; the end of a page and with a value of its own in every register, so that each slot of a drawing
; can be told by what is in it, and the addresses are the same in every build.

%include "common.inc"
%include "exception_table.inc"
%include "offsets.inc"

DEPTH           equ 0x4f8               ; what the stack's earlier users are supposed to have pushed
%define PATTERNS rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15

global drawn_stack, draw_again, drawn_again

section .bss align=4096

drawn_stack:    resb PAGE_SIZE
.top:
outer:          resq 1                  ; rsp of who called

section .text

%macro load_patterns 1-*
    %assign %%digits 0x0101010101010101
    %rep %0
        mov     %1, %%digits
        %assign %%digits %%digits + 0x0101010101010101
        %rotate 1
    %endrep
%endmacro

; begin NAME -- void draw_NAME(u64 rdi, u64 rsi), up to where the stack is to be switched: every
; register has its value, rdi and rsi have the arguments
%macro begin 1
global draw_%1, drawn_%1, drawn_%1.next
draw_%1:
        push_preserved
        mov     [outer], rsp
        push    rdi
        push    rsi
        load_patterns PATTERNS
        pop     rsi
        pop     rdi
%endmacro

; end -- and back
%macro end 0
        mov     rsp, [outer]
        pop_preserved
        ret
%endmacro

; drawn NAME, INSTRUCTION -- draw_NAME runs it, at drawn_NAME
%macro drawn 2+
        begin   %1
        lea     rsp, [drawn_stack.top - DEPTH]
drawn_%1:
        %2
.next:
        end
%endmacro

drawn breakpoint, int3
drawn machine_check, int 18
drawn fault, mov [rdi], rsi
drawn command, mov [rdi], esi           ; of the local APIC: it interrupts this CPU at once

; An instruction that has a row in the exception table.
global drawn_fixup.fixup
        begin   fixup
        lea     rsp, [drawn_stack.top - DEPTH]
drawn_fixup:
        may_fault .fixup, mov rsi, [rdi]
.next:
        nop
.fixup:
        end

; rdi is to be where a stack ends.
        begin   overflow
        mov     rsp, rdi
drawn_overflow:
        push    rsi
.next:
        end

; draw_again -- from the handler of #MC: the same gate a second time, from the middle of the stack
draw_again:
        and     rsp, -PAGE_SIZE
        add     rsp, PAGE_SIZE / 2
drawn_again:
        int     18
        ud2
