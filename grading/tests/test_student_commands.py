"""The commands that students use in a handout: next, holes, handin; and the pristine tree at home."""

from __future__ import annotations

import json
import os
import tarfile
import time
from pathlib import Path

import pytest
import toy_project
from course import Student, messy, refuse, succeed, tool
from gatehouse import by_hand, holes, labs, overlay, pristine
from toy_project import commit, edit, git

SERIAL = "arch/x86_64/cpu/serial.c"
TABLE = "arch/x86_64/entry/table.c"
STUBS = "arch/x86_64/entry/stubs.asm"


@pytest.fixture(name="course")
def _course(toy: Path, course: Path) -> Path:
    """As far as lab 01."""
    succeed(toy, "handout", str(course), "--upto", "01")
    return course


@pytest.fixture(name="student")
def _student(course: Path, tmp_path: Path) -> Student:
    return Student(course, tmp_path / "student", "lab00")


def test_holes(student: Student) -> None:
    assert succeed(student.root, "holes").splitlines() == [
        "lab 00: The serial port",
        f"  {SERIAL}:5: 0.1 to fill, checked by line_settings",
        f"  {SERIAL}:11: 0.2 to fill, checked by text",
    ]
    edit(student.root, SERIAL, 'void serial_init(void)\n', '// mine\n\nvoid serial_init(void)\n')
    edit(student.root, SERIAL, '    hole("0.1");', "    outb(LCR, 3); // was hole(\"0.1\");")
    assert succeed(student.root, "holes").splitlines()[1:] == [
        f"  {SERIAL}:7: 0.1 filled, checked by line_settings",
        f"  {SERIAL}:13: 0.2 to fill, checked by text",
    ]


def test_a_hole_that_lost_its_title_is_where_it_is_called(student: Student) -> None:
    edit(student.root, SERIAL, "    // LAB 0.1: Eight bits, no parity.\n", "\n")
    assert f"  {SERIAL}:6: 0.1 to fill, checked by line_settings" in succeed(student.root, "holes").splitlines()


def test_by_hand_names_the_same_line(student: Student, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_hand, "ROOT", student.root)
    said = by_hand.where_hole("reached hole 0.2, which is not filled yet")
    assert said == f"at hole 0.2, which is not filled yet: {SERIAL}:11"


def test_holes_of_a_file_that_lost_all_comments(student: Student) -> None:
    (student.root / SERIAL).write_text("int own;\n")
    lines = succeed(student.root, "holes").splitlines()
    assert [line.split(",")[0].split()[-1] for line in lines[1:]] == ["filled", "filled"]


def test_holes_in_the_project_itself(toy: Path) -> None:
    lines = succeed(toy, "holes").splitlines()
    assert f"  {TABLE}:7: 1.1 filled, checked by rows" in lines
    assert "  arch/x86_64/entry/stubs.asm:4: 1.2 filled, checked by no test of its own" in lines


def test_next(student: Student, toy: Path, course: Path) -> None:
    said = student.go_on()
    assert said.splitlines()[-1] == "lab 01, The table (3 hours): read labs/01-table/README.md, then make holes"
    assert said.startswith("note: holes of lab 00 that are still empty: 0.1, 0.2\n"
                           f"new: arch/x86_64/entry/room.h, {STUBS}, {TABLE}, labs/01-table/README.md")
    assert "nothing new: lab 02 is not published yet" in student.go_on()
    succeed(toy, "handout", str(course), "--upto", "02")
    assert "lab 02, The frame" in student.go_on()
    assert "nothing new: lab 02 is the last one of this course" in student.go_on()
    assert [line for line in succeed(student.root, "holes").splitlines() if line.startswith("lab")] == [
        "lab 00: The serial port", "lab 01: The table", "lab 02: The frame"]


def test_next_refuses_uncommitted_changes(student: Student) -> None:
    edit(student.root, SERIAL, '    hole("0.1");', "    outb(LCR, 3);")
    assert refuse(student.root, "next") == f"commit your work first (git commit -a): {SERIAL} is not committed"
    (student.root / "note").write_text("")
    git(student.root, "commit", "-q", "-a", "-m", "lab 0")
    assert "lab 01" in succeed(student.root, "next")


def test_next_leaves_a_tree_whole_where_it_conflicts(student: Student) -> None:
    (student.root / TABLE).parent.mkdir(parents=True, exist_ok=True)
    student.fill({TABLE: "int mine;\n"})
    said = refuse(student.root, "next")
    assert said == (f"your changes and the course's meet in {TABLE}; nothing was merged; "
                    "`git merge origin/lab01` merges by hand")
    assert git(student.root, "status", "--porcelain") == ""
    assert (student.root / TABLE).read_text() == "int mine;\n"


def test_next_where_the_course_cannot_be_reached(student: Student, course: Path) -> None:
    course.rename(course.parent / "moved")
    assert refuse(student.root, "next").startswith("cannot fetch the course: ")


def test_commands_of_students_do_nothing_at_home(toy: Path) -> None:
    for command in ("next", "handin"):
        assert "this is the project's own tree" in refuse(toy, command)


def test_a_downloaded_folder_is_no_clone(student: Student) -> None:
    (student.root / ".git").rename(student.root.parent / "away")
    assert "is no clone" in refuse(student.root, "next")
    assert "work in a clone of the course's repository" in refuse(student.root, "holes")


def test_handin(student: Student) -> None:
    student.go_on()
    student.fill({SERIAL: messy((student.root / SERIAL).read_text(), SERIAL)})
    (student.root / "labs/01-table/ANSWERS.md").write_text("because\n")
    (student.root / "notes.txt").write_text("not packed, so nothing to warn of\n")
    (student.root / "build").mkdir(exist_ok=True)
    (student.root / "build/report.json").write_text(json.dumps({"score": 5}))
    said = succeed(student.root, "handin").splitlines()
    names = (SERIAL, TABLE, STUBS, "labs/01-table/ANSWERS.md", "build/report.json")
    assert said == ["warning: not committed, packed as it is: labs/01-table/ANSWERS.md",
                    "build/handin-lab01-a-student.tar.gz: 5 files", *(f"  {name}" for name in names)]
    archive = student.root / "build/handin-lab01-a-student.tar.gz"
    with tarfile.open(archive) as tar:
        assert tar.getnames() == [f"handin-lab01-a-student/{name}" for name in names]
        packed = tar.extractfile(f"handin-lab01-a-student/{SERIAL}")
        assert packed is not None and packed.read() == (student.root / SERIAL).read_bytes()
    before = archive.read_bytes()
    succeed(student.root, "handin")
    assert archive.read_bytes() == before


def test_handin_warns_of_an_old_report(student: Student) -> None:
    report = student.root / "build/report.json"
    report.parent.mkdir(exist_ok=True)
    report.write_text("{}")
    os.utime(student.root / SERIAL, (time.time() - 60,) * 2)
    assert "warning" not in succeed(student.root, "handin")
    (student.root / "labs/00-serial/ANSWERS.md").write_text("because\n")
    git(student.root, "add", ".")
    git(student.root, "commit", "-q", "-m", "answers")
    os.utime(report, (time.time() - 120,) * 2)
    assert succeed(student.root, "handin").splitlines()[0] == (
        f"warning: the report is older than {SERIAL}; `make grade` writes a new one")


def test_handin_warns_of_questions_without_an_answer(student: Student) -> None:
    answers = "labs/00-serial/ANSWERS.md"
    told = f"warning: {answers} is not there, so the lab's questions have no answer"
    assert told not in succeed(student.root, "handin"), "a lab without questions"
    with (student.root / "labs/00-serial/README.md").open("a") as readme:
        readme.write(f"Answer in `{answers}`.\n")
    assert told in succeed(student.root, "handin")
    (student.root / answers).write_text("because\n")
    assert told not in succeed(student.root, "handin")


def test_next_on_a_branch_that_is_called_like_the_courses(student: Student) -> None:
    git(student.root, "switch", "-q", "lab00")
    assert "lab00 is the name of a branch of the course; git branch -m work gives yours another" in succeed(
        student.root, "next")


def test_handin_warns_without_a_report_and_refuses_without_a_file(student: Student) -> None:
    assert "warning: no report is packed; `make grade` writes one" in succeed(student.root, "handin")
    (student.root / SERIAL).unlink()
    done = tool(student.root, "handin")
    assert done.returncode == 1
    assert done.stderr == (f"{SERIAL}:1: is missing or no regular file; `git checkout origin/lab00 -- {SERIAL}` brings "
                           "back the empty one\n")


def test_the_pristine_tree_at_home(student: Student, toy: Path, course: Path) -> None:
    assert pristine.pristine_root(toy) == toy
    merged = git(student.root, "rev-parse", "origin/lab00").strip()
    student.fill({SERIAL: messy((student.root / SERIAL).read_text(), SERIAL), "kernel/main.c": "changed\n"})
    root = pristine.pristine_root(student.root)
    assert root == student.root / "build/pristine" / merged
    assert (root / SERIAL).read_text() == (toy / "labs/00-serial/skeleton" / SERIAL).read_text()
    assert (root / "kernel/main.c").read_text() == toy_project.FILES["kernel/main.c"]
    assert pristine.pristine_root(student.root) == root
    all_labs = labs.load(root)
    made = overlay.from_tree(root, all_labs, all_labs[0], student.root, student.root / "build/overlay")
    assert made.files == [SERIAL] and made.unfilled == [] and made.ignored == ["kernel/main.c"]
    edit(toy, "kernel/main.c", "print();", "print(1);")
    commit(toy, "correct")
    succeed(toy, "handout", str(course))
    git(student.root, "fetch", "-q")
    assert pristine.pristine_root(student.root) == root, "fetched is not merged"
    git(student.root, "checkout", "-q", "HEAD^", "--", "kernel/main.c")
    git(student.root, "commit", "-q", "-m", "undo")
    student.go_on()
    root = pristine.pristine_root(student.root)
    assert "print(1)" in (root / "kernel/main.c").read_text()
    assert [path.name for path in root.parent.iterdir()] == [root.name]


def test_at_home_earlier_labs_are_the_students_own(student: Student) -> None:
    student.go_on()
    root = pristine.pristine_root(student.root)
    all_labs = labs.load(root)
    made = overlay.from_tree(root, all_labs, all_labs[1], student.root, student.root / "build/overlay")
    assert made.files == [SERIAL, TABLE, STUBS]


def test_somebody_who_begins_later(toy: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    succeed(toy, "start", "table", str(home))
    toy_project.identify(home)
    assert "lab 00" not in succeed(home, "holes")
    (home / TABLE).write_text(messy((home / TABLE).read_text(), TABLE))
    commit(home, "lab 1")
    assert pristine.pristine_root(home).parent == home / "build/pristine"
    assert "lab 02, The frame" in succeed(home, "next")
    assert holes.unfilled((home / TABLE).read_text(), TABLE) == []
    git(home, "switch", "-q", "lab01")
    assert refuse(home, "next") == "work on a branch of your own: git switch -c work"
