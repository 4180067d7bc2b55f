; Whose GS is it? Asked of GS itself. docs/entry.md, "The expensive test"; SDM vol. 2, SWAPGS and RDMSR.

%include "common.inc"
%include "offsets.inc"

global gs_take, gs_give_back

section .entry.text exec

; gs_take -- the kernel's GS from here on
;
; in    GS   the kernel's or the user's     IF  0
; out   GS   the kernel's; rbx what gs_give_back wants        clobbers rax, rcx, rdx
gs_take:
        ;@ lab 10.2  Ask the GS base itself; CS can lie here. The kernel's lies in the upper half, a user's
        ;@           cannot: so the sign tells, and that is in edx. {
        xor     ebx, ebx
        mov     ecx, MSR_GS_BASE
        rdmsr
        test    edx, edx
        js      .the_kernels
        swapgs
        inc     ebx
        ;@ } hole 10.2
.the_kernels:
        ret

; gs_give_back -- GS as gs_take found it
;
; in    rbx  from gs_take       GS  the kernel's     IF  0
gs_give_back:
        ;@ lab 10.4  Undo what gs_take has done, and nothing if it did nothing. {
        test    ebx, ebx
        jz      .done
        swapgs
        ;@ } hole 10.4
.done:
        ret
