"""Handouts: what is on each branch, how a course grows, what is refused."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import toy_project
from course import copy_of_the_project, files, handout, parents, refuse, show, succeed, tips
from gatehouse import holes, labs
from gatehouse.git import git
from toy_project import commit, edit

SERIAL = "arch/x86_64/cpu/serial.c"
TABLE = "arch/x86_64/entry/table.c"
STUBS = "arch/x86_64/entry/stubs.asm"
GENERATED = {"README.md", "labs/current.mk"}


def test_the_branches_of_a_course(toy: Path, course: Path) -> None:
    handout(toy, course)
    branches = tips(course)
    assert list(branches) == ["lab00", "lab01", "lab02"]
    assert parents(course, "lab00") == []
    assert parents(course, "lab01") == [branches["lab00"]]
    assert parents(course, "lab02") == [branches["lab01"]]
    assert git(course, "branch", "--show-current") == "lab00", "a plain clone begins with the first lab"
    assert "git clone -b lab00 ADDRESS" in show(course, "lab02", "README.md")
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


def test_what_the_project_adds_at_its_top_stays_at_home(toy: Path, course: Path) -> None:
    handout(toy, course, "--upto", "00")
    first = tips(course)
    (toy / "marks").mkdir()
    (toy / "marks/2026.csv").write_text("ada,100\n")
    (toy / "exam.md").write_text("# Questions\n")
    (toy / "latest").symlink_to("marks")
    commit(toy, "marks and an exam")
    assert handout(toy, course) == "published up to 00-serial; UPTO=01 publishes the next\n"
    assert tips(course) == first


def test_a_branch_only_adds(toy: Path, course: Path) -> None:
    handout(toy, course)
    for before, after in (("lab00", "lab01"), ("lab01", "lab02")):
        old, new = files(course, before), files(course, after)
        changed = {path for path, blob in old.items() if new.get(path) != blob}
        assert changed - GENERATED <= {"labs/02-frame/lab.toml"}
        assert set(old) <= set(new)


def test_a_handout_is_a_tree_that_the_lab_tool_reads(toy: Path, course: Path) -> None:
    handout(toy, course, "--upto", "1")
    git(course, "switch", "-q", "lab01")
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
    git(course, "switch", "-q", "lab02")
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
    assert git(course, "branch", "--show-current") == "lab00"


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
    assert "lab00 in" in (said := refuse(toy, "handout", str(course))) and "has commits of somebody else" in said


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
    assert "git clone" not in (course / "README.md").read_text()
    assert (course / SERIAL).read_text() == holes.solved((toy / SERIAL).read_text(), SERIAL)
    assert holes.unfilled((course / TABLE).read_text(), TABLE) == ["1.1"]
    assert not (course / "arch/x86_64/entry/normal.asm").exists()
    assert "is there already" in refuse(toy, "start", "1", str(course))
    git(course, "switch", "-q", "lab01")
    assert "was written by `make start`" in refuse(toy, "handout", str(course))


def test_make_passes_on_what_it_is_told(tmp_path: Path, course: Path) -> None:
    project = copy_of_the_project(tmp_path / "project")
    for upto in ("01", "03"):
        subprocess.run(["make", "-s", "handout", f"DIR={course}", "LABS=01,03", f"UPTO={upto}"], cwd=project,
                       check=True)
    assert list(tips(course)) == ["lab01", "lab03"]
    subprocess.run(["make", "-s", "start", "LAB=02", f"DIR={tmp_path / 'home'}"], cwd=project, check=True)
    assert "CURRENT := 02\n" in (tmp_path / "home/labs/current.mk").read_text()


def make(tree: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", "-s", *words], cwd=tree, capture_output=True, text=True, check=False)


def commands(tree: Path) -> set[str]:
    """What `make help` lists."""
    said = make(tree, "help").stdout
    assert "#" not in said and said.startswith("LAB=3, ")
    return {name for names in re.findall(r"^  make (\S+)", said, re.MULTILINE) for name in names.split("|")}


def test_make_knows_where_it_is(tmp_path: Path) -> None:
    project, home = copy_of_the_project(tmp_path / "project"), tmp_path / "home"
    assert make(project, "start", "LAB=00", f"DIR={home}").returncode == 0
    alone = {"grade-class", "regrade", "similar", "gradescope", "check-labs", "skeletons", "mutants", "bench",
             "bench-grade", "bench-class", "hostile", "docs", "emulators", "handout", "start", "test"}
    at_home = {"sweep", "deps", "run", "iso", "grade", "qemu", "bochs", "debug", "bochs-debug", "tour", "tours",
               "holes", "clean"}
    assert commands(project) == alone | at_home
    assert commands(home) == {"next", "handin"} | at_home
    for name in alone:
        done = make(home, name, "LAB=12")
        assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1
        assert f"make {name} is a command of the project, this is a handout" in done.stderr
    boots = make(home, "-n", "qemu").stdout
    assert "grading/debug qemu" in boots and make(home, "-n", "run").stdout == boots
