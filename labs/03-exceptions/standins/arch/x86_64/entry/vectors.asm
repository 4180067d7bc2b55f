; Before lab 03: stubs that only report. Each calls stub_hook(vector, frame, error code) in C and
; then resumes where the CPU's frame says; lab 02's tests look on.

%include "common.inc"
%include "entry_stub.inc"

extern stub_unexpected
global stub_hook

%define CODE            1
%define NO_CODE         0
%define VECTORS(first, last, code, door, ist, ring, handler, name) vectors first, last, code, door

section .data

stub_hook:      dq stub_unexpected

section .entry.text exec

report_and_resume:
        push    rax
        push    rcx
        push    rdx
        push    rsi
        push    rdi
        push    r8
        push    r9
        push    r10
        push    r11
        mov     rdi, [rsp + 9 * 8]      ; the vector and the error code, as the stub pushed them,
        mov     rdx, [rsp + 10 * 8]     ; and above them what the CPU did
        lea     rsi, [rsp + 11 * 8]
        cld
        call    [stub_hook]
        pop     r11
        pop     r10
        pop     r9
        pop     r8
        pop     rdi
        pop     rsi
        pop     rdx
        pop     rcx
        pop     rax
        add     rsp, 2 * 8
        iretq

%macro vectors 4
    %ifnidn %4, NONE
    %ifnidn %4, IRQ
    %ifnidn %4, INT80
        %assign vector %1
entry_%[vector]:
        %if %3 == NO_CODE
        push    -1
        %endif
        push    vector
        jmp     report_and_resume
        ENTRY_STUB vector, entry_%[vector]
    %endif
    %endif
    %endif
%endmacro

%include "vectors.def"
