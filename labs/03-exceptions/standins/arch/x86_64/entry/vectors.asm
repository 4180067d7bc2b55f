; Before lab 03: stubs that only report, to stub_reached in C, and resume; lab 02's tests look on.
; Every stub is one call, and its vector is known from where the call comes from.

%include "common.inc"
%include "entry_stub.inc"

extern stub_reached, stub_unexpected
global stub_hook

%define VECTORS(first, last, code, door, ist, ring, handler, name) vectors first, door

section .data

stub_hook:      dq stub_unexpected

section .entry.text exec

; in    rsp  return address, which is the end of a stub, and above it what the CPU pushed
; out   every register as before
report_and_resume:
        push    rbp
        mov     rbp, rsp
        push    rax
        push    rcx
        push    rdx
        push    rsi
        push    rdi
        push    r8
        push    r9
        push    r10
        push    r11
        mov     rdi, rbp
        and     rsp, -16                ; with or without an error code
        cld
        call    stub_reached            ; moves the old rbp up to the CPU's five slots
        lea     rsp, [rbp - 9 * 8]
        mov     rbp, rax
        pop     r11
        pop     r10
        pop     r9
        pop     r8
        pop     rdi
        pop     rsi
        pop     rdx
        pop     rcx
        pop     rax
        leave
        iretq

%macro vectors 2
    %ifnidn %2, NONE
    %ifnidn %2, IRQ
    %ifnidn %2, INT80
        %assign vector %1
entry_%[vector]:
        call    report_and_resume
        ENTRY_STUB vector, entry_%[vector]
    %endif
    %endif
    %endif
%endmacro

%include "vectors.def"
