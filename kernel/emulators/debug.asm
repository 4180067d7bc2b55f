; What the rows of debug.c run. A mark stands where an event is expected to strike.

%include "common.inc"
%include "offsets.inc"
%include "kernel/emulators/triggers.inc"

extern syscall_plain, sysenter_plain
global stack_selector, written

TRAP_FLAG       equ 1 << 8
GENERAL_DETECT  equ 1 << 13 | 0x400     ; of DR7
POST_PORT       equ 0x80                ; nothing minds a write there

section .data

stack_selector: dq KERNEL_DS
written:        dq 0

section .text

        trigger two_nops
        nop
        mark    two_nops_second
        nop
        ret

        trigger write_data
        mov     qword [written], 1
        mark    write_data_behind
        ret

        trigger write_port
        out     POST_PORT, al
        mark    write_port_behind
        ret

%macro trap_flag_on 0
        pushfq
        or      qword [rsp], TRAP_FLAG
        popfq                           ; takes effect behind the next instruction
%endmacro

        trigger step_over_nop
        trap_flag_on
        nop
        mark    step_over_nop_behind
        ret

        trigger int1
        db      0xf1
        mark    int1_behind
        ret

        trigger read_dr6
        mov     eax, GENERAL_DETECT
        mov     dr7, rax
        mark    read_dr6_at
        mov     rax, dr6
        ret

; ---- MOV SS ----------------------------------------------------------------------------------------

        trigger mov_ss_nop
        mov     ss, [stack_selector]
        mark    mov_ss_nop_between
        nop
        mark    mov_ss_nop_behind
        ret

        trigger mov_ss_int3
        mov     ss, [stack_selector]
        mark    mov_ss_int3_between
        int3
        ret

        trigger mov_ss_syscall
        mov     ss, [stack_selector]
        mark    mov_ss_syscall_between
        syscall
        ret

; ---- single step into the kernel -------------------------------------------------------------------

        trigger step_into_syscall
        trap_flag_on
        syscall
        ret

        trigger step_into_sysenter
        mov     [saved], rsp
        trap_flag_on
        sysenter
        ret

        trigger stepped_entry
        mov     rsp, [saved]
        ret

section .bss

saved:          resq 1
