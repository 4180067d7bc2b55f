; Before lab 10 no NMI nests, so their door is the normal one.

%include "common.inc"

extern entry_normal
global entry_nmi

section .entry.text exec

entry_nmi:
        jmp     entry_normal
