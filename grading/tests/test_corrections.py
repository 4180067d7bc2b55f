"""Corrections in mid-course: committed where they belong, merged forward, refused where they meet a hole."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import toy_project
from course import files, handout, parents, refuse, show, tips
from gatehouse import handout_guard, holes
from gatehouse.git import GitError, git
from toy_project import commit, edit

SERIAL = "arch/x86_64/cpu/serial.c"
STUBS = "arch/x86_64/entry/stubs.asm"


def test_a_correction_is_merged_forward(toy: Path, course: Path) -> None:
    handout(toy, course)
    old = tips(course)
    edit(toy, "labs/00-serial/README.md", "# Lab 00", "# Lab 00, the serial port")
    edit(toy, "labs/01-table/lab.toml", 'hours  = "3"', 'hours  = "4"')
    commit(toy, "correct")
    said = handout(toy, course)
    new = tips(course)
    assert parents(course, "lab00") == [old["lab00"]]
    own, merge = new["lab01"], parents(course, "lab01")[0]
    assert parents(course, own) == [merge]
    assert parents(course, merge) == [old["lab01"], new["lab00"]]
    assert set(git(course, "diff", "--name-only", merge, own).split()) == {"labs/01-table/lab.toml", "README.md"}
    assert git(course, "diff", "--name-only", old["lab01"], merge) == "labs/00-serial/README.md"
    assert parents(course, new["lab02"]) == [old["lab02"], new["lab01"]]
    assert said.splitlines()[0] == "lab00: corrected labs/00-serial/README.md"
    assert (course / "labs/00-serial/README.md").read_text() == "# Lab 00, the serial port\n"
    assert git(course, "status", "--porcelain") == ""


def test_a_correction_and_the_next_lab_at_once(toy: Path, course: Path, tmp_path: Path) -> None:
    handout(toy, course, "--upto", "01")
    edit(toy, "kernel/print.c", "void print(void)\n{\n", "void print(void)\n{\n    flush();\n")
    edit(toy, SERIAL, '#include "print.h"', '#include "print.h"\n#include "uart.h"')
    toy_project.derive(toy)
    commit(toy, "correct")
    handout(toy, course, "--upto", "02")
    handout(toy, tmp_path / "fresh")
    for branch in ("lab00", "lab01", "lab02"):
        assert files(course, branch) == files(tmp_path / "fresh", branch)
        assert "uart.h" in show(course, branch, SERIAL)
    assert parents(course, "lab02") == [tips(course)["lab01"]]


REFUSED = {
    "a title": (SERIAL, "Eight bits, no parity.", "Eight bits, no parity, one stop bit.", 5, "0.1"),
    "the second line of a title": (SERIAL, "however long", "how long so ever", 12, "0.2"),
    "the line that names it": (SERIAL, 'hole("0.2"); return 0;', 'hole("0.2"); return 1;', 13, "0.2"),
    "the line before": (SERIAL, "void serial_init(void)\n{\n", "void serial_init(void)\n{   // now\n", 4, "0.1"),
    "the line after": (SERIAL, 'hole("0.1");\n}', 'hole("0.1");\n    return;\n}', 7, "0.1"),
    "a line gone before": (SERIAL, "int serial_ready(void)\n{\n", "int serial_ready(void) {\n", 10, "0.2"),
    "a line new before": (SERIAL, "int serial_ready(void)\n{\n", "int serial_ready(void)\n{\n    int x;\n", 11, "0.2"),
    "a hole gone": (SERIAL, '    //@ lab 0.1  Eight bits, no parity. {\n    outb(LCR, 3);\n    //@ } hole("0.1");\n',
                    "", 5, "0.1"),
    "in assembly": (STUBS, "hole 1.2\n        jmp", "hole 1.2\n        nop\n        jmp", 6, "1.2"),
}


@pytest.mark.parametrize(("path", "old", "new", "line", "hole"), REFUSED.values(), ids=REFUSED)
def test_a_correction_at_a_hole_is_refused(toy: Path, course: Path, path: str, old: str, new: str, line: int,
                                           hole: str) -> None:
    handout(toy, course)
    before = tips(course)
    edit(toy, path, old, new)
    if not new:     # the hole is gone, so the rest must be right without it
        (toy / path).write_text((toy / path).read_text().replace("0.2", "0.1"))
        edit(toy, "labs/00-serial/lab.toml", '[[hole]]\nid = "0.2"\nturns_green = ["text"]\n', "")
    toy_project.derive(toy)
    commit(toy, "correct")
    said = refuse(toy, "handout", str(course))
    assert said.startswith(f"{path}:{line}: the correction alters or borders hole {hole} as published on lab0")
    assert tips(course) == before
    assert git(course, "status", "--porcelain") == ""


@pytest.mark.parametrize(("old", "new"), [
    ("void serial_init(void)\n", "/* set */\nvoid serial_init(void)\n"),
    ("int serial_ready(void)\n", "bool serial_ready(void)\n"),
    ("}\n\nint serial_ready", "}\n\n// polled\nint serial_ready"),
    ("    outb(LCR, 3);\n", "    outb(LCR, 0);\n    outb(LCR, 3);\n"),
])
def test_a_correction_away_from_holes_or_in_a_solution_is_not(toy: Path, course: Path, old: str, new: str) -> None:
    handout(toy, course)
    edit(toy, SERIAL, old, new)
    toy_project.derive(toy)
    commit(toy, "correct")
    handout(toy, course)
    assert show(course, "lab02", SERIAL) == (toy / "labs/00-serial/skeleton" / SERIAL).read_text()


def test_a_correction_deletes_nothing(toy: Path, course: Path) -> None:
    handout(toy, course)
    before = tips(course)
    (toy / "kernel/print.c").unlink()
    commit(toy, "no printing")
    assert refuse(toy, "handout", str(course)) == ("kernel/print.c:1: lab00 is published with this file; a correction "
                                                   "deletes none")
    assert tips(course) == before


def merges(tmp_path: Path, student: str, published: str, corrected: str) -> bool:
    """Whether git merges a student's file and a corrected one without a conflict."""
    for name, text in (("student", student), ("published", published), ("corrected", corrected)):
        (tmp_path / name).write_text(text)
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    toy_project.identify(tmp_path)
    base = plant(tmp_path, "published")
    ours, theirs = plant(tmp_path, "student", base), plant(tmp_path, "corrected", base)
    try:
        git(tmp_path, "merge-tree", "--write-tree", ours, theirs)
    except GitError:
        return False
    return True


def plant(repository: Path, name: str, *before: str) -> str:
    """A commit with one file of that content."""
    blob = git(repository, "hash-object", "-w", name)
    tree = git(repository, "mktree", given=f"100644 blob {blob}\tfile\n".encode())
    return git(repository, "commit-tree", tree, "-m", name, *(word for commit in before for word in ("-p", commit)))


@pytest.mark.parametrize("path", [SERIAL, STUBS])
def test_what_the_guard_lets_pass_always_merges(tmp_path: Path, path: str) -> None:
    """Every line of a file is changed, removed, and given a new neighbour: what the guard lets pass merges with
    holes filled, commented above and below."""
    published = holes.skeleton(toy_project.FILES[path], path)
    lines = published.split("\n")
    filled = published
    for identity in holes.calls(published, path):
        filled = filled.replace(f"LAB {identity}: ", f"LAB {identity}: my own ")
    filled = "\n".join("above\nnot a call\nbelow" if "hole" in line else f"above\n{line}" if "LAB" in line else line
                       for line in filled.split("\n"))
    passed = 0
    for number in range(len(lines) - 1):
        for new in ([lines[number] + " "], [], ["new", lines[number]]):
            corrected = "\n".join(lines[:number] + new + lines[number + 1:])
            (tmp_path / "a").write_text(published)
            (tmp_path / "b").write_text(corrected)
            difference = subprocess.run(["git", "diff", "--no-index", "--histogram", "--unified=0", "a", "b"],
                                        cwd=tmp_path, capture_output=True, text=True, check=False).stdout
            if not handout_guard.touched_holes(path, published, difference):
                passed += 1
                assert merges(tmp_path, filled, published, corrected), corrected
    assert passed > len(lines) // 2
