; Lab 07: a way in that needs nothing of the lab's (triggers.h).

%include "common.inc"
%include "offsets.inc"

extern percpu0, task_leave
global watch, watched, watched_caller, watched_rsp, watched_gs, watched_other_gs

section .bss

watched:          resb PT_SIZE
watched_caller:   resq 1
watched_rsp:      resq 1
watched_gs:       resq 1
watched_other_gs: resq 1

section .text

; note NAME, REGISTER ... -- into the slot PT_NAME of `watched`
%macro note 2-*
    %rep %0 / 2
        mov     [watched + PT_%1], %2
        %rotate 2
    %endrep
%endmacro

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

; watch -- in place of a stub; the CPU has pushed no error code
;
; in    rsp  the CPU's frame      out   by task_leave, GS the kernel's
watch:
        mov     [watched_rsp], rsp
        note    RAX, rax, RCX, rcx, RDX, rdx, RBX, rbx, RBP, rbp, RSI, rsi, RDI, rdi, R8, r8
        note    R9, r9, R10, r10, R11, r11, R12, r12, R13, r13, R14, r14, R15, r15
        pop     qword [watched + PT_RIP]
        pop     qword [watched + PT_CS]
        pop     qword [watched + PT_RFLAGS]
        pop     qword [watched + PT_RSP]
        pop     qword [watched + PT_SS]
        msr_to  MSR_GS_BASE, watched_gs
        msr_to  MSR_KERNEL_GS_BASE, watched_other_gs
        mov     rax, [watched_gs]
        lea     rbx, [percpu0]
        cmp     rax, rbx
        je      .the_kernels
        msr_from MSR_KERNEL_GS_BASE
        mov     rax, rbx
        msr_from MSR_GS_BASE
.the_kernels:
        cld
        mov     rdi, [watched_caller]
        jmp     task_leave
