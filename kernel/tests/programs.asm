; Programs for the kernel's own tests (programs.h): struct flat, <kernel/flat.h>.

%include "common.inc"
%include "offsets.inc"
%include "labs/07-ring3/programs.inc"

DATA            equ 0x500000            ; FLAT_DATA
FPU             equ DATA + 512          ; struct state of programs.h
PATTERN         equ 0x5c5c5c5c

; traces in every register, and in memory of each kind
        program leaves_traces
        mov     eax, USER_DS
        mov     ds, eax
        mov     es, eax
        mov     fs, eax
        mov     gs, eax
        mov     rax, -1
        movq    xmm0, rax
        movq    xmm15, rax
        fldpi
        push    0x1fa0 | 3 << 13        ; MXCSR with another rounding, and a flag
        ldmxcsr [rsp]
        push    0x0f7f                  ; the x87's control word, the same
        fldcw   [rsp]
        fst     qword [abs DATA]        ; the x87 keeps where it was and what it touched
        mov     [abs DATA + PAGE_SIZE], rax
        mov     [rsp - 3 * PAGE_SIZE], rax
        mov     rbx, rax
        mov     rcx, rax
        mov     rdx, rax
        mov     rsi, rax
        mov     rdi, rax
        mov     rbp, rax
        mov     r8, rax
        mov     r9, rax
        mov     r10, rax
        mov     r11, rax
        mov     r12, rax
        mov     r13, rax
        mov     r14, rax
        mov     r15, rax
        pushfq
        or      qword [rsp], 1 << 21 | 1 << 18 | 1 << 10 | 1    ; ID AC DF CF
        popfq
        ud2
        over    leaves_traces

; what it finds: flags, selectors, the x87's and SSE's registers, and a word each of data and stack
        program finds
        pushfq
        pop     qword [abs DATA + 8]
        fxsave64 [abs FPU]
        mov     eax, ds
        mov     ecx, es
        or      eax, ecx
        mov     ecx, fs
        or      eax, ecx
        mov     ecx, gs
        or      eax, ecx
        mov     rcx, [abs DATA + PAGE_SIZE]
        or      rcx, [rsp - 3 * PAGE_SIZE]
        or      rcx, [abs DATA]
        int3
        over    finds

; fills every register of SSE with edi, and says each time whether they are still what they were
        program keeps
        movd    xmm0, edi
        pshufd  xmm0, xmm0, 0
    %assign number 1
    %rep 15
        movdqa  xmm%[number], xmm0
        %assign number number + 1
    %endrep
        push    rdi
        fild    dword [rsp]
.again: xor     eax, eax
        int3
        movd    xmm1, edi
        pshufd  xmm1, xmm1, 0
    %assign number 2
    %rep 14
        movdqa  xmm0, xmm%[number]
        pxor    xmm0, xmm1
        ptest   xmm0, xmm0
        jnz     .wrong
        %assign number number + 1
    %endrep
        fist    dword [rsp]
        cmp     [rsp], edi
        je      .again
.wrong: mov     eax, 1
        int3
        over    keeps

; the same for the upper halves of AVX's registers
        program keeps_avx
        vmovd   xmm0, edi
        vpshufd xmm0, xmm0, 0
        vinsertf128 ymm5, ymm0, xmm0, 1
        vinsertf128 ymm15, ymm0, xmm0, 1
.again: xor     eax, eax
        int3
        vxorps  ymm1, ymm5, ymm15
        vptest  ymm1, ymm1
        jnz     .wrong
        vextractf128 xmm1, ymm15, 1
        vmovd   ecx, xmm1
        cmp     ecx, edi
        je      .again
.wrong: mov     eax, 1
        int3
        over    keeps_avx

; an x87 exception that is due and not raised yet: it is, at FWAIT
        program owes_exception
        push    0
        fninit
        fldcw   [rsp]                   ; nothing masked
        fldz
        fld1
        fdiv    st0, st1
        int3
        fwait
        ud2
        over    owes_exception

; one instruction each that loads what is reserved, from rdi
        one     reserved_mxcsr, ldmxcsr [rdi]
        one     reserved_fxrstor, fxrstor64 [rdi]
        program reserved_xrstor
        mov     eax, -1
        mov     edx, eax
        xrstor64 [rdi]
        ud2
        over    reserved_xrstor

        one     breaks, int3

; a selector of a local descriptor table: what LAR says of it, then into DS
        program local_descriptor
        mov     ecx, 7
        lar     eax, ecx
        mov     ds, ecx
        over    local_descriptor
