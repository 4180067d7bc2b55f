; Lab 03: instructions that raise exceptions, and the run around them (triggers.h).

%include "common.inc"
%include "offsets.inc"
%include "kernel/test.inc"

extern probe_reached
global trigger_run, trigger_escape, trap_probe, absent_selector
global by_hand_stub, by_hand_code, by_hand_has_code, probe_rsp, probe_rflags

ABSENT          equ 0x38                ; the slot that the GDT leaves empty
OUTSIDE         equ 0x88                ; beyond the GDT's limit
UNMAPPED        equ 0x1000              ; paging.c maps nothing in the low half
NO_CODE         equ -1
TRAP_FLAG       equ 1 << 8

struc run
    .in         resq REGISTERS
    .out        resq REGISTERS
    .in_rflags  resq 1
    .out_rflags resq 1
    .in_rsp     resq 1
    .out_rsp    resq 1
    .outer      resq 1
endstruc

section .bss

innermost:      resq 1                  ; struct run *
target:         resq 1
by_hand_stub:   resq 1
by_hand_code:   resq 1
by_hand_has_code: resq 1
by_hand_rsp:    resq 1
by_hand_rflags: resq 1
probe_rsp:      resq 1
probe_rflags:   resq 1

section .rodata

        align   8
absent_selector: dq ABSENT
outside_selector: dq OUTSIDE
by_hand_next:   dq trigger_by_hand_next
zero:           dd 0
one:            dd 1.0
mxcsr_unmasked: dd 0x1d80               ; the default, divide-by-zero unmasked
x87_unmasked:   dw 0x037b               ; the default control word, zero divide unmasked

section .text

; trigger_run -- triggers.h
;
; in    rdi  struct run *    rsi  const struct trigger *, its start first
trigger_run:
        push_preserved
        mov     rax, [innermost]
        mov     [rdi + run.outer], rax
        mov     [innermost], rdi
        mov     [rdi + run.in_rsp], rsp
        mov     rax, [rsi]
        mov     [target], rax
        push    qword [rdi + run.in_rflags]
        load_registers run.in
        popfq
        jmp     [target]

done:
        pushfq
        push    rdi
        mov     rdi, [innermost]
        note_registers run.out
        pop     qword [rdi + run.out + RDI_SLOT]
        pop     qword [rdi + run.out_rflags]
        mov     [rdi + run.out_rsp], rsp

trigger_escape:
        cld
        cli
        mov     rdi, [innermost]
        mov     rsp, [rdi + run.in_rsp]
        mov     rax, [rdi + run.outer]
        mov     [innermost], rax
        pop_preserved
        ret

; trap_probe -- triggers.h
;
; in    as C passes it      out   as probe_reached leaves it, but for DF, which is clear
trap_probe:
        mov     [probe_rsp], rsp
        pushfq
        pop     qword [probe_rflags]
        cld
        jmp     probe_reached

; ---- the triggers ------------------------------------------------------------------------------

; begin NAME ... at NAME_rip, RIP expected ... over NAME, vector, code, flags that it sets
;
; Aligned, so that an RIP that is taken for CS, where the frame is a slot off, has no RPL.
%macro begin 1
section .text
        align   4
%1_start:
%endmacro

%macro over 3-4 0
%1_next:
        jmp     done
section .rodata
        align   8
global %1
%1:     dq      %1_start, %1_rip, %1_next, %2, %3, %4
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
        mov     ds, [absent_selector]
        over    trigger_np, 11, ABSENT

        begin   trigger_ss
trigger_ss_rip:
        mov     ss, [absent_selector]
        over    trigger_ss, 12, ABSENT

        begin   trigger_gp
trigger_gp_rip:
        mov     ds, [outside_selector]
        over    trigger_gp, 13, OUTSIDE

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
        over    trigger_db, 1, NO_CODE, TRAP_FLAG

; A frame as the CPU would push it, SDM vol. 3, section 6.14.2, and a jump to the stub.
        begin   trigger_by_hand
        pushfq                          ; before AND changes them
        pop     qword [by_hand_rflags]
        mov     [by_hand_rsp], rsp
        and     rsp, -16
        push    KERNEL_DS
        push    qword [by_hand_rsp]
        push    qword [by_hand_rflags]
        push    KERNEL_CS
        push    qword [by_hand_next]
        cmp     qword [by_hand_has_code], 0
        je      .no_code
        push    qword [by_hand_code]
.no_code:
        cli                             ; the gate would
        jmp     [by_hand_stub]
        align   4
trigger_by_hand_rip equ trigger_by_hand_next
        over    trigger_by_hand, -1, NO_CODE
