; The array of ways in for interrupts: a stub for every vector of vectors.def that goes by IRQ. SDM
; vol. 3, section 6.3.2 "Maskable Hardware Interrupts"; docs/entry.md, "The array of stubs".

%include "common.inc"
%include "entry_stub.inc"
%include "frame.inc"

extern entry_normal
global irq_stubs

section .entry.text exec

IRQ_STUB_ALIGNMENT equ 4

; irq_stub vector -- one element of the array
;
; in    rsp  the CPU's frame; an interrupt has no error code
; out   rsp  as a stub of vectors.asm leaves it, so that one door does for both
%macro irq_stub 1
        ; LAB 6.1: All elements are equally long. PUSH is not: below 128 a number takes one byte.
        push    NO_ERROR_CODE
        push    strict dword %1         ; four bytes for each, whatever it is
        jmp     strict near entry_normal
%endmacro

; elements first, last, door -- the elements for a row of vectors.def, if it is one of interrupts
%macro elements 3
    %ifidn %3, IRQ
        %assign vector %1
        %rep %2 - %1 + 1
        irq_stub vector
            %assign vector vector + 1
        %endrep
    %endif
%endmacro

; register first, last, door -- their gates. One element is as long as another, so the array's length
; says how long; what the last one lacks of its alignment is rounded up.
%macro register 3
    %ifidn %3, IRQ
        %assign vector %1
        %rep %2 - %1 + 1
        ENTRY_STUB vector, irq_stubs + element * ((irq_stubs.end - irq_stubs + ELEMENTS - 1) / ELEMENTS)
            %assign vector vector + 1
            %assign element element + 1
        %endrep
    %endif
%endmacro

        align   IRQ_STUB_ALIGNMENT, int3
irq_stubs:
%define VECTORS(first, last, code, door, ist, ring, handler, name) elements first, last, door
%include "vectors.def"
.end:

%assign element 0
%define VECTORS(first, last, code, door, ist, ring, handler, name) register first, last, door
%include "vectors.def"
ELEMENTS        equ element
