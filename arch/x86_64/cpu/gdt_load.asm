; Making the CPU use a new GDT. SDM vol. 3, sections 3.4.3 (hidden parts), 5.8.1 (far transfers).

%include "common.inc"
%include "offsets.inc"

global gdt_load

section .text

; gdt_load -- the CPU goes over to a new GDT
;
; in    rdi  struct table_register *    IF  0
; out   CS, SS, DS, ES the kernel's; FS, GS null; TR loaded. Clobbers rax.
gdt_load:
        ;@ lab 1.6  A selector in use keeps its old descriptor until it is loaded again. {
        lgdt    [rdi]
        mov     eax, KERNEL_DS
        mov     ss, eax
        mov     ds, eax
        mov     es, eax
        xor     eax, eax
        mov     fs, eax
        mov     gs, eax
        mov     eax, TSS_SELECTOR
        ltr     ax

        pop     rax                     ; CS changes by a far transfer only: return there
        push    KERNEL_CS
        push    rax
        o64 retf
        ;@ } hole 1.6
