; Whose GS is it? Asked of GS itself. docs/entry.md, "The expensive test"; SDM vol. 2, RDMSR, SWAPGS, RDPID, LSL.

%include "common.inc"
%include "frame.inc"

extern features, percpu_blocks
global gs_take, gs_give_back

section .entry.text exec

; gs_take -- the kernel's GS from here on
;
; in    GS   the kernel's or the user's     IF  0
; out   GS   the kernel's; rbx what gs_give_back wants        clobbers rax, rcx, rdx
;
; rbx, because it outlives every function call, and who interrupts us saves it with the others.
gs_take:
        cmp     byte [features + FEATURES_FSGSBASE], 0
        jne     .by_number
        ; LAB 10.2: Ask the GS base itself; CS can lie here. The kernel's is in the upper half, a user's cannot
        ;           be: so the sign tells, and that is in edx. Note in rbx whether GS was exchanged.
        mov     ecx, MSR_GS_BASE
        rdmsr
        mov     ebx, edx
        not     ebx                     ; bit 31 set: it was a program's
        bt      edx, 31
        jc      .leave
        swapgs
.leave: ret

; A program may have written any base with WRGSBASE, the kernel's too: what GS holds proves nothing. But the
; CPU knows its number.
.by_number:
        ; LAB 10.9: The base that is there goes to rbx, whoever's it is. Then the number, by RDPID if
        ;           FEATURES_RDPID says so, else the limit of CPU_NUMBER; percpu_blocks[number] goes into GS.
        rdgsbase rbx
        mov     ecx, CPU_NUMBER
        lsl     ecx, ecx
        test    byte [features + FEATURES_RDPID], 1
        jz      .known
        rdpid   rcx
.known: lea     rax, [percpu_blocks]
        mov     rax, [rax + 8 * rcx]
        wrgsbase rax
        ret

; gs_give_back -- GS as gs_take found it
;
; in    rbx  from gs_take       GS  the kernel's     IF  0
gs_give_back:
        cmp     byte [features + FEATURES_FSGSBASE], 0
        jne     .by_number
        ; LAB 10.4: What gs_take has exchanged goes back, and nothing else.
        bt      ebx, 31
        jnc     .leave
        swapgs
.leave: ret
.by_number:
        ; LAB 10.10: The base that was there.
        wrgsbase rbx
        ret
