; Every vector caught: one entry each, a common way to C, and the two ways out: on, or out of it all.
; catch.h says what for. The frame is that of entry/frame.inc.

%include "common.inc"
%include "frame.inc"

extern catch_reached
global catch_run, catch_entries, row_stack_top

%define CODE            1
%define NO_CODE         0
%define VECTORS(first, last, code, door, ist, ring, handler, name) vectors first, last, code

ROW_STACK_SIZE  equ 8192
FLAGS_CLEAR     equ 2                   ; bit 1 is always set

; vectors first, last, code -- an entry for each vector of a row of vectors.def: unlike the kernel's
; table, none is left out
%macro vectors 3
    %assign vector %1
    %rep %2 - %1 + 1
catch_%[vector]:
        %if %3 == NO_CODE
        push    NO_ERROR_CODE
        %endif
        push    vector
        jmp     catch
        %assign vector vector + 1
    %endrep
%endmacro

section .text

%include "vectors.def"

; catch -- from an entry to C
;
; in    rsp  frame, error code or -1, vector      out   on at the frame, or out by catch_run
catch:
        cld
        save    GPRS
        mov     rdx, [rsp + PT_RDI]
        mov     [rsp + PT_RDI], rdi
        mov     rdi, rsp
        mov     rsi, [rsp + PT_ORIG_RAX]
        mov     rbx, rsp
        and     rsp, -16                ; stack-alignment looks at the frame, so nothing is assumed
        call    catch_reached
        mov     rsp, rbx
        test    eax, eax
        jz      give_up_run
        restore GPRS
        pop     rdi
        add     rsp, 8
        iretq

; catch_run -- run() of catch.h, with the gates already there
;
; in    rdi  code     rsi, rdx  its arguments
; out   rax  as the code left it, or 0 if it was given up
catch_run:
        push_preserved
        push    qword [out_rsp]
        mov     [out_rsp], rsp
        mov     rax, rdi
        mov     rdi, rsi
        mov     rsi, rdx
        call    rax
        jmp     out
give_up_run:
        xor     eax, eax

; An IRETQ, because an NMI may be what was given up: nothing else lets the next one in.
out:
        mov     rsp, [out_rsp]
        mov     rcx, rsp
        push    KERNEL_DS
        push    rcx
        push    FLAGS_CLEAR
        push    KERNEL_CS
        lea     rcx, [.clean]
        push    rcx
        iretq
.clean:
        pop     qword [out_rsp]
        pop_preserved
        ret

section .rodata

        align   8
catch_entries:
    %assign vector 0
    %rep 256
        dq      catch_%[vector]
        %assign vector vector + 1
    %endrep

section .bss align=16

                resb ROW_STACK_SIZE
row_stack_top:
out_rsp:        resq 1
