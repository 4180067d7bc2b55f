; One stub for each exception: it makes the frames alike and jumps to the vector's door.
; SDM vol. 3, sections 6.13 "Error Code" and 6.14.2 "64-Bit Mode Stack Frame"; docs/entry.md, "The
; error code and the -1" and "The vector's travel".

%include "common.inc"
%include "entry_stub.inc"
%include "frame.inc"

extern entry_normal, entry_paranoid, entry_nmi
global entry_2, entry_3                 ; from where to where the stub of NMIs goes: nmi_arriving.c

; What a row of vectors.def can say: does the CPU push an error code, and which door is it?
%define CODE            1
%define NO_CODE         0
%define NORMAL          entry_normal
%define PARANOID        entry_paranoid
%define NMI             entry_nmi
%define VECTORS(first, last, code, door, ist, ring, handler, name) vectors first, last, code, door

section .entry.text exec

; filler code -- what the CPU did not push, it stands where an error code would
%macro filler 1
    %ifn %1
        lea     rsp, [rsp - 8]
        mov     qword [rsp], NO_ERROR_CODE
    %endif
%endmacro

; stub vector, code, door -- the way in for one vector
;
; in    rsp  the CPU's frame, with its error code if `code`
; out   rsp  frame, error code or -1, vector: what the doors expect (frame.inc)
%macro stub 3
        ; LAB 3.1: -1 where the CPU pushed no error code, then the vector, then through the door.
    %%here:                             ; each expansion has its own
        filler  %2
        push    strict dword %1
        jmp     near %3
%endmacro

%assign next_vector 0

; vectors first, last, code, door -- a row of the table: stubs for the doors above; the vectors of
; other doors get theirs in other files, and those of NONE have none
%macro vectors 4
    %if %1 != next_vector
        %error gap or overlap in vectors.def
    %endif
    %ifidn %4, NONE
    %elifidn %4, IRQ
    %elifidn %4, INT80
    %else
        %assign vector %1
        %rep %2 - %1 + 1
entry_%[vector]:
        stub    vector, %3, %4
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
