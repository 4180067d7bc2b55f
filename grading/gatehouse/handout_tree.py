"""The tree of a handout at one lab: what is in it, and in which form.

It holds the base, the files of the labs so far (those of the course as skeletons, those left out solved), the labs'
pages and tests, the stand-ins of later labs, the grader. It holds no solution, mutant, tag or project test.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from . import holes
from .labs import CURRENT, Lab, LabError

README = "README.md"
GENERATED = frozenset({CURRENT, README})     # written by the handout itself, new for each lab

# What goes out, by its first name; whatever else the project commits stays at home.
_GOES_OUT = frozenset("Makefile LICENSE .gitignore .editorconfig .clang-format "
                      "arch docs grading kernel labs userland".split())
_PROJECT_ONLY = re.compile(r"""
    docs/(?:instructors|design)\.md | grading/tests?(?:/.*)? | labs/[^/]+/(?:skeleton|solution|mutants)/.* |
    kernel/(?:bench|drawings|emulators|hostile)/.* | grading/(?:bench.*|draw|hostile|observe|emulators/page\.md) |
    grading/(?:grade-class|bench-class|regrade|similar|gradescope) | grading/gatehouse/cohort/.* |
    labs/[^/]+/private/.* |
    grading/gatehouse/(?:bench|drawing\w*|hostile\w*|sweep_strip|stopped|emulator_rows|emulators_page)\.py |
    docs/drawings\.toml
""", re.VERBOSE)
_LAB_FILE = re.compile(r"labs/(?P<id>[^/]+)/(?P<below>.*)")


@dataclass(frozen=True)
class File:
    content: bytes
    executable: bool = False

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "surrogateescape")


def source_files(root: Path) -> list[str]:
    """The project's files that a handout may hold. Raises LabError for a link among them."""
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name != ".git"]
        for name in files + [name for name in folders if (Path(folder) / name).is_symlink()]:
            path = (Path(folder) / name).relative_to(root).as_posix()
            if path.split("/")[0] not in _GOES_OUT or _PROJECT_ONLY.fullmatch(path):
                continue
            if (root / path).is_symlink():
                raise LabError(path, 1, "a handout holds no links but this is one")
            found.append(path)
    return sorted(found)


def tree(root: Path, labs: list[Lab], course: list[Lab], lab: Lab, start: bool = False) -> dict[str, File]:
    """The handout's tree at `lab`, by path. `start`: for somebody who begins here, outside any course."""
    joins = {path: other for other in labs for path in other.adds}
    by_id = {other.id: other for other in labs}
    files: dict[str, File] = {}
    for path in source_files(root):
        owner = joins.get(path)
        file = File((root / path).read_bytes(), os.access(root / path, os.X_OK))
        if owner is not None and owner.number <= lab.number:
            form = holes.skeleton if owner in course else holes.solved
            files[path] = File(form(file.text, path).encode("utf-8", "surrogateescape"), file.executable)
        elif owner is None and (below := _LAB_FILE.fullmatch(path)):
            _lab_file(files, path, file, by_id.get(below["id"]), below["below"], lab)
        elif owner is None:
            files[path] = file
    files[CURRENT] = File(_current(course, lab, start).encode())
    files[README] = File(_readme(course, lab, start).encode())
    return files


def _lab_file(files: dict[str, File], path: str, file: File, owner: Lab | None, below: str, lab: Lab) -> None:
    """A file of a lab's folder: all of a lab so far; the stand-ins of a later one, which is announced with them."""
    if owner is not None and owner.number <= lab.number:
        files[path] = file
    elif owner is not None and below.startswith("standins/"):
        files[path] = file
        files[f"labs/{owner.id}/lab.toml"] = File(reduced(owner).encode())


def reduced(lab: Lab) -> str:
    """The lab.toml of a lab that is not handed out yet: it announces the stand-ins, nothing else."""
    lines = [f"number    = {lab.number}", f"title     = {json.dumps(lab.title)}", "announced = true", "adds      = []"]
    for path in lab.standins:
        lines += ["", "[[standin]]", f"path = {json.dumps(path)}"]
    return "\n".join(lines) + "\n"


def _current(course: list[Lab], lab: Lab, start: bool) -> str:
    lines = [
        "# Written with the lab: the lab at hand, and all labs of the course.",
        f"CURRENT := {lab.tag}",
        f"COURSE := {' '.join(other.tag for other in course)}",
    ]
    return "\n".join(lines + [f"START := {course[0].tag}"] * start) + "\n"


def branch(lab: Lab) -> str:
    return f"lab{lab.tag}"


def _readme(course: list[Lab], lab: Lab, start: bool) -> str:
    so_far = [other for other in course if other.number <= lab.number]
    rows = [f"| [{other.tag}](labs/{other.id}/README.md) | {other.title} | {other.hours} | {other.lines} |"
            for other in so_far]
    begin = [] if start else [
        "```",
        f"git clone -b {branch(course[0])} ADDRESS gatehouse    the course begins there",
        "cd gatehouse",
        "git switch -c NAME                       your own branch, from the first lab to the last",
        "make grade                               after each change",
        "make next                                when a lab is done",
        "```",
        "",
        "Stay on your branch: a lab comes to it by `make next`, with all that you have written. On the course's own",
        f"branches (`{branch(course[0])}` and so on) none of your work is to be seen.",
        "",
    ]
    return "\n".join([
        f"# Gatehouse, lab {lab.tag}: {lab.title}",
        "",
        "A small x86-64 kernel about one thing: every way into a kernel, and every way back out.",
        f"You are at lab {lab.tag}; [its page](labs/{lab.id}/README.md) says what to do. If this is your first",
        "evening here, begin with [docs/students.md](docs/students.md).",
        "",
        *begin,
        "| lab | | hours | lines |",
        "|---|---|---|---|",
        *rows,
        "",
        "```",
        "make deps      what is missing on this machine",
        "make holes     what is to be filled, where, and the test that checks it",
        "make grade     judge your work as the class will be judged",
        "make handin    pack it",
        "make next      go on to the next lab, with all that you have written",
        "```",
        "",
    ])
