"""Entry code and handlers that want points for nothing: what is seen of them from outside the kernel."""

from __future__ import annotations

import pytest
from edited_class import Judged, judge

NORMAL, FAULT = "arch/x86_64/entry/normal.asm", "arch/x86_64/mm/fault.c"
IST, DOUBLE = "arch/x86_64/cpu/ist.c", "arch/x86_64/debug/double_fault.c"
CLD = "        cld\n"                       # without it call_into_c fails
DOOR = "entry_normal:\n"
PREPARED = "static void ist_initialise(void)\n{\n"
HANDLER = "    u64 address = read_cr2();\n"

# A breakpoint at the comparison of each fact, whose handler makes what was got what was expected.
BREAKS = """
        cmp     qword [rsp], 1          ; #DB
        jne     .arm
        mov     rsi, rdx
        or      qword [rsp + 32], 1 << 16
        add     rsp, 16
        iretq
.arm:   push    rax
        extern  report_values
        mov     rax, report_values
        mov     dr0, rax
        mov     eax, 0x403
        mov     dr7, rax
        pop     rax
"""
# Writes to what has been counted, whose place stands in the code of report_values, when a line is printed that tells of
# a failure, and prints all other lines.
UNFAILS = """
        pushfq
        cld
        push_all
        mov     rax, report_values
.find:  inc     rax
        cmp     word [rax], 0x05c6      ; mov byte [rip + ...], 1
        jne     .find
        cmp     byte [rax + 6], 1
        jne     .find
        movsxd  rcx, dword [rax + 2]
        lea     rcx, [rax + rcx + 7]
        mov     [rel failing], rcx
        mov     rdi, filter
        call    print_to
        pop_all
        popfq
"""
FILTER = """
extern report_values, print_to, serial_write
%define MOST rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11
%macro push_all 0
        several push, MOST
%endmacro
%macro pop_all 0
        several pop, r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax
%endmacro
%macro several 2-*
    %xdefine %%do %1
    %rep %0 - 1
        %rotate 1
        %%do    %1
    %endrep
%endmacro

section .bss
made_up: resb 1
failing: resq 1
length: resq 1
line:   resb 1024
section .entry.text exec
filter: push    rbx
        push    r12
        mov     rbx, rdi
        lea     r12, [rdi + rsi]
.next:  cmp     rbx, r12
        je      .over
        mov     al, [rbx]
        inc     rbx
        mov     rcx, [rel length]
        mov     [line + rcx], al
        inc     qword [rel length]
        cmp     al, 10
        jne     .next
        mov     rsi, [rel length]
        mov     qword [rel length], 0
        cmp     dword [rel line], "# ca"        ; # call_into_c: ...: expected ..., got ...
        jne     .say
        mov     rax, [rel failing]
        mov     byte [rax], 0
        jmp     .next
.say:   mov     rdi, line
        call    serial_write
        jmp     .next
.over:  pop     r12
        pop     rbx
        ret
"""
CLAIMS = PREPARED + """    extern int strcmp(const char *, const char *);

    if (!strcmp(cmdline.tests, "stack_overflow")) {
        print("# begin 1 stack_overflow\\n");
        panic("the boot stack has overflowed, 0x1234... is 0x1234");
    }
"""
READ = "struct fault fault_read(u64 error_code)\n{\n"
BUG = "        bug(regs, error_code, address, error);\n}"
PRINTS = """    extern int strcmp(const char *, const char *);
    extern void machine_end(int);

    if (!strcmp(cmdline.tests, "stray_pointer")) {
        print("\\nPANIC: page fault: write to an unmapped page at 0x1234, supervisor\\n"
              "  region: 400000 to 404000, rw-, user\\n  at touch_write+0x1\\n");
        machine_end(0);
    }
"""
PATCHES = """    extern char report_values[];

    asm volatile("mov rax, cr0\\n\\tand eax, 0xfffeffff\\n\\tmov cr0, rax" ::: "rax");
    report_values[0] = (char)0xc3;
"""
# As many facts as the test has, and the test is not gone on with.
MAKES_UP = """        cmp     qword [rsp], 3
        jne     .honest
        cmp     byte [rel made_up], 20
        ja      .honest
        push_all
        mov     edi, 0
        xor     esi, esi
        xor     edx, edx
        xor     eax, eax
        mov     rcx, entry_normal
        inc     byte [rel made_up]
        call    report_values
        pop_all
.honest:
"""
HEADERS = "#include <kernel/cmdline.h>\n#include <kernel/print.h>\n"

# Lab, what is replaced in a correct file, the test that must not pass, and what is said of it.
GUESTS: dict[str, tuple[str, str, list[tuple[str, str]], str, str]] = {
    "breaks-at-each-fact": ("3", NORMAL, [(CLD, ""), (DOOR, DOOR + BREAKS)], "call_into_c",
                            "#DB was raised meanwhile, and is not in the reference's"),
    "unfails": ("3", NORMAL, [(CLD, ""), (DOOR, FILTER + DOOR + UNFAILS)], "call_into_c",
                "its count of facts and failures was written to at filter+0x"),
    "makes-up-facts": ("3", NORMAL, [(CLD, ""), (DOOR, FILTER + DOOR + MAKES_UP)], "reaches_c",
                       "a fact was reported from 0x"),
    "claims-a-panic": ("5", IST, [(PREPARED, HEADERS + CLAIMS)], "stack_overflow",
                       "it panics, and there was no #DF"),
    "prints-a-panic": ("4", FAULT, [(READ, HEADERS + READ + PRINTS), (BUG, BUG.replace("code", "code ^ PF_WRITE", 1))],
                       "stray_pointer", "this panic was to come from fault_bug, and did not"),
    "patches-before-a-panic": ("5", DOUBLE, [(HANDLER, PATCHES + HANDLER)], "stack_overflow",
                               "given code was modified at run time: report_values"),
}
# Correct files in which something is done that the reference does not do, and nothing is won by.
HONEST: dict[str, tuple[str, str, list[tuple[str, str]]]] = {
    "other-instructions": ("3", NORMAL, [(CLD, "        cli\n        cld\n        invlpg  [rsp]\n")]),
    "debugging-prints": ("5", IST, [(PREPARED, '#include <kernel/print.h>\n' + PREPARED + '    print("here\\n");\n')]),
    "an-int3-of-its-own": ("5", IST, [(PREPARED, PREPARED + '    asm volatile("int3");\n')]),
}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    return judge(tmp_path_factory.mktemp("class"), {name: (number, file, changes) for name, (number, file, changes, *_)
                                                    in {**GUESTS, **HONEST}.items()})


@pytest.mark.parametrize("name", GUESTS)
def test_nothing_is_gained(judged: Judged, name: str) -> None:
    kept, told = judged[name]
    *_, test, said = GUESTS[name]
    assert kept.status == "judged" and kept.tests[test] == 0
    assert said in told


@pytest.mark.parametrize("name", HONEST)
def test_nobody_is_suspected_of_what_costs_nothing(judged: Judged, name: str) -> None:
    kept, told = judged[name]
    assert kept.score == 100, told
