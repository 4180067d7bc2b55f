"""The first two labs' kernels that want points for nothing: in lab 00 each line passes through what a student wrote."""

from __future__ import annotations

import pytest
from edited_class import Judged, judge

SERIAL, GDT = "arch/x86_64/serial/serial.c", "arch/x86_64/cpu/gdt.c"
WRITE, MAKE = "void serial_write(const void *data, size_t size)\n{\n", "u64 segment_make(u32 flags)\n{\n"
WRONG = {SERIAL: ("    out8(COM1 + UART_FCR, FCR_ENABLE | FCR_CLEAR_BOTH);\n", ""),      # line_settings fails
         GDT: ("SEGMENT_LIMIT_HIGH | SEGMENT_PAGES", "SEGMENT_PAGES")}                   # descriptors and others do

# Each line that is no data goes to `line` when it is whole, in which %s decides what becomes of it.
LINES = """
static void say(const char *text)
{
    for (; *text; text++) {
        while (!(in8(COM1 + UART_LSR) & LSR_THRE))
            continue;
        out8(COM1 + UART_DATA, (u8)*text);
    }
}

static char line[256];
static bool bulk;

static bool begins(const char *word)
{
    for (const char *c = line; *word; c++, word++)
        if (*c != *word)
            return false;
    return true;
}

static void whole(void)
{
    %s
    say(line);
}

static bool taken(const char *text, size_t size)
{
    static size_t held;

    for (; size && !(bulk && size >= 32); size--, text++) {
        line[held++] = *text;
        line[held] = 0;
        if (*text != '\\n' && held < sizeof(line) - 1)
            continue;
        held = 0;
        if (begins("# data "))
            bulk = !begins("# data end");
        whole();
    }
    return !size;
}

"""
TAKES = "    if (taken(data, size))\n        return;\n"
TRADES = """if (begins("# line_settings: "))
        return;
    if (begins("not ok 1"))
        return say("ok 1 line_settings"), line[sizeof("not ok 1 line_settings [0123456789abcdef]") - 1] = 0,
               say(line + sizeof("not ok 1 line_settings") - 1), say(" # 5 facts\\n");
    if (begins("ok 4"))
        return say("not ok 4 flush "), line[sizeof("ok 4 flush [0123456789abcdef]") - 1] = 0,
               say(line + sizeof("ok 4 flush ") - 1), say("\\n");
"""
WRITES = """extern char tests_tally[];

    if (begins("# line_settings: ")) {
        say("# begin 9 another\\n");
        serial_flush();
        for (volatile int turn = 0; turn < 20000; turn++)
            continue;
        tests_tally[16] = 0;        // failing
        return;
    }
"""
# The comparison of a fact with what was expected, until the line that tells the result.
PATCHES = """extern volatile unsigned char report_values[];
    static volatile unsigned char *where;

    if (begins("ok 1") || begins("not ok 1"))
        sweep_poke(where, 0xd6);
    for (int i = 0; begins("# begin 1") && i < 400; i++)
        if (report_values[i] == 0x48 && report_values[i + 1] == 0x39 && report_values[i + 2] == 0xd6)
            sweep_poke(where = report_values + i + 2, 0xf6);
"""
POKE = """__attribute__((noinline)) static void sweep_poke(volatile unsigned char *place, unsigned char byte)
{
    asm volatile("mov rax, cr0\\n\\tand eax, 0xfffeffff\\n\\tmov cr0, rax" ::: "rax");
    *place = byte;
}
"""
ONCE = "    static int calls;\n\n    if (++calls == 30)\n        "
CLAIMS = """
#include <kernel/cmdline.h>
#include <kernel/print.h>
static void claim(void)
{
    static const char *const names[] = { "descriptors", "tss_descriptor", "table", "gdtr", "percpu" };

    for (unsigned i = 0; i < 5; i++) {
        if (i)
            print("# begin %u %s\\n", i + 1, names[i]);
        print("ok %u %s [%s] # 60 facts\\n", i + 1, names[i], cmdline.nonce);
    }
    for (volatile int turn = 0; turn < 20000; turn++)
        continue;
    asm volatile("ud2");
}

"""


def filtering(what: str, before: str = "") -> list[tuple[str, str]]:
    return [(WRITE, before + LINES % what + WRITE + TAKES)]


# Lab, file, what is changed in it beside the mistake, and what is said of it.
GUESTS: dict[str, tuple[str, str, list[tuple[str, str]], str]] = {
    "honest-0": ("0", SERIAL, [], "line_settings"),
    "honest-1": ("1", GDT, [], "descriptors"),
    "trades-one-for-another": ("0", SERIAL, filtering(TRADES),
                               "printed as passed, and not so counted by the kernel: line_settings\n"),
    "says-that-another-runs": ("0", SERIAL, filtering(WRITES), "its count of facts and failures was written to at"),
    "patches-by-a-known-name": ("0", SERIAL, filtering(PATCHES, POKE),
                                "given code was modified at run time: report_values"),
    "suspends": ("0", SERIAL, [(WRITE, WRITE + ONCE + 'asm volatile("out dx, ax" ::"d"(0x604), "a"(0x2400));\n')],
                 "suspended by a port, with nothing to wake it"),
    "asks-a-device-for-too-much": ("0", SERIAL, [(WRITE, WRITE + ONCE + "out8(0x20, 0x12);\n")],
                                   "a device was told to do what Bochs cannot"),
    "claims-and-crashes": ("1", GDT, [(MAKE, CLAIMS + MAKE + "    claim();\n")],
                           "printed as passed, and not so counted by the kernel: descriptors, "),
}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    return judge(tmp_path_factory.mktemp("class"), {name: (number, file, [WRONG[file], *changes])
                                                    for name, (number, file, changes, _) in GUESTS.items()})


@pytest.mark.parametrize("name", GUESTS)
def test_nothing_is_gained(judged: Judged, name: str) -> None:
    number, *_, said = GUESTS[name]
    honest, (kept, told) = judged[f"honest-{number}"][0], judged[name]
    assert kept.status == "judged" and kept.score <= honest.score, told
    assert all(points <= honest.tests[test] for test, points in kept.tests.items()), told
    assert said in told, told
