; One stub for each exception: it makes the frames alike and jumps to the vector's door.
; SDM vol. 3, sections 6.13 "Error Code" and 6.14.2 "64-Bit Mode Stack Frame"; docs/entry.md, "The
; error code and the -1" and "The vector's travel".

%include "common.inc"
%include "entry_stub.inc"
%include "frame.inc"

extern entry_normal, entry_paranoid, entry_nmi
global entry_2, entry_3                 ; from where to where the stub of NMIs goes: nmi_arriving.c

; What a row of vectors.def can say: does the CPU push an error code, and where is its door?
%define CODE            1
%define NO_CODE         0
%define DOOR_NORMAL     entry_normal
%define DOOR_PARANOID   entry_paranoid
%define DOOR_NMI        entry_nmi
%define VECTORS(first, last, code, door, ist, ring, handler, name) vectors first, last, code, door

section .entry.text exec

; stub vector, code, door -- the way in for one vector
;
; in    rsp  the CPU's frame, with its error code if `code`
; out   rsp  frame, error code or NO_ERROR_CODE, vector: what the doors expect (frame.inc)
%macro stub 3
        ; LAB 3.1: NO_ERROR_CODE where the CPU pushed none, then the vector, then through the door.
        hole 3.1
%endmacro

%assign next_vector 0

; vectors first, last, code, door -- a row of the table: stubs for the doors above. The vectors of
; other doors get theirs in other files; those of NONE have none.
%macro vectors 4
    %if %1 != next_vector
        %error gap or overlap in vectors.def
    %endif
    %ifdef DOOR_%4
        %assign vector %1
        %rep %2 - %1 + 1
entry_%[vector]:
        stub    vector, %3, DOOR_%4
        ENTRY_STUB vector, entry_%[vector]
            %assign vector vector + 1
        %endrep
    %endif
    %assign next_vector %2 + 1
%endmacro

%include "vectors.def"

%if next_vector != 256
    %error vectors.def does not end at 255
%endif
