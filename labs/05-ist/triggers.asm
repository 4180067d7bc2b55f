; Lab 05: code that runs with any RSP, overflows its stack, or watches a path (triggers.h).

%include "common.inc"
%include "offsets.inc"
%include "kernel/test.inc"

global trigger_run, trigger_escape, trigger_stepped, step_once, overflow, overflow_by_far
global entry_trace, entry_stop, trace, trace_count, trace_end
global nmi_twice, twice_register, twice_command, twice_before, twice_after, twice_first, twice_second

MOST_TRACED     equ 512
TRAP_FLAG       equ 1 << 8
RESUME_FLAG     equ 1 << 16             ; no breakpoint strikes before the next instruction
SHORT_WHILE     equ 16                  ; instructions: more than an NMI takes to arrive

struc run
    .in         resq REGISTERS
    .out        resq REGISTERS
    .in_rflags  resq 1
    .out_rflags resq 1
    .in_rsp     resq 1
    .out_rsp    resq 1
    .own_rsp    resq 1
    .outer      resq 1
endstruc

section .bss

innermost:      resq 1                  ; struct run *
target:         resq 1
target_rsp:     resq 1
done_rdi:       resq 1
trace:          resq MOST_TRACED
trace_count:    resq 1
trace_end:      resq 1
twice_register: resq 1
twice_command:  resq 1
twice_first:    resq 1
twice_second:   resq 1
twice_before:   resb PT_SIZE
twice_after:    resb PT_SIZE

section .text

; trigger_run -- triggers.h
;
; in    rdi  struct run *    rsi  const struct trigger *, its start first
trigger_run:
        push_preserved
        mov     rax, [innermost]
        mov     [rdi + run.outer], rax
        mov     [innermost], rdi
        mov     [rdi + run.own_rsp], rsp
        cmp     qword [rdi + run.in_rsp], 0
        jne     .rsp_given
        mov     [rdi + run.in_rsp], rsp
.rsp_given:
        mov     rax, [rdi + run.in_rsp]
        mov     [target_rsp], rax
        mov     rax, [rsi]
        mov     [target], rax
        push    qword [rdi + run.in_rflags]
        load_registers run.in
        popfq
        mov     rsp, [target_rsp]       ; from here on the stack may be none
trigger_stepped:
        jmp     [target]

done:
        mov     [done_rdi], rdi
        mov     rdi, [innermost]
        note_registers run.out
        mov     rax, [done_rdi]
        mov     [rdi + run.out + RDI_SLOT], rax
        mov     [rdi + run.out_rsp], rsp
        mov     rsp, [rdi + run.own_rsp]
        pushfq
        pop     qword [rdi + run.out_rflags]

trigger_escape:
        cld
        cli
        mov     eax, KERNEL_DS          ; an IST stack may have come with a null SS, which IRETQ undoes
        mov     ss, eax
        mov     rdi, [innermost]
        mov     rsp, [rdi + run.own_rsp]
        mov     rax, [rdi + run.outer]
        mov     [innermost], rax
        pop_preserved
        ret

; ---- the triggers ------------------------------------------------------------------------------

; trigger NAME ... over NAME -- the code between becomes a struct trigger
%macro trigger 1
section .text
%1_start:
%endmacro

%macro over 1
%1_next:
        jmp     done
section .rodata
        align   8
global %1
%1:     dq      %1_start, %1_next
section .text
%endmacro

        trigger trigger_ud
        ud2
        over    trigger_ud

        trigger trigger_store
        mov     [rax], ecx
        times SHORT_WHILE nop
        over    trigger_store

        trigger trigger_nothing
        over    trigger_nothing

step_once:
        push    rbp
        mov     rbp, rsp
        pushfq
        or      qword [rsp], TRAP_FLAG
        popfq
        nop                             ; #DB behind it; the handler clears TF in the frame
        pop     rbp
        ret

overflow:
        push    rbp
        mov     rbp, rsp
        call    overflow

overflow_by_far:
        push    rbp
        mov     rbp, rsp
        sub     rsp, 512
        call    overflow_by_far

; ---- ways in for #DB ---------------------------------------------------------------------------

section .entry.text exec

; The CPU's frame, above the two registers that the stubs save.
SAVED           equ 2 * 8
AT_RIP          equ SAVED
AT_RFLAGS       equ SAVED + PT_RFLAGS - PT_RIP

; entry_trace -- notes where the CPU is and lets it go on by one instruction
;
; in    rsp  the CPU's frame of #DB; there is no error code        IF  0
; out   every register as it was; no breakpoint is set any more
entry_trace:
        push    rax
        push    rcx
        xor     eax, eax
        mov     dr7, rax
        mov     rcx, [trace_count]
        cmp     rcx, MOST_TRACED
        jae     .leave                  ; full: the count says so
        mov     rax, [rsp + AT_RIP]
        cmp     rax, [trace_end]
        je      .end
        push    rbx
        lea     rbx, [trace]
        mov     [rbx + 8 * rcx], rax
        pop     rbx
        inc     qword [trace_count]
        or      qword [rsp + AT_RFLAGS], TRAP_FLAG | RESUME_FLAG
        jmp     .leave
.end:
        and     qword [rsp + AT_RFLAGS], ~TRAP_FLAG
.leave:
        pop     rcx
        pop     rax
        iretq

; entry_stop -- ends the breakpoint; its IRETQ ends the blocking of NMIs
;
; in    rsp  the CPU's frame of #DB; there is no error code        IF  0
; out   every register as it was
entry_stop:
        push    rax
        xor     eax, eax
        mov     dr7, rax
        pop     rax
        iretq

section .text

; ---- one stack, entered twice ------------------------------------------------------------------

; copy FROM, TO -- a struct pt_regs; clobbers rcx, rsi, rdi
%macro copy 2
        mov     rsi, %1
        lea     rdi, [%2]
        mov     ecx, PT_SIZE / 8
        rep movsq
%endmacro

; nmi_twice -- triggers.h
;
; in    rdi  struct pt_regs *
;
; Nothing of what lies on the stack is this handler's any more when the second NMI has been there.
nmi_twice:
        cmp     qword [twice_first], 0
        jne     .second
        mov     [twice_first], rdi
        copy    [twice_first], twice_before
        int3
        mov     rax, [twice_register]
        mov     ecx, [twice_command]
        mov     [rax], ecx
        times SHORT_WHILE nop
        copy    [twice_first], twice_after
        jmp     trigger_escape
.second:
        mov     [twice_second], rdi
        ret
