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
        ; LAB 1.6: A selector in use keeps its old descriptor until it is loaded again.
        hole 1.6
