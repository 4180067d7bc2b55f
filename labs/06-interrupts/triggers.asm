; Lab 06: interrupts that no device asks for (triggers.h).

%include "common.inc"
%include "offsets.inc"

global stub_run, stub_back, int_spurious, int_pic_7, int_pic_15

section .text

; stub_run -- a frame as the CPU would push it, SDM vol. 3, section 6.14.2, and a jump to the stub
;
; in    rdi  the stub's address    IF  0
; out   returns by the handler's IRETQ
stub_run:
        push    rbp
        mov     rbp, rsp
        and     rsp, -16
        push    KERNEL_DS
        push    rbp
        pushfq
        push    KERNEL_CS
        lea     rax, [stub_back]
        push    rax
        jmp     rdi
stub_back:
        pop     rbp
        ret

; INT n, which no controller knows of.
int_spurious:
        int     VECTOR_SPURIOUS
        ret
int_pic_7:
        int     VECTOR_PIC + 7
        ret
int_pic_15:
        int     VECTOR_PIC + 15
        ret
