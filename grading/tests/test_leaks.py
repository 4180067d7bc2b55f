"""No object in a handout's history holds a solution that students must write, a mutant or a tag."""

from __future__ import annotations

import re
from pathlib import Path

import toy_project
from course import copy_of_the_project, handout, refuse, tips
from gatehouse import check, holes, labs
from gatehouse.git import git, git_bytes
from toy_project import commit, edit

SERIAL = "arch/x86_64/cpu/serial.c"
TAG = re.compile(r"^\s*(?://|;)@ *(?:lab|\})", re.MULTILINE)


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
                      if path in ("mutants", "skeleton", "solution", ".ci")
                      or path.startswith("test_") and path.endswith(".py")]
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
