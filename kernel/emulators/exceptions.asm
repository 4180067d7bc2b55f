; What the rows of exceptions.c run.

%include "common.inc"
%include "offsets.inc"
%include "kernel/emulators/triggers.inc"

NESTED_TASK     equ 1 << 14
STATUS_FLAGS    equ 0xcd5               ; CF PF AF ZF SF DF OF
global syscall_r11

section .bss

saved_rsp:      resq 1
syscall_r11:    resq 1

section .rodata

zero:           dd 0
one:            dd 1.0
mxcsr_unmasked: dd 0x1d80               ; the default, divide-by-zero unmasked
mxcsr_default:  dd 0x1f80
x87_unmasked:   dw 0x037b               ; the default, zero divide unmasked

section .text

        trigger int_0x81
        int     0x81
        ret

        trigger invalid_opcode
        ud2

        trigger divide_sse
        ldmxcsr [mxcsr_unmasked]
        movss   xmm0, [one]
        divss   xmm0, [zero]
        ldmxcsr [mxcsr_default]
        ret

        trigger divide_x87
        fninit
        fldcw   [x87_unmasked]
        fld1
        fdiv    dword [zero]
        mark    divide_x87_fwait
        fwait
        ret

; ---- addresses: rdi is one -----------------------------------------------------------------------

        trigger read_at
        mov     rax, [rdi]
        ret

        trigger read_stack_at
        push    rbp
        mov     rbp, rdi
        mov     rax, [rbp]
        pop     rbp
        ret

        trigger jump_to
        jmp     rdi

        trigger return_to
        push    rdi
        mark    return_to_ret
        ret

        trigger iret_to_address         ; rdi: RIP
        mov     rsi, KERNEL_CS
        mov     rdx, KERNEL_DS
        jmp     iret_to

        trigger iret_to_segments        ; rdi: CS   rsi: SS
        mov     rdx, rsi
        mov     rsi, rdi
        lea     rdi, [iret_back]

; iret_to -- to rdi, with CS rsi and SS rdx, on this stack
iret_to:
        mov     rax, rsp
        push    rdx
        push    rax
        pushfq
        push    rsi
        push    rdi
        mark    iret_to_iretq
        iretq
iret_back:
        ret

        trigger iret_nested
        mov     rax, rsp
        push    KERNEL_DS
        push    rax
        pushfq
        push    KERNEL_CS
        lea     rcx, [iret_back]
        push    rcx
        pushfq
        or      qword [rsp], NESTED_TASK
        popfq
        iretq

; ---- GS ------------------------------------------------------------------------------------------

        trigger rdmsr_of
        mov     ecx, edi
        rdmsr
        ret

        trigger wrgsbase_of
        wrgsbase rdi
        ret

        trigger rdgsbase_of
        rdgsbase rax
        ret

; ---- INT n ---------------------------------------------------------------------------------------

        trigger int_18
        int     18
        mark    int_18_behind
        ret

        trigger int_14
        int     14
        mark    int_14_behind
        ret

; ---- stacks --------------------------------------------------------------------------------------

        trigger fault_on_stack          ; rdi: RSP
        mov     rsp, rdi
        ud2

        trigger fault_on_odd_stack
        and     rsp, -16
        sub     rsp, 8
        ud2

; ---- the fast ways in, from ring 0 -----------------------------------------------------------------

; SYSCALL changes no RSP, so the entry goes straight back. rax: RFLAGS at the entry.
        trigger syscall_plain
        push    STATUS_FLAGS
        popfq
        syscall
        ret

        trigger syscall_entry
        pushfq
        pop     rax
        mov     [syscall_r11], r11
        jmp     rcx

        trigger sysret_to
        xor     eax, eax
        mov     rcx, rdi
        mov     r11, rsi
        o64 sysret

        trigger sysenter_plain
        mov     [saved_rsp], rsp
        sysenter
        ret

        trigger sysenter_entry
        nop
        mov     rsp, [saved_rsp]
        ret
