; Lab 03: instructions that raise exceptions, and the run around them (triggers.h).

%include "common.inc"
%include "offsets.inc"

extern probe_reached
global trigger_run, trigger_escape, trap_probe
global by_hand_stub, by_hand_code, by_hand_has_code, probe_rsp, probe_rflags

ABSENT_SELECTOR equ 0x38
OUTSIDE_SELECTOR equ 0x58
UNMAPPED        equ 0x1000              ; paging.c maps nothing in the low half
NO_CODE         equ -1
TRAP_FLAG       equ 1 << 8

; struct run
RUN_IN          equ 0
RUN_OUT         equ 15 * 8
RUN_IN_RFLAGS   equ 30 * 8
RUN_OUT_RFLAGS  equ 31 * 8
RUN_IN_RSP      equ 32 * 8
RUN_OUT_RSP     equ 33 * 8
RUN_OUTER       equ 34 * 8

TRIGGER_START   equ 8                   ; struct trigger

section .data

run:            dq 0                    ; the innermost struct run
target:         dq 0
by_hand_stub:   dq 0
by_hand_code:   dq 0
by_hand_has_code: dq 0
by_hand_rsp:    dq 0
by_hand_next:   dq trigger_by_hand_next
probe_rsp:      dq 0
probe_rflags:   dq 0
zero:           dd 0
one:            dd 1.0
absent:         dw ABSENT_SELECTOR
outside:        dw OUTSIDE_SELECTOR
x87_unmasked:   dw 0x037b               ; the default control word, zero divide unmasked
mxcsr_unmasked: dd 0x1d80               ; the default, divide-by-zero unmasked

section .text

; trigger_run -- triggers.h
;
; in    rdi  struct run *    rsi  const struct trigger *
trigger_run:
        push    rbx
        push    rbp
        push    r12
        push    r13
        push    r14
        push    r15
        mov     rax, [run]
        mov     [rdi + RUN_OUTER], rax
        mov     [run], rdi
        mov     [rdi + RUN_IN_RSP], rsp
        mov     rax, [rsi + TRIGGER_START]
        mov     [target], rax
        push    qword [rdi + RUN_IN_RFLAGS]
        mov     r15, [rdi + RUN_IN + 8 * 0]
        mov     r14, [rdi + RUN_IN + 8 * 1]
        mov     r13, [rdi + RUN_IN + 8 * 2]
        mov     r12, [rdi + RUN_IN + 8 * 3]
        mov     rbp, [rdi + RUN_IN + 8 * 4]
        mov     rbx, [rdi + RUN_IN + 8 * 5]
        mov     r11, [rdi + RUN_IN + 8 * 6]
        mov     r10, [rdi + RUN_IN + 8 * 7]
        mov     r9, [rdi + RUN_IN + 8 * 8]
        mov     r8, [rdi + RUN_IN + 8 * 9]
        mov     rax, [rdi + RUN_IN + 8 * 10]
        mov     rcx, [rdi + RUN_IN + 8 * 11]
        mov     rdx, [rdi + RUN_IN + 8 * 12]
        mov     rsi, [rdi + RUN_IN + 8 * 13]
        mov     rdi, [rdi + RUN_IN + 8 * 14]
        popfq
        jmp     [target]

done:
        pushfq
        push    rdi
        mov     rdi, [run]
        mov     [rdi + RUN_OUT + 8 * 0], r15
        mov     [rdi + RUN_OUT + 8 * 1], r14
        mov     [rdi + RUN_OUT + 8 * 2], r13
        mov     [rdi + RUN_OUT + 8 * 3], r12
        mov     [rdi + RUN_OUT + 8 * 4], rbp
        mov     [rdi + RUN_OUT + 8 * 5], rbx
        mov     [rdi + RUN_OUT + 8 * 6], r11
        mov     [rdi + RUN_OUT + 8 * 7], r10
        mov     [rdi + RUN_OUT + 8 * 8], r9
        mov     [rdi + RUN_OUT + 8 * 9], r8
        mov     [rdi + RUN_OUT + 8 * 10], rax
        mov     [rdi + RUN_OUT + 8 * 11], rcx
        mov     [rdi + RUN_OUT + 8 * 12], rdx
        mov     [rdi + RUN_OUT + 8 * 13], rsi
        pop     qword [rdi + RUN_OUT + 8 * 14]
        pop     qword [rdi + RUN_OUT_RFLAGS]
        mov     [rdi + RUN_OUT_RSP], rsp

trigger_escape:
        cld
        mov     rdi, [run]
        mov     rsp, [rdi + RUN_IN_RSP]
        mov     rax, [rdi + RUN_OUTER]
        mov     [run], rax
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
        ret

; trap_probe -- a trap_handler that first notes what the call into C looked like
;
; in    as C passes it      out   as probe_reached leaves it
trap_probe:
        mov     [probe_rsp], rsp
        pushfq
        pop     qword [probe_rflags]
        jmp     probe_reached

; ---- the triggers ------------------------------------------------------------------------------

; begin NAME ... at NAME, RIP expected ... over NAME, vector, code
%macro begin 1
section .text
%1_start:
%endmacro

%macro over 3
%1_next:
        jmp     done
section .rodata
%%name: db %str(%1), 0
        align   8
global %1
%1:     dq      %%name, %1_start, %1_rip, %1_next, %2, %3
%endmacro

; A fault: RIP is that of the instruction.
        begin   trigger_de
trigger_de_rip:
        div     byte [zero]
        over    trigger_de, 0, NO_CODE

        begin   trigger_ud
trigger_ud_rip:
        ud2
        over    trigger_ud, 6, NO_CODE

        begin   trigger_nm              ; the test has set CR0.TS
trigger_nm_rip:
        fnop
        over    trigger_nm, 7, NO_CODE

        begin   trigger_np
trigger_np_rip:
        mov     ds, [absent]
        over    trigger_np, 11, ABSENT_SELECTOR

        begin   trigger_ss
trigger_ss_rip:
        mov     ss, [absent]
        over    trigger_ss, 12, ABSENT_SELECTOR

        begin   trigger_gp
trigger_gp_rip:
        mov     ds, [outside]
        over    trigger_gp, 13, OUTSIDE_SELECTOR

        begin   trigger_pf_read
trigger_pf_read_rip:
        cmp     byte [abs UNMAPPED], 0
        over    trigger_pf_read, 14, 0

        begin   trigger_pf_write
trigger_pf_write_rip:
        mov     byte [abs UNMAPPED], 0
        over    trigger_pf_write, 14, 2

        begin   trigger_mf              ; reported by the instruction after the one at fault
        fninit
        fldcw   [x87_unmasked]
        fld1
        fdiv    dword [zero]
trigger_mf_rip:
        fwait
        over    trigger_mf, 16, NO_CODE

        begin   trigger_xm              ; the test has set CR4.OSFXSR and OSXMMEXCPT
        ldmxcsr [mxcsr_unmasked]
        movss   xmm0, [one]
trigger_xm_rip:
        divss   xmm0, [zero]
        over    trigger_xm, 19, NO_CODE

; A trap: RIP is behind the instruction.
        begin   trigger_bp
        int3
trigger_bp_rip:
        over    trigger_bp, 3, NO_CODE

        begin   trigger_of              ; INTO does not exist in 64-bit mode
        int     4
trigger_of_rip:
        over    trigger_of, 4, NO_CODE

        begin   trigger_db              ; single step: behind the instruction after POPFQ
        pushfq
        or      qword [rsp], TRAP_FLAG
        popfq
        nop
trigger_db_rip:
        over    trigger_db, 1, NO_CODE

; A frame as the CPU would push it, SDM vol. 3, section 6.14.2, and a jump to the stub.
        begin   trigger_by_hand
        mov     [by_hand_rsp], rsp
        and     rsp, -16
        push    KERNEL_DS
        push    qword [by_hand_rsp]
        pushfq
        push    KERNEL_CS
        push    qword [by_hand_next]
        cmp     qword [by_hand_has_code], 0
        je      .no_code
        push    qword [by_hand_code]
.no_code:
        jmp     [by_hand_stub]
trigger_by_hand_rip equ trigger_by_hand_next
        over    trigger_by_hand, -1, NO_CODE
