; Lab 10: code that is struck, and the means to strike it at a chosen instruction (triggers.h). Nothing here
; uses GS, whose it is being the question.

%include "common.inc"
%include "frame.inc"
%include "kernel/test.inc"

extern percpu0, gs_take, gs_give_back, mark_hit, mark_armed
global strike_run, strike_nothing, strike_store, strike_breakpoint, strike_int18, strike_knock
global strike_no_stack, strike_take, strike_take_and_give_back, strike_take_call_give_back, strike_breakpoint_behind
global strike_store_end, knocked, taken_gs, spoil, step_once, entry_trace, trace, trace_count, trace_end, trace_end_last
global entry_mark, entry_arm, mark_mc_stack, mark_mc_entry

MOST_TRACED     equ 1024
RESUME_FLAG     equ 1 << 16             ; no breakpoint strikes before the next instruction
TRAP_FLAG       equ 1 << 8
SHORT_WHILE     equ 16                  ; instructions: more than an NMI takes to arrive
PVPANIC         equ 0x505               ; arch/x86_64/debug/injector.c
PANICKED        equ 1
NOWHERE         equ 0x123456780         ; no page there

struc strike
    .in             resq REGISTERS
    .out            resq REGISTERS
    .in_rflags      resq 1
    .out_rflags     resq 1
    .in_gs          resq 1
    .in_other_gs    resq 1
    .out_gs         resq 1
    .out_other_gs   resq 1
    .in_rsp         resq 1
    .out_rsp        resq 1
endstruc

section .bss

now:            resq 1                  ; struct strike *
target:         resq 1
kept_rdi:       resq 1
kept_rsp:       resq 1
knocked:        resq 1
taken_gs:       resq 1
trace:          resq MOST_TRACED
trace_count:    resq 1
trace_end:      resq 1
trace_end_last: resq 1
mark_rsp:       resq 1
mark_mc_stack:  resq 1
mark_mc_entry:  resq 1

section .text

; ---- kernel code with registers and GS bases of the test's choice ------------------------------------

; msr_to NUMBER, PLACE -- clobbers rax, rcx, rdx
%macro msr_to 2
        mov     ecx, %1
        rdmsr
        mov     [%2], eax
        mov     [%2 + 4], edx
%endmacro

; msr_from NUMBER -- from rax; clobbers rcx, rdx
%macro msr_from 1
        mov     ecx, %1
        mov     rdx, rax
        shr     rdx, 32
        wrmsr
%endmacro

strike_run:
        push_preserved
        mov     [now], rdi
        mov     [target], rsi
        mov     [rdi + strike.in_rsp], rsp
        mov     [kept_rsp], rsp
        mov     rax, [rdi + strike.in_gs]
        msr_from MSR_GS_BASE
        mov     rax, [rdi + strike.in_other_gs]
        msr_from MSR_KERNEL_GS_BASE
        push    qword [rdi + strike.in_rflags]
        load_registers strike.in
        popfq
        jmp     [target]                ; #DB behind it, with TF set

strike_store:
        mov     [rax], ecx
        times SHORT_WHILE nop
strike_store_end:
        jmp     strike_nothing

strike_breakpoint:
        int3
strike_breakpoint_behind:
        jmp     strike_nothing

strike_int18:
        int     18
        jmp     strike_nothing

strike_knock:
        mov     dx, PVPANIC
        in      al, dx
        cmp     al, PANICKED
        jne     strike_nothing
        mov     qword [knocked], 1
        out     dx, al
        times SHORT_WHILE nop
        jmp     strike_nothing

strike_no_stack:
        mov     rsp, NOWHERE
        ud2

strike_take:
        call    gs_take
        msr_to  MSR_GS_BASE, taken_gs
        jmp     strike_nothing

strike_take_and_give_back:
        call    gs_take
        msr_to  MSR_GS_BASE, taken_gs
        call    gs_give_back
        jmp     strike_nothing

strike_take_call_give_back:
        call    gs_take
        call    spoil
        call    gs_give_back

strike_nothing:
        mov     [kept_rdi], rdi
        mov     rdi, [now]
        note_registers strike.out
        mov     rax, [kept_rdi]
        mov     [rdi + strike.out + RDI_SLOT], rax
        mov     [rdi + strike.out_rsp], rsp
        mov     rsp, [kept_rsp]
        pushfq
        pop     qword [rdi + strike.out_rflags]
        cld
        cli
        msr_to  MSR_GS_BASE, rdi + strike.out_gs
        msr_to  MSR_KERNEL_GS_BASE, rdi + strike.out_other_gs
        lea     rax, [percpu0]
        msr_from MSR_GS_BASE
        xor     eax, eax
        msr_from MSR_KERNEL_GS_BASE
        pop_preserved
        ret

spoil:
        mov     rax, 0x5a5a5a5a5a5a5a5a
        mov     rcx, rax
        mov     rdx, rax
        mov     rsi, rax
        mov     rdi, rax
        mov     r8, rax
        mov     r9, rax
        mov     r10, rax
        mov     r11, rax
        ret

step_once:
        push    rbp
        mov     rbp, rsp
        pushfq
        or      qword [rsp], TRAP_FLAG
        popfq
        nop                             ; #DB behind it; the handler clears TF in the frame
        pop     rbp
        ret

; ---- ways in of the test's own -------------------------------------------------------------------------

section .entry.text exec

; The CPU's frame, above the two registers that entry_trace saves.
SAVED           equ 2 * 8
AT_RIP          equ SAVED
AT_CS           equ SAVED + PT_CS - PT_RIP
AT_RFLAGS       equ SAVED + PT_RFLAGS - PT_RIP

; entry_trace -- triggers.h
;
; in    rsp  the CPU's frame of #DB; there is no error code        IF  0
; out   every register as it was; no breakpoint is set any more
entry_trace:
        push    rax
        push    rcx
        xor     eax, eax
        mov     dr7, rax
        test    byte [rsp + AT_CS], RPL_MASK
        jnz     .end
        mov     rcx, [trace_count]
        cmp     rcx, MOST_TRACED
        jae     .end                    ; full: the count says so
        mov     rax, [rsp + AT_RIP]
        cmp     rax, [trace_end]
        jb      .goes_on
        cmp     rax, [trace_end_last]
        jbe     .end
.goes_on:
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

%define ALL rdi, rsi, rdx, rcx, rax, r8, r9, r10, r11, rbx, rbp, r12, r13, r14, r15
%macro push_all 1-*
    %rep %0
        push    qword %1
        %rotate 1
    %endrep
%endmacro
%macro pop_all 1-*
    %rep %0
        %rotate -1
        pop     qword %1
    %endrep
%endmacro

; struct mark_frame, behind the registers
FRAME_RIP       equ REGISTERS * 8
FRAME_RFLAGS    equ FRAME_RIP + PT_RFLAGS - PT_RIP
FRAME_RSP       equ FRAME_RIP + PT_RSP - PT_RIP
MARK_WITHOUT_IRETQ equ 1

; entry_mark -- triggers.h
;
; in    rsp  the CPU's frame of #UD; there is no error code        IF  0
entry_mark:
        cld
        push_all ALL
        mov     [mark_rsp], rsp
        mov     rdi, rsp
        and     rsp, -16
        call    mark_hit
        mov     rsp, [mark_rsp]
        cmp     eax, MARK_WITHOUT_IRETQ
        je      .without_iretq
        ja      .as_mc
.iretq:
        pop_all ALL
        iretq

.without_iretq:
        mov     rax, [rsp + FRAME_RSP]
        sub     rax, 2 * 8
        mov     rcx, [rsp + FRAME_RFLAGS]
        mov     [rax], rcx
        mov     rcx, [rsp + FRAME_RIP]
        mov     [rax + 8], rcx
        mov     [rsp + FRAME_RSP], rax
        pop_all ALL
        mov     rsp, [rsp + FRAME_RSP - FRAME_RIP]
        popfq
        ret

.as_mc:
        mov     rax, [mark_mc_stack]
    %assign slot 5
    %rep 5
        %assign slot slot - 1
        mov     rcx, [rsp + FRAME_RIP + 8 * slot]
        mov     [rax + 8 * slot - 5 * 8], rcx
    %endrep
        sub     rax, 5 * 8
        mov     [mark_rsp], rax
        pop_all ALL
        mov     rsp, [mark_rsp]
        jmp     [mark_mc_entry]

; entry_arm -- triggers.h
entry_arm:
        mov     rsp, [mark_rsp]
        and     rsp, -16
        call    mark_armed
        mov     rsp, [mark_rsp]
        jmp     entry_mark.iretq
