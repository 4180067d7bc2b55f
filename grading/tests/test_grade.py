"""The grader on real kernels in real emulators: every outcome class, liars, and the same verdict again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jsonschema
import pytest
from gatehouse import labs
from students import GDT, IDT, NORMAL, ROOT, SERIAL, Graded, grade, tree

SCHEMA = json.loads((ROOT / "docs" / "report.schema.json").read_text())
MAKES_TABLE = ("gate_make(stub->address, 0, GATE_INTERRUPT,", "gate_make(stub->address, 0, GATE_TRAP,")
IN_GATE = "    gate.offset_15_0 = (u16)offset;\n"
EARLY = {"gate_encoding", "table"}


def submit(tmp_path: Path, lab: str, edits: dict[str, list[tuple[str, str]]], *words: str) -> Graded:
    place = tree(tmp_path / "student", edits)
    return grade(place, "--tree", str(place), "--lab", lab, *words)


def in_gate(code: str) -> dict[str, list[tuple[str, str]]]:
    """CODE at the start of hole 2.1."""
    return {IDT: [(IN_GATE, f"    {code}\n{IN_GATE}"),
                  ("#include <kernel/init.h>\n", "#include <kernel/init.h>\n#include <kernel/print.h>\n")]}


def bad(graded: Graded, emulator: str) -> dict[str, str]:
    return {name: outcome for name, outcome in graded.outcomes(emulator).items() if outcome != "pass"}


def test_the_reference_passes_everywhere(tmp_path: Path) -> None:
    graded = grade(tmp_path / "reference")
    assert graded.status == 0, graded.out + graded.err
    assert graded.report["score"] == graded.report["points"] == 100 * len(graded.report["labs"])
    assert graded.last_line == f"Score: {graded.report['score']}/{graded.report['points']}"
    assert graded.err == "" and "\033" not in graded.out and "\r" not in graded.out
    jsonschema.validate(graded.report, SCHEMA, jsonschema.Draft202012Validator)


def test_the_same_solution_in_a_students_tree_passes(tmp_path: Path) -> None:
    graded = submit(tmp_path, "2", {})
    assert (graded.status, graded.last_line) == (0, "Score: 100/100")
    assert graded.report["labs"][0]["warnings"] == []


def test_wrong_value(tmp_path: Path) -> None:
    graded = submit(tmp_path, "2", {IDT: [MAKES_TABLE]})
    for emulator in ("qemu", "bochs"):
        assert bad(graded, emulator)["table"] == "wrong value"
        assert graded.verdict("table", emulator)["detail"][0].endswith("expected 0xe, got 0xf")
    assert graded.status == 1 and "make grade" not in graded.out
    debug = next(line for line in graded.out.splitlines() if "debug: make qemu-gdb " in line)
    overlay = debug.split(" OVERLAY=")[1].split()[0]
    assert (ROOT / overlay / IDT).read_text() == (tmp_path / "student" / IDT).read_text()
    assert f"--tree {tmp_path / 'student'} --lab 02 --emu qemu --test table --seed 1" in graded.out
    jsonschema.validate(graded.report, SCHEMA, jsonschema.Draft202012Validator)


def test_missing_result(tmp_path: Path) -> None:
    drop = ("        out8(COM1 + UART_DATA, bytes[i]);",
            "        if (bytes[i] != '[')\n            out8(COM1 + UART_DATA, bytes[i]);")
    graded = submit(tmp_path, "0", {SERIAL: [drop]}, "--emu", "qemu")
    assert set(graded.outcomes("qemu").values()) == {"missing result"} and graded.last_line == "Score: 0/100"


def test_panic_costs_one_test(tmp_path: Path) -> None:
    graded = submit(tmp_path, "2", in_gate('if (type == GATE_TRAP && idt[6].attributes) asm volatile("ud2");'))
    for emulator in ("qemu", "bochs"):
        assert bad(graded, emulator) == {"trap_gate": "panic"}
        assert "PANIC: vector 6" in graded.verdict("trap_gate", emulator)["detail"][0]


def test_unfilled_hole(tmp_path: Path) -> None:
    graded = submit(tmp_path, "2", in_gate('if (ist == 4) hole("2.1");'))
    for emulator in ("qemu", "bochs"):
        assert bad(graded, emulator) == {"gate_encoding": "unfilled hole"}
    assert "    reached hole 2.1: gate_encoding\n" in graded.out


def test_early_tests_count_though_the_table_cannot_be_loaded(tmp_path: Path) -> None:
    load = 'asm volatile("lidt %0" ::"m"(idtr));'
    graded = submit(tmp_path, "2", {IDT: [(load, f'if (idtr.limit)\n        hole("2.3");\n    {load}')]})
    for emulator in ("qemu", "bochs"):
        assert {name for name, outcome in graded.outcomes(emulator).items() if outcome == "pass"} == EARLY
        assert bad(graded, emulator)["loaded"] == "unfilled hole"
        assert set(bad(graded, emulator).values()) <= {"unfilled hole", "not run"}


def test_triple_fault_and_its_trail(tmp_path: Path) -> None:
    graded = submit(tmp_path, "2", {IDT: [("sizeof(idt) - 1", "47")]}, "--test", "breakpoint")
    for emulator in ("qemu", "bochs"):
        assert graded.outcomes(emulator) == {"breakpoint": "triple fault"}
        trail = next(line for line in graded.verdict("breakpoint", emulator)["detail"] if line.startswith("trail: "))
        assert "#GP(13)" in trail
        assert graded.verdict("breakpoint", emulator)["hint"]


def test_fault_loop(tmp_path: Path) -> None:
    call = "        call    trap\n"
    graded = submit(tmp_path, "3", {NORMAL: [(call, "")]}, "--test", "page_fault")
    for emulator in ("qemu", "bochs"):
        assert graded.outcomes(emulator) == {"page_fault": "fault loop"}
        assert graded.verdict("page_fault", emulator)["detail"][0].startswith("#PF(14) at ")


@pytest.mark.parametrize("code, words", [
    ("for (;;) asm volatile(\"\");", "the CPU was at gate_make"),
    ('asm volatile("cli; hlt");', "the CPU sleeps for ever at gate_make"),
    ('for (;;) print("and on\\n");', "output without end"),
])
def test_hang(tmp_path: Path, code: str, words: str) -> None:
    graded = submit(tmp_path, "2", in_gate(f"if (ist == 4) {code}"))
    for emulator in ("qemu", "bochs"):
        assert bad(graded, emulator) == {"gate_encoding": "hang"}
        assert words in graded.verdict("gate_encoding", emulator)["detail"][0]


def test_build_failure(tmp_path: Path) -> None:
    graded = submit(tmp_path, "2", {IDT: [("(u16)offset;", "(u16)offset")]})
    assert set(graded.outcomes("qemu").values()) == {"build failure"} and graded.status == 1
    assert f"{IDT}:" in graded.verdict("table", "qemu")["detail"][0]
    assert str(tmp_path) not in graded.out.split("again:")[0]


def test_a_helper_in_another_file_is_named(tmp_path: Path) -> None:
    place = tree(tmp_path / "student", {IDT: [
        ("(u16)offset;", "low_half(offset);"),
        ("#include <kernel/init.h>\n", '#include <kernel/init.h>\n#include "mine.h"\n')]})
    (place / "arch/x86_64/entry/mine.h").write_text("#define low_half(x) ((u16)(x))\n")
    graded = grade(place, "--tree", str(place), "--lab", "2", "--emu", "qemu")
    assert f"arch/x86_64/entry/mine.h is not taken: only files with holes are (such as {IDT})" in graded.out


def test_a_missing_emulator_is_told_before_anything_else(tmp_path: Path) -> None:
    for program in ("sh", "make", "setpriv"):
        there = (Path(folder) / program for folder in ("/usr/bin", "/bin"))
        (tmp_path / program).symlink_to(next(path for path in there if path.exists()))
    graded = grade(tmp_path / "x", "--lab", "2", "--emu", "qemu", environment={"PATH": str(tmp_path)})
    assert graded.status == 2 and graded.out == ""
    assert graded.err == "grade: qemu-system-x86_64 is not installed: apt-get install qemu-system-x86\n"


def test_an_emulator_that_will_not_start_costs_nobody_a_mark(tmp_path: Path) -> None:
    fake = tmp_path / "bin" / "qemu-system-x86_64"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho 'qemu: cannot allocate memory' >&2\nexit 1\n")
    fake.chmod(0o755)
    graded = grade(tmp_path / "x", "--lab", "2", "--emu", "qemu",
                   environment={"PATH": f"{fake.parent}:{os.environ['PATH']}"})
    assert graded.status == 2 and "cannot allocate memory" in graded.err
    assert set(graded.outcomes("qemu").values()) == {"emulator failure"} and graded.report["complete"] is False


LIE = """\
    static const char *const names[] = {{ {names} }};
    for (unsigned i = 0; i < {count}; i++)
        print("# begin %u %s\\nok %u %s [%s]\\n", i + 1, names[i], i + 1, names[i], cmdline.nonce);
    print("# END [%s] {count} passed, 0 failed, 0 skipped\\n", cmdline.nonce);
    machine_end(MACHINE_PASSED);
"""
INCLUDES = ("#include <arch/machine.h>\n#include <kernel/cmdline.h>\n"
            "#include <kernel/init.h>\n#include <kernel/print.h>\n")


@pytest.mark.parametrize("lab, path, before", [("1", GDT, "    u32 high = flags |"), ("2", IDT, IN_GATE)])
def test_a_forger_scores_nothing(tmp_path: Path, lab: str, path: str, before: str) -> None:
    names = [test.name for test in labs.find(labs.load(ROOT), lab).tests]
    lie = LIE.format(names=", ".join(f'"{name}"' for name in names), count=len(names))
    graded = submit(tmp_path, lab, {path: [(before, lie + before), ("#include <kernel/init.h>\n", INCLUDES)]})
    assert (graded.status, graded.last_line) == (1, "Score: 0/100")
    for emulator in ("qemu", "bochs"):
        assert "forged" in graded.outcomes(emulator).values()
    assert graded.report["labs"][0]["forged"] and "This lab scores 0" in graded.out
    assert "printed: ok " in graded.out and "the machine showed: " in graded.out
    assert any("nonce" in warning for warning in graded.report["labs"][0]["warnings"])


PASTED = """\
#define PASTE(one, two) one##two
#include <kernel/init.h>
void PASTE(pri, nt)(const char *text, ...);
"""


@pytest.mark.parametrize("lab, path, old, new", [
    ("1", GDT, "#include <kernel/init.h>\n",
     PASTED + 'void sly(void);\nvoid sly(void)\n{\n    PASTE(pri, nt)("# free text");\n}\n'),
    ("3", NORMAL, "entry_normal:\n", "%define paste(one, two) one%+two\n        extern paste(pri,nt)\n"
     "        dq      paste(pri,nt)\nentry_normal:\n"),
    ("3", "arch/x86_64/entry/frame.inc", "%macro restore 1-*\n",
     "%macro restore 1-*\n        extern pri%+nt\n        jmp     %%on\n        dq      pri%+nt\n%%on:\n"),
], ids=["C", "NASM", "included"])
def test_a_name_that_the_preprocessor_hides_is_seen(tmp_path: Path, lab: str, path: str, old: str, new: str) -> None:
    place = tree(tmp_path / "student", {path: [(old, new)]})
    graded = grade(place, "--tree", str(place), "--lab", lab, "--emu", "qemu")
    compiled = NORMAL if path.endswith(".inc") else path
    assert graded.report["labs"][0]["warnings"] == [f"look at {compiled}: names print, which the reference's does not"]
    assert graded.report["score"] == graded.report["points"]


def serial(place: Path, *words: str) -> dict[str, bytes]:
    """The serial logs of a run whose directories are kept, by lab and emulator."""
    graded = grade(place, "--keep", str(place), *words)
    assert graded.status == 0, graded.out
    return {log.parent.name.rsplit("-", 1)[0]: log.read_bytes() for log in place.glob("*-*/serial.log")}


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    words = ("--lab", "1,2,3", "--seed", "77")
    one = serial(tmp_path / "one", *words, "--nonce", "0" * 16)
    busy = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(os.cpu_count() or 1)]
    try:
        two = serial(tmp_path / "two", *words, "--nonce", "f" * 16)
    finally:
        for process in busy:
            process.kill()
            process.wait()
    assert len(one) == 6
    assert two == {name: text.replace(b"0" * 16, b"f" * 16) for name, text in one.items()}


def working_in(place: Path) -> list[str]:
    """The processes whose working directory lies in PLACE."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if link.readlink().is_relative_to(place):
                found.append(link.parent.name)
        except OSError:
            continue                 # it has just ended, or is not ours
    return found


def test_an_interrupted_grader_leaves_no_emulator_behind(tmp_path: Path) -> None:
    place = tree(tmp_path / "student", in_gate('for (;;) asm volatile("");'))
    kept = tmp_path / "kept"
    grader = subprocess.Popen([ROOT / "grading" / "grade", "--tree", place, "--lab", "2", "--keep", kept],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not working_in(kept):
        assert grader.poll() is None
        time.sleep(0.01)
    grader.send_signal(signal.SIGINT)
    _, err = grader.communicate(timeout=30)
    assert (grader.returncode, err) == (130, "\ngrade: interrupted\n")
    deadline = time.monotonic() + 5          # a process that is killed takes its time to be gone
    while working_in(kept) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert working_in(kept) == []


def test_graders_side_by_side(tmp_path: Path) -> None:
    with ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(grade, tmp_path / str(n), "--lab", "2", "--seed", str(n)) for n in range(3)]
        assert [call.result().last_line for call in calls] == ["Score: 100/100"] * 3


def test_one_failure_can_be_seen_again(tmp_path: Path) -> None:
    graded = submit(tmp_path, "2", {IDT: [MAKES_TABLE]}, "--emu", "qemu", "--test", "table")
    assert graded.outcomes("qemu") == {"table": "wrong value"} and graded.last_line == "Score: 0/25"
    directory = Path(graded.verdict("table", "qemu")["directory"])
    assert b"not ok 1 table" in (directory / "serial.log").read_bytes()
