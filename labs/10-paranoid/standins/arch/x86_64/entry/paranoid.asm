; Before lab 10 nothing strikes where CS lies, so the paranoid door is the normal one. It counts who
; comes through, because the choice of the door shows nowhere else yet.

%include "common.inc"

extern entry_normal
global entry_paranoid, paranoid_count

section .entry.text exec

entry_paranoid:
        inc     qword [paranoid_count]  ; the flags are in the CPU's frame
        jmp     entry_normal

section .bss

paranoid_count: resq 1
