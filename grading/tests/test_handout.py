"""Handouts: what is on each branch, how a course grows, what a correction may not do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import toy_project
from course import copy_of_the_project, files, refuse, show, succeed
from gatehouse import check, holes, labs
from gatehouse.git import git, git_bytes
from toy_project import commit, edit

SERIAL = "arch/x86_64/cpu/serial.c"
TABLE = "arch/x86_64/entry/table.c"
STUBS = "arch/x86_64/entry/stubs.asm"
TAG = re.compile(r"^\s*(?://|;)@ *(?:lab|\})", re.MULTILINE)
GENERATED = {"README.md", "labs/current.mk"}


@pytest.fixture(name="toy")
def _toy(tmp_path: Path) -> Path:
    return toy_project.make(tmp_path / "toy")


@pytest.fixture(name="course")
def _course(tmp_path: Path) -> Path:
    return tmp_path / "course"


def handout(toy: Path, course: Path, *options: str) -> str:
    return succeed(toy, "handout", str(course), *options)


def tips(course: Path) -> dict[str, str]:
    rows = git(course, "for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads").splitlines()
    return dict(row.split() for row in rows)


def parents(course: Path, commit_: str) -> list[str]:
    return git(course, "log", "-1", "--format=%P", commit_).split()


def test_the_branches_of_a_course(toy: Path, course: Path) -> None:
    handout(toy, course)
    branches = tips(course)
    assert list(branches) == ["lab00", "lab01", "lab02"]
    assert parents(course, "lab00") == []
    assert parents(course, "lab01") == [branches["lab00"]]
    assert parents(course, "lab02") == [branches["lab01"]]
    assert git(course, "branch", "--show-current") == "lab02"
    assert git(course, "status", "--porcelain") == ""
    assert git(course, "log", "-1", "--format=%an <%ae>") == "An Instructor <somebody@example.org>"


def test_what_is_in_a_branch(toy: Path, course: Path) -> None:
    handout(toy, course)
    grader = {path for path in files(course, "lab00") if path.startswith("grading/")}
    assert "grading/lab" in grader and not any(path.startswith("grading/tests") for path in grader)
    assert set(files(course, "lab00")) - grader == {
        ".gitignore", "LICENSE", "Makefile", "README.md", "docs/students.md", "kernel/main.c", "kernel/print.c",
        "kernel/print.h", "arch/x86_64/entry/common.inc", SERIAL, "labs/current.mk", "labs/00-serial/README.md",
        "labs/00-serial/lab.toml", "labs/00-serial/tests.c", "labs/00-serial/tour/tour.toml",
        "labs/02-frame/lab.toml", "labs/02-frame/standins/arch/x86_64/entry/normal.asm",
        "labs/03-ring/lab.toml", "labs/03-ring/standins/arch/x86_64/entry/user.asm",
    }
    assert set(files(course, "lab01")) - set(files(course, "lab00")) == {
        "arch/x86_64/entry/room.h", TABLE, STUBS, "labs/01-table/README.md", "labs/01-table/lab.toml",
        "labs/01-table/tests.c", "labs/01-table/triggers.asm",
    }
    assert show(course, "lab01", TABLE) == (toy / "labs/01-table/skeleton" / TABLE).read_text()
    assert show(course, "lab00", "labs/current.mk").splitlines()[1:] == ["CURRENT := 00", "COURSE := 00 01 02"]
    assert git(course, "ls-tree", "lab00", "grading/lab").startswith("100755 ")


def test_a_branch_only_adds(toy: Path, course: Path) -> None:
    handout(toy, course)
    for before, after in (("lab00", "lab01"), ("lab01", "lab02")):
        old, new = files(course, before), files(course, after)
        changed = {path for path, blob in old.items() if new.get(path) != blob}
        assert changed - GENERATED <= {"labs/02-frame/lab.toml"}
        assert set(old) <= set(new)


def test_a_handout_is_a_tree_that_the_lab_tool_reads(toy: Path, course: Path) -> None:
    handout(toy, course, "--upto", "1")
    read = labs.load(course)
    assert [(lab.id, lab.announced) for lab in read] == [("00-serial", False), ("01-table", False), ("02-frame", True),
                                                         ("03-ring", True)]
    assert read[1].hole_files == (TABLE, STUBS)
    assert "LABS := 00 01\n" in succeed(course, "mk")
    assert "this is a handout" in refuse(course, "check")
    assert "this is a handout" in refuse(course, "handout", str(course.parent / "again"))


def test_labs_left_out_arrive_solved(toy: Path, course: Path) -> None:
    handout(toy, course, "--labs", "00,frame")
    assert list(tips(course)) == ["lab00", "lab02"]
    assert TABLE not in files(course, "lab00")
    text = show(course, "lab02", TABLE)
    assert text == holes.solved((toy / TABLE).read_text(), TABLE)
    assert "    // Every row becomes a gate.\n    for (int row" in text
    read = labs.load(course)
    assert [len(lab.holes) for lab in read] == [2, 0, 2, 0]
    assert read[1].hole_files == ()
    assert "labs/01-table/tests.c" in files(course, "lab02")


def test_the_same_commit_gives_the_same_handout(toy: Path, tmp_path: Path) -> None:
    handout(toy, tmp_path / "one")
    handout(toy, tmp_path / "two", "--upto", "00")
    handout(toy, tmp_path / "two", "--upto", "02")
    assert tips(tmp_path / "one") == tips(tmp_path / "two")
    assert handout(toy, tmp_path / "one") == ""
    assert tips(tmp_path / "one") == tips(tmp_path / "two")


def test_a_course_grows_only_when_told(toy: Path, course: Path) -> None:
    assert "UPTO=01 publishes the next" in handout(toy, course, "--upto", "00")
    first = tips(course)
    assert list(first) == ["lab00"]
    handout(toy, course)
    assert tips(course) == first
    handout(toy, course, "--upto", "01")
    assert list(tips(course)) == ["lab00", "lab01"]
    assert tips(course)["lab00"] == first["lab00"]
    assert git(course, "branch", "--show-current") == "lab01"


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
    "a hole gone": (SERIAL, '    //@ lab 0.1  Eight bits, no parity. {\n    outb(LCR, 3);\n    //@ } hole("0.1");\n', "",
                    5, "0.1"),
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


def test_refusals(toy: Path, course: Path, tmp_path: Path) -> None:
    edit(toy, "kernel/main.c", "print();", "print ();")
    assert "but kernel/main.c has changes that are not committed" in refuse(toy, "handout", str(course))
    git(toy, "checkout", "-q", "kernel/main.c")
    assert "03-ring is only announced" in refuse(toy, "handout", str(course), "--labs", "02,03")
    assert "no lab is called 'x'" in refuse(toy, "handout", str(course), "--labs", "x")
    assert "the course begins with 01-table" in refuse(toy, "handout", str(course), "--labs", "01", "--upto", "0")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").write_text("")
    assert "is neither a course's repository nor empty" in refuse(toy, "handout", str(tmp_path / "full"))
    assert "is a repository, but no course's" in refuse(toy, "handout", str(toy_copy(toy, tmp_path)))
    handout(toy, course, "--labs", "00,01", "--upto", "1")
    assert "lab 01 is published already" in refuse(toy, "handout", str(course), "--upto", "0")
    assert "has published labs 00,01; LABS begins with these" in refuse(toy, "handout", str(course), "--labs", "0,2")
    (course / "note").write_text("")
    assert "has changes that are not committed (note)" in refuse(toy, "handout", str(course))
    toy_project.identify(course)
    commit(course, "a note")
    assert "lab01 in" in (said := refuse(toy, "handout", str(course))) and "has commits of somebody else" in said


def toy_copy(toy: Path, tmp_path: Path) -> Path:
    git(tmp_path, "clone", "-q", str(toy), "other")
    return tmp_path / "other"


def test_labs_of_a_course_can_still_be_chosen_later(toy: Path, course: Path) -> None:
    handout(toy, course, "--labs", "00,01", "--upto", "0")
    handout(toy, course, "--labs", "00,02", "--upto", "2")
    assert list(tips(course)) == ["lab00", "lab02"]
    assert "COURSE := 00 02\n" in show(course, "lab00", "labs/current.mk")


def test_a_lab_that_does_not_check_is_not_handed_out(toy: Path, course: Path) -> None:
    edit(toy, "labs/01-table/lab.toml", "entry/room.h", "entry/rom.h")
    commit(toy, "a mistake")
    assert refuse(toy, "handout", str(course)) == ("labs/01-table/lab.toml:6: unknown file arch/x86_64/entry/rom.h")


def test_start(toy: Path, course: Path) -> None:
    assert "begins at 01-table" in succeed(toy, "start", "1", str(course))
    assert git(course, "branch", "--show-current") == "work"
    assert (course / SERIAL).read_text() == holes.solved((toy / SERIAL).read_text(), SERIAL)
    assert holes.unfilled((course / TABLE).read_text(), TABLE) == ["1.1"]
    assert not (course / "arch/x86_64/entry/normal.asm").exists()
    assert "is there already" in refuse(toy, "start", "1", str(course))
    git(course, "switch", "-q", "lab01")
    assert "was written by `make start`" in refuse(toy, "handout", str(course))


def secrets(root: Path, course: list[int]) -> dict[str, str]:
    """The code of every hole that the students of a course have to write, lines stripped."""
    found: dict[str, str] = {}
    for lab in labs.load(root):
        for path in lab.hole_files if lab.number in course else ():
            text = (root / path).read_text()
            for span in holes.parse(text, path):
                found[span.id] = stripped("\n".join(text.split("\n")[span.code - 1:span.end - 1]))
    return found


def stripped(text: str) -> str:
    return "\n".join(line.strip() for line in text.split("\n") if line.strip())


def leaks(root: Path, course: Path, numbers: list[int]) -> list[str]:
    """Every solution, tag or project-only path in any object of a repository, reachable or not."""
    code = secrets(root, numbers)
    found: list[str] = []
    rows = git(course, "cat-file", "--batch-all-objects", "--batch-check=%(objecttype) %(objectname)").splitlines()
    for kind, name in (row.split() for row in rows):
        if kind == "tree":
            paths = git(course, "ls-tree", "--name-only", name).split("\n")
            found += [f"{path} in tree {name}" for path in paths
                      if path in ("mutants", "skeleton", "solution", ".ci") or path.startswith("test_")]
        elif kind == "blob":
            text = git_bytes(course, "cat-file", "blob", name).decode("utf-8", "replace")
            found += [f"tag {tag[0]!r} in blob {name}" for tag in TAG.finditer(text)]
            flat = stripped(text)
            found += [f"hole {hole} in blob {name}" for hole, lines in code.items() if len(lines) > 8 and lines in flat]
    return found


def test_no_object_gives_anything_away(toy: Path, course: Path) -> None:
    handout(toy, course, "--upto", "00")
    edit(toy, "labs/00-serial/README.md", "# Lab 00", "# Lab 00, corrected")
    commit(toy, "correct")
    handout(toy, course, "--upto", "02")
    edit(toy, SERIAL, "no parity.", "odd parity.")
    toy_project.derive(toy)
    commit(toy, "a correction that is refused")
    refuse(toy, "handout", str(course))
    assert leaks(toy, course, [0, 1, 2]) == []


def test_the_search_for_leaks_finds_them(toy: Path, course: Path) -> None:
    handout(toy, course, "--labs", "00,02")
    assert leaks(toy, course, [0, 2]) == []
    assert {leak.split(" in ")[0] for leak in leaks(toy, course, [0, 1, 2])} >= {"hole 1.1", "hole 1.3"}
    found = {leak.split(" in ")[0] for leak in leaks(toy, toy, [0, 1, 2])}
    assert found >= {"mutants", "skeleton", "solution", ".ci", "hole 0.1", "hole 2.2", "tag '    //@ lab'"}


def test_gatehouse_itself(tmp_path: Path, course: Path) -> None:
    project = copy_of_the_project(tmp_path / "project")
    assert [str(mistake) for mistake in check.mistakes(project)] == []
    handout(project, course)
    numbers = [lab.number for lab in labs.load(project) if not lab.announced]
    assert list(tips(course)) == [f"lab{number:02d}" for number in numbers]
    assert leaks(project, course, numbers) == []
