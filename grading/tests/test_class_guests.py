"""Kernels that want points for nothing, and kernels that want the grader to wait for ever."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from gatehouse import labs
from gatehouse.cohort import record

ROOT = Path(__file__).resolve().parents[2]
IDT = "arch/x86_64/entry/idt.c"
FUNCTION = "struct gate gate_make("
PLACE = "    struct gate gate = { 0 };\n"
RIGHT, WRONG = "    gate.ist = (u8)ist;\n", "    gate.ist = (u8)(ist & 0);\n"
CALLED = "    static bool called;\n\n    if (!called && (called = true))\n        "     # gate_encoding calls first
PORT = 'asm volatile("out dx, al" ::"d"((u16){}), "a"((u8){}));'
# To the caller of the test, whose registers lie below the test's frame.
LEAVE = ('asm volatile("mov rbp, [%0]\\n\\tmov rbx, [rbp - 40]\\n\\tmov r12, [rbp - 32]\\n\\tmov r13, [rbp - 24]\\n\\t'
         'mov r14, [rbp - 16]\\n\\tmov r15, [rbp - 8]\\n\\tleave\\n\\tret" ::"r"(__builtin_frame_address(0)));')
RECORDING = "\\n".join(["# begin 1 gate_encoding", "ok 1 gate_encoding [0123456789abcdef] # 40 facts"])

# What each adds to a gate_make that forgets the IST number; the names are in its file, `print` and the like are not.
HOSTILE = {
    "honest": "",
    "floods": CALLED + "for (;;)\n            " + PORT.format("0x3f8", "'x'"),
    "spins": CALLED + "for (;;)\n            continue;",
    "sleeps": CALLED + 'asm volatile("cli\\n\\thlt");',
    "writes-the-exit-port": CALLED + PORT.format("0xf4", "0"),
    "powers-off": CALLED + 'asm volatile("out dx, ax" ::"d"((u16)0x604), "a"((u16)0x2000));',
    "resets": CALLED + PORT.format("0x64", "0xfe"),
    "plays-a-recording": CALLED + f'for (const char *c = "{RECORDING}\\n"; *c; c++)\n            '
        + PORT.format("0x3f8", "*c"),
    "patches-the-report": CALLED + '({ extern char report_values[]; '
        'asm volatile("mov rax, cr0\\n\\tand eax, 0xfffeffff\\n\\tmov cr0, rax" ::: "rax"); '
        'report_values[0] = (char)0xc3; });',
    "patches-and-mends": CALLED + '({ extern volatile char report_values[]; '
        'asm volatile("mov rax, cr0\\n\\tand eax, 0xfffeffff\\n\\tmov cr0, rax" ::: "rax"); '
        'report_values[0] ^= 1; report_values[0] ^= 1; });',
    "skips-the-test": CALLED + '({ extern void skip(const char *); skip("not today"); });',
    "leaves-the-test": CALLED + 'asm volatile("leave\\n\\tadd rsp, 8\\n\\tleave\\n\\tret");',
    "leaves-the-test-after-some-facts": "    static int calls;\n\n    if (++calls == 4)\n        " + LEAVE,
    "skips-the-test-and-leaves-it": CALLED + '({ extern void skip(const char *); skip("not today"); ' + LEAVE + ' });',
    "holds-lines-back": CALLED + "print_to(filter);",
    "prints-all-results": CALLED + "forge();",
    "ends-the-tests": CALLED + '({ extern _Bool tests_end(void); extern void machine_end(int); '
        'tests_end(); machine_end(0); });',
    "forgets-the-failure": CALLED + '({ extern void tests_forget(void); tests_forget(); });',
}
# What stands before the function.
AROUND = {
    "prints-all-results": """
#include <arch/machine.h>
#include <kernel/cmdline.h>
#include <kernel/print.h>
static void forge(void)
{
    static const char *const names[] = { %s };

    idt_fill();
    idt_load();
    for (unsigned i = 0; i < 8; i++)
        print("# begin %%u %%s\\nok %%u %%s [%%s] # 999 facts\\n", i + 1, names[i], i + 1, names[i], cmdline.nonce);
    print("# END [%%s] 8 passed, 0 failed, 0 skipped\\n", cmdline.nonce);
    machine_end(0);
}
""" % ", ".join(f'"{test.name}"' for test in labs.find(labs.load(ROOT), "2").tests),
    "holds-lines-back": """
typedef void print_writer(const char *text, size_t length);
extern print_writer serial_write, *print_to(print_writer *);
static void filter(const char *text, size_t length)
{
    static char line[512];
    static size_t held;

    for (; length--; text++) {
        if (held < sizeof(line))
            line[held++] = *text;
        if (*text != '\\n')
            continue;
        if (line[0] == 'n')                                     // not ok 1 gate_encoding [nonce]
            serial_write(line + 4, held - 5), serial_write(" # 18 facts\\n", 12);
        else if (line[0] != '#' || line[2] != 'g')              // # gate_encoding: interrupt gate, ...: expected
            serial_write(line, held);
        held = 0;
    }
}
""",
}
# What the report says, and no points for the test that the mistake fails.
SAYS = {
    "honest": "gate_encoding", "floods": "output without end",
    "plays-a-recording": "uses OUT, which the reference's does not",
    "spins": "HANG", "sleeps": "hlt with interrupts off",
    "patches-the-report": "given code was modified at run time: report_values",
    "patches-and-mends": "Bochs: given code was modified at run time: report_values",
    "skips-the-test-and-leaves-it": "it is skipped (not today), and the reference's is not",
    "leaves-the-test-after-some-facts": "it says `ok` after 6 facts, and there are 18: it was left before its end",
    "prints-all-results": "printed as passed, and not so counted by the kernel: gate_encoding, ",
    "holds-lines-back": "printed as passed, and not so counted by the kernel: gate_encoding\n",
    "forgets-the-failure": "undefined reference to `tests_forget'",
}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[record.Record, str]]:
    top = tmp_path_factory.mktemp("class")
    text = (ROOT / IDT).read_text()
    assert PLACE in text and RIGHT in text
    for name, trick in HOSTILE.items():
        path = top / "handins" / name / IDT
        path.parent.mkdir(parents=True)
        wrong = text.replace(RIGHT, WRONG).replace(PLACE, PLACE + trick + "\n")
        path.write_text(wrong.replace(FUNCTION, AROUND.get(name, "") + FUNCTION))
    done = subprocess.run([ROOT / "grading/grade-class", "--dir", top / "handins", "--out", top / "marks",
                           "--lab", "2"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    out = {}
    for name in HOSTILE:
        kept = record.read(top / "marks/students" / name)
        assert kept
        out[name] = kept, (top / "marks/students" / name / "report.txt").read_text()
    return out


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_is_gained(judged: dict[str, tuple[record.Record, str]], name: str) -> None:
    honest, (kept, told) = judged["honest"][0], judged[name]
    assert kept.status == "judged"
    assert kept.tests["gate_encoding"] == 0 and kept.score <= honest.score
    assert kept.points == 100
    assert SAYS.get(name, "") in told


@pytest.mark.parametrize("name", ["patches-the-report", "patches-and-mends", "holds-lines-back", "prints-all-results"])
def test_who_writes_to_the_code_gets_nothing(judged: dict[str, tuple[record.Record, str]], name: str) -> None:
    kept, told = judged[name]
    assert kept.forged and kept.score == 0
    assert "This lab scores 0: what was printed is not what the machine showed." in told
