; Lab 07: programs (programs.h). The kernel gives them their registers; most end with what they came for.

%include "common.inc"
%include "offsets.inc"
%include "labs/07-ring3/programs.inc"

TRAP_FLAG       equ 1 << 8
DIRECTION_FLAG  equ 1 << 10
ALIGNMENT_FLAG  equ 1 << 18
NESTED_TASK     equ 1 << 14
IDENTIFICATION  equ 1 << 21
ARITHMETIC      equ 1 << 0 | 1 << 2 | 1 << 4 | 1 << 6 | 1 << 7 | 1 << 11
ODD_FLAGS       equ ARITHMETIC | DIRECTION_FLAG | NESTED_TASK | ALIGNMENT_FLAG | IDENTIFICATION

; ---- in and out ------------------------------------------------------------------------------------

        program program_breakpoints
.again: int3
        jmp     .again
        over    program_breakpoints

; rbx counts how often it has been round
        program program_counts
.again: inc     rbx
        jmp     .again
        over    program_counts

; what lies at GS:0 and FS:0 against r12 and r13, rbx times
        program program_bases
.again: int3
        mov     rax, [gs:0]
        cmp     rax, r12
        jne     .wrong
        mov     rax, [fs:0]
        cmp     rax, r13
        jne     .wrong
        dec     rbx
        jnz     .again
        ud2
.wrong: hlt
        over    program_bases

; a single step: #DB behind the NOP
        program program_steps
        push    TRAP_FLAG | 1 << 1 | 1 << 9
        popfq
        nop
        nop
        ud2
        over    program_steps

; every flag that ring 3 can set, and what they would break
        program program_flags
        push    ODD_FLAGS | 1 << 1 | 1 << 9
        popfq
        int3
        ud2
        over    program_flags

; ---- exceptions ------------------------------------------------------------------------------------

        program program_de
        xor     ecx, ecx
        div     ecx
        over    program_de

        one     program_bp, int3
        one     program_of, int 4
        one     program_ud, ud2
        one     program_syscall, syscall

; 32-bit code: BOUND and INTO exist there alone. rsi is the end of a stack.
%macro program_32 1
        program %1
        mov     rsp, rsi                ; a stack below 4 GiB
        lea     rax, [.thirty_two]
        mov     [rsp - 8], eax
        mov     word [rsp - 4], USER32_CS
        jmp     far dword [rsp - 8]
bits 32
.thirty_two:
%endmacro

        program_32 program_br
        push    2
        push    1
        mov     eax, 3
        bound   eax, [esp]
bits 64
        over    program_br

        program_32 program_into
        mov     eax, 0x7fffffff
        inc     eax
        into
bits 64
        over    program_into

        program program_np
        mov     eax, edi                ; a selector that is not present
        mov     fs, eax
        ud2
        over    program_np

        program program_ss
        mov     rbp, 1 << 63
        mov     rax, [rbp]
        over    program_ss

        program program_gp
        mov     rdx, 1 << 63
        mov     rax, [rdx]
        over    program_gp

        program program_selector
        mov     eax, KERNEL_DS
        mov     ss, eax
        over    program_selector

        program program_far
        mov     [rsi - 8], edi
        mov     word [rsi - 4], KERNEL_CS
        jmp     far dword [rsi - 8]
        over    program_far

        program program_retf
        push    KERNEL_CS
        push    rdi
        o64 retf
        over    program_retf

        program program_mf
        push    0
        fninit
        fldcw   [rsp]                   ; nothing masked
        fldz
        fld1
        fdiv    st0, st1
        fwait
        ud2
        over    program_mf

        program program_xm
        push    0
        ldmxcsr [rsp]                   ; nothing masked
        xorps   xmm0, xmm0
        divss   xmm0, xmm0
        ud2
        over    program_xm

        program program_ac
        pushfq
        or      qword [rsp], ALIGNMENT_FLAG
        popfq
        mov     rax, [rsp + 1 - 16]
        ud2
        over    program_ac

; ---- what is the kernel's alone --------------------------------------------------------------------

        one     program_hlt, hlt
        one     program_cli, cli
        one     program_sti, sti
        one     program_clts, clts
        one     program_invd, invd
        one     program_wbinvd, wbinvd
        one     program_read_cr0, mov rax, cr0
        one     program_read_cr2, mov rax, cr2
        one     program_read_cr3, mov rax, cr3
        one     program_read_cr4, mov rax, cr4
        one     program_read_cr8, mov rax, cr8
        one     program_write_cr0, mov cr0, rax
        one     program_write_cr3, mov cr3, rax
        one     program_write_cr4, mov cr4, rax
        one     program_write_cr8, mov cr8, rax
        one     program_read_dr0, mov rax, dr0
        one     program_read_dr6, mov rax, dr6
        one     program_read_dr7, mov rax, dr7
        one     program_write_dr0, mov dr0, rax
        one     program_write_dr7, mov dr7, rax
        one     program_rdmsr, rdmsr
        one     program_wrmsr, wrmsr
        one     program_lgdt, lgdt [rsp - 16]
        one     program_lidt, lidt [rsp - 16]
        one     program_lldt, lldt ax
        one     program_ltr, ltr ax
        one     program_lmsw, lmsw ax
        one     program_invlpg, invlpg [rsp - 16]
        one     program_swapgs, swapgs
        one     program_sysret, o64 sysret
        one     program_xsetbv, xsetbv
        one     program_sgdt, sgdt [rsp - 16]
        one     program_sidt, sidt [rsp - 16]
        one     program_sldt, sldt eax
        one     program_str, str eax
        one     program_smsw, smsw eax

        one     program_in8, in al, 0x60
        one     program_in16, in ax, dx
        one     program_in32, in eax, dx
        one     program_out8, out 0x80, al
        one     program_out16, out dx, ax
        one     program_out32, out dx, eax
        one     program_ins, insb
        one     program_outs, outsb

; IOPL by POPFQ: ignored, so that CLI still faults
        program program_iopl
        push    3 << 12 | 1 << 1 | 1 << 9
        popfq
        cli
        ud2
        over    program_iopl

; IF by POPFQ: ignored, too
        program program_if
        push    1 << 1
        popfq
        int3
        ud2
        over    program_if

; ---- memory ----------------------------------------------------------------------------------------

        one     program_read, mov rax, [rdi]
        one     program_write, mov [rdi], rdi
        one     program_jump, jmp rdi

        program program_deep            ; rcx pages of stack
.again: sub     rsp, PAGE_SIZE
        mov     [rsp], rcx
        loop    .again
        int3
        ud2
        over    program_deep

; sums what it finds at rdi in rcx words, into rax, and writes rsi to each
        program program_sum
        xor     eax, eax
.again: add     rax, [rdi]
        mov     [rdi], rsi
        add     rdi, 8
        loop    .again
        int3
        ud2
        over    program_sum

; ---- FPU -------------------------------------------------------------------------------------------

; everything from rdi: xmm, ymm upper halves if rsi, x87, control registers; then lies down; then all of it
; back to rdi + 4096
%macro all_xmm 1
        %1      0
        %1      1
        %1      2
        %1      3
        %1      4
        %1      5
        %1      6
        %1      7
        %1      8
        %1      9
        %1      10
        %1      11
        %1      12
        %1      13
        %1      14
        %1      15
%endmacro
%macro load_ymm 1
        vmovups ymm%1, [rdi + 512 + %1 * 32]
%endmacro
%macro store_ymm 1
        vmovups [rdi + 512 + %1 * 32], ymm%1
%endmacro

        program program_fpu_load
        fxrstor64 [rdi]
        test    esi, esi
        jz      .stop
        all_xmm load_ymm
.stop:  int3
        fxsave64 [rdi]
        test    esi, esi
        jz      .stored
        all_xmm store_ymm
.stored:
        int3
        ud2
        over    program_fpu_load

        program program_fpu_store
        fxsave64 [rdi]
        test    esi, esi
        jz      .stored
        all_xmm store_ymm
.stored:
        int3
        ud2
        over    program_fpu_store

; leaves traces everywhere
        program program_untidy
        mov     eax, USER_DS
        mov     ds, eax
        mov     es, eax
        mov     fs, eax
        mov     gs, eax
        fxrstor64 [rdi]
        fld1
        fstp    qword [rdi]             ; FIP and FDP
        int3
        ud2
        over    program_untidy

; what is in the segment registers, to eax
        program program_tidy
        mov     eax, ds
        mov     ecx, es
        or      eax, ecx
        mov     ecx, fs
        or      eax, ecx
        mov     ecx, gs
        or      eax, ecx
        int3
        ud2
        over    program_tidy
