; The sweep: into a program and back by ways of its own, which hold whatever the doors are like (sweep.h).

%include "common.inc"
%include "offsets.inc"

extern percpu0
global sweep_run, sweep_begin, sweep_stop, sweep_ready
global sweep_clear_debug

FIXED_FLAGS     equ 1 << 1

STATE_GS_BASE   equ PT_SIZE             ; struct sweep_state
STATE_KERNEL_GS equ PT_SIZE + 8
STATE_SELECTORS equ PT_SIZE + 16

section .bss

caller_rsp:     resq 1
end_state:      resq 1
program_rax:    resq 1

section .text

; all_but_rax MACRO -- MACRO NAME, register: for the general registers but rax and rsp
%macro all_but_rax 1
        %1      R15, r15
        %1      R14, r14
        %1      R13, r13
        %1      R12, r12
        %1      RBP, rbp
        %1      RBX, rbx
        %1      R11, r11
        %1      R10, r10
        %1      R9, r9
        %1      R8, r8
        %1      RCX, rcx
        %1      RDX, rdx
        %1      RSI, rsi
        %1      RDI, rdi
%endmacro

%macro from_rax_block 2
        mov     %2, [rax + PT_%1]
%endmacro

%macro to_rax_block 2
        mov     [rax + PT_%1], %2
%endmacro

; sweep_run -- in  rdi  struct pt_regs    rsi  struct sweep_state    IF  0, GS the kernel's
;              out by sweep_stop
sweep_run:
        push_preserved
        mov     [caller_rsp], rsp
        mov     [end_state], rsi
        test    byte [rdi + PT_CS], RPL_MASK
        jz      .kernel
        swapgs
.kernel:
        lea     rsp, [rdi + PT_RIP]     ; nothing pushes to it: no IF, and NMIs have a stack of their own
        mov     rax, rdi
        all_but_rax from_rax_block
        mov     rax, [rax + PT_RAX]
sweep_begin:
        iretq

; sweep_stop -- the gate of VECTOR_STOP, on a stack of its own
;
; in    rsp  the CPU's frame      GS  anything      out  as sweep_run's caller expects, GS the kernel's
sweep_stop:
        mov     [program_rax], rax
        mov     rax, [end_state]
        all_but_rax to_rax_block
        mov     rbx, [program_rax]
        mov     [rax + PT_RAX], rbx
        pop     qword [rax + PT_RIP]
        pop     qword [rax + PT_CS]
        pop     qword [rax + PT_RFLAGS]
        pop     qword [rax + PT_RSP]
        pop     qword [rax + PT_SS]
        push    FIXED_FLAGS             ; the program may have left AC
        popfq
        mov     rdi, rax
        xor     eax, eax
        mov     ax, ds
        mov     [rdi + STATE_SELECTORS], rax
        mov     ax, es
        mov     [rdi + STATE_SELECTORS + 8], rax
        mov     ax, fs
        mov     [rdi + STATE_SELECTORS + 16], rax
        mov     ax, gs
        mov     [rdi + STATE_SELECTORS + 24], rax
        mov     ecx, MSR_GS_BASE
        rdmsr
        mov     [rdi + STATE_GS_BASE], eax
        mov     [rdi + STATE_GS_BASE + 4], edx
        mov     ecx, MSR_KERNEL_GS_BASE
        rdmsr
        mov     [rdi + STATE_KERNEL_GS], eax
        mov     [rdi + STATE_KERNEL_GS + 4], edx
        mov     ecx, MSR_GS_BASE        ; not by SWAPGS: that would keep a wrong one for the next round
        lea     rax, [percpu0]
        mov     rdx, rax
        shr     rdx, 32
        wrmsr
        mov     rsp, [caller_rsp]
        pop_preserved
        ret

; sweep_ready -- the outside looks at the verdict, and writes the next order
sweep_ready:
        ret

; sweep_clear_debug -- DR7 to 0
sweep_clear_debug:
        xor     eax, eax
        mov     dr7, rax
        ret
