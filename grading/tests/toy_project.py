"""A miniature Gatehouse: three labs, one announced, in every shape that the lab tool must handle."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from gatehouse import derived, labs

GRADING = Path(__file__).resolve().parents[1]

FILES = {
    ".gitignore": "/build/\n__pycache__/\n",
    ".ci/run": "#!/bin/sh\nmake test\n",
    "LICENSE": "MIT\n",
    "README.md": "# The project\n",
    "Makefile": "all:\n",
    "docs/students.md": "# Your first evening\n",
    "docs/instructors.md": "# What remains\n",
    "grading/emulators/rows.toml": """\
[[row]]
name      = "lost-text"
group     = "devices"
behaviour = "text sent without waiting"
manual    = "is lost"
demand    = ["lost"]

[[row]]
name      = "mc-injection"
group     = "nmi"
behaviour = "a machine check from outside"
manual    = "comes"
demand    = ["#MC"]

[[row]]
name      = "not-seen"
group     = "nmi"
behaviour = "what nobody has looked at"
manual    = "nothing"
open      = true
""",
    "grading/emulators/observed.toml": """\
[versions]
qemu  = "7.2"
bochs = "2.7"

[lost-text]
qemu-intel  = "not lost"
qemu-amd    = "not lost"
bochs-intel = "lost"
bochs-amd   = "lost"

[mc-injection]
qemu-intel  = "#MC"
qemu-amd    = "#MC"
bochs-intel = "none"
bochs-amd   = "none"
""",
    "kernel/main.c": '#include "print.h"\nvoid kernel_main(void)\n{\n    print();\n}\n',
    "kernel/print.c": '#include "print.h"\nvoid print(void)\n{\n}\n',
    "kernel/print.h": "void print(void);\n",
    "arch/x86_64/cpu/serial.c": """\
#include "print.h"

void serial_init(void)
{
    //@ lab 0.1  Eight bits, no parity. {
    outb(LCR, 3);
    //@ } hole("0.1");
}

int serial_ready(void)
{
    //@ lab 0.2  The line is ready when THRE is set,
    //@ however long that takes. {
    while (!(inb(LSR) & THRE))
        ;
    return 1;
    //@ } hole("0.2"); return 0;
}
""",
    "arch/x86_64/entry/room.h": "void table_load(void);\n",
    "arch/x86_64/entry/table.c": """\
#include "room.h"

void table_load(void)
{
    int rows = 256;

    //@ lab 1.1  Every row becomes a gate. {
    for (int row = 0; row < rows; row++)
        gate(row);
    //@ } hole("1.1");
    lidt();
}
""",
    "arch/x86_64/entry/stubs.asm": """\
%include "common.inc"

stub_no_code:
;@ lab 1.2  The CPU pushed no code, so we do. {
        push    0
;@ } hole 1.2
        jmp     entry_normal

stub_code:
        ;@ lab 1.3  The vector goes on top. {
        push    14
        jmp     entry_normal
        ;@ } hole 1.3
""",
    "arch/x86_64/entry/common.inc": "bits 64\n",
    "arch/x86_64/entry/frame.inc": """\
; the frame

%macro save_frame 0
;@ lab 2.2  All fifteen. {
        push    rdi
        push    r15
;@ } hole 2.2
%endmacro
""",
    "arch/x86_64/entry/normal.asm": """\
%include "common.inc"
%include "frame.inc"

entry_normal:
        save_frame
;@ lab 2.1  CS says where we come from. {
        test    byte [rsp + 8], 3
        jnz     from_user
;@ } hole 2.1
        iretq
""",
    "labs/00-serial/README.md": "# Lab 00\n",
    "labs/00-serial/tests.c": "TEST_BEFORE(INIT_CONSOLE, line_settings)\n{\n}\n\nTEST(text)\n{\n}\n",
    "labs/00-serial/tour/tour.toml": "",
    "labs/00-serial/mutants/forgets.patch": """\
--- a/arch/x86_64/cpu/serial.c
+++ b/arch/x86_64/cpu/serial.c
@@ -3,6 +3,6 @@
 void serial_init(void)
 {
     //@ lab 0.1  Eight bits, no parity. {
-    outb(LCR, 3);
+    outb(LCR, 0);
     //@ } hole("0.1");
 }
""",
    "labs/00-serial/lab.toml": """\
number = 0
title  = "The serial port"
hours  = "2-3"
lines  = 25
adds   = ["arch/x86_64/cpu/serial.c"]

[[hole]]
id = "0.1"
turns_green = ["line_settings"]

[[hole]]
id = "0.2"
turns_green = ["text"]

[[test]]
name   = "line_settings"
points = 40

[[test]]
name   = "text"
points = 60
needs  = ["line_settings"]
not_on = { qemu = "row:lost-text" }

[[hint]]
test    = "text"
outcome = "wrong value"
match   = "got (0x[0-9a-f]+)"
say     = "the line stops at \\\\1"
""",
    "labs/01-table/README.md": "# Lab 01\n",
    "labs/01-table/tests.c": "TEST(rows)\n{\n}\n",
    "labs/01-table/triggers.asm": "trigger:\n        int3\n",
    "labs/01-table/lab.toml": """\
number = 1
title  = "The table"
hours  = "3"
lines  = 50
adds   = [
    "arch/x86_64/entry/room.h",
    "arch/x86_64/entry/table.c",
    "arch/x86_64/entry/stubs.asm",
]

[[hole]]
id = "1.1"
turns_green = ["rows"]

[[hole]]
id = "1.2"
turns_green = []

[[hole]]
id = "1.3"
turns_green = ["rows"]

[[test]]
name   = "rows"
points = 100

[probe]
kind = "idt"
doors = ["NORMAL"]
[probe.checks]
gates = "rows"
""",
    "labs/02-frame/README.md": "# Lab 02\n",
    "labs/02-frame/tests.c": '#include "room.h"\nTEST(frame)\n{\n}\n',
    "labs/02-frame/standins/arch/x86_64/entry/normal.asm": "entry_normal:\n        iretq\n",
    "labs/02-frame/lab.toml": """\
number = 2
title  = "The frame"
hours  = "5"
lines  = 90
adds   = ["arch/x86_64/entry/normal.asm", "arch/x86_64/entry/frame.inc"]

[[hole]]
id = "2.2"
turns_green = ["frame"]

[[hole]]
id = "2.1"
turns_green = ["frame"]

[[test]]
name   = "frame"
points = 100
ends   = "panic"
says   = "double fault"
""",
    "labs/03-ring/standins/arch/x86_64/entry/user.asm": "from_user:\n        ud2\n",
    "labs/03-ring/lab.toml": """\
number    = 3
title     = "Ring 3"
announced = true
adds      = []

[[standin]]
path = "arch/x86_64/entry/user.asm"
why  = "no user before lab 03"
""",
}
GRADER = ("lab", "grade", "gatehouse")


def make(root: Path) -> Path:
    """Write the project, its skeletons, and one commit that holds it all."""
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / "grading/tests").mkdir(parents=True)
    for name in GRADER:
        if (GRADING / name).is_dir():
            shutil.copytree(GRADING / name, root / "grading" / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif (GRADING / name).exists():
            shutil.copy2(GRADING / name, root / "grading" / name)
    (root / "grading/tests/test_toy.py").write_text("def test_toy() -> None:\n    pass\n")
    derive(root)
    git(root, "init", "-q", "-b", "main")
    identify(root)
    commit(root, "the project")
    return root


def derive(root: Path) -> None:
    for lab in labs.load(root):
        derived.write(lab)


def identify(repository: Path, name: str = "An Instructor") -> None:
    git(repository, "config", "user.name", name)
    git(repository, "config", "user.email", "somebody@example.org")


def git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def commit(root: Path, message: str) -> None:
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", message)


def edit(root: Path, name: str, old: str, new: str) -> None:
    """Replace the one place where `old` stands."""
    text = (root / name).read_text()
    assert text.count(old) == 1, f"{name} has {text.count(old)} times {old!r}"
    (root / name).write_text(text.replace(old, new))
