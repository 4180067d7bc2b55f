; Making the CPU use a new GDT. SDM vol. 3, sections 3.4.3 (hidden parts), 5.8.1 (far transfers).

%include "common.inc"
%include "offsets.inc"

global gdt_load

section .text

; load_segments VALUE, SEGMENT... -- the same selector into several registers; clobbers rax
%macro load_segments 2-*
        mov     eax, %1
    %rep %0 - 1
        %rotate 1
        mov     %1, eax
    %endrep
%endmacro

; gdt_load -- the CPU goes over to a new GDT
;
; in    rdi  struct table_register *    IF  0
; out   CS, SS, DS, ES the kernel's; FS, GS null; TR loaded. Clobbers rax.
gdt_load:
        ; LAB 1.6: A selector in use keeps its old descriptor until it is loaded again.
        lgdt    [rdi]
        load_segments KERNEL_DS, ds, es
        load_segments 0, fs, gs

        ; iretq loads CS and SS together, so pretend that an interrupt came from the kernel.
        mov     rax, rsp
        push    KERNEL_DS
        push    rax
        pushfq
        push    KERNEL_CS
        lea     rax, [.in_the_new_segment]
        push    rax
        iretq

.in_the_new_segment:
        mov     ax, TSS_SELECTOR
        ltr     ax
        ret
