"""Courses and students for the tests: a project that hands out, students who clone, fill, and go on."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import toy_project
from gatehouse import holes, labs, pristine
from gatehouse.git import git, is_repository

PROJECT = Path(__file__).resolve().parents[2]
ALTERNATIVE = Path(__file__).resolve().parent / "alternative"     # other correct solutions, by path in the tree


def copy_of_the_project(target: Path) -> Path:
    """Gatehouse itself as a repository of one commit, with what is edited and not committed yet."""
    if is_repository(PROJECT):
        names = git(PROJECT, "ls-files", "-z").split("\0")
        for name in filter(None, names):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, target / name, follow_symlinks=False)
    else:
        shutil.copytree(PROJECT, target, symlinks=True, ignore=shutil.ignore_patterns("build", "__pycache__"))
    toy_project.git(target, "init", "-q", "-b", "main")
    toy_project.identify(target)
    toy_project.commit(target, "the project")
    return target


def tool(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([root / "grading/lab", *words], capture_output=True, text=True, check=False)


def succeed(root: Path, *words: str) -> str:
    done = tool(root, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refuse(root: Path, *words: str) -> str:
    """The one line that says why not."""
    done = tool(root, *words)
    assert done.returncode == 1, done.stdout
    assert done.stdout == "" and done.stderr.count("\n") == 1, done.stderr
    return done.stderr.rstrip("\n")


def files(repository: Path, commit: str) -> dict[str, str]:
    """Path and blob of everything in a commit."""
    rows = git(repository, "ls-tree", "-r", commit).splitlines()
    return {path: about.split()[2] for about, path in (row.split("\t") for row in rows)}


def show(repository: Path, commit: str, path: str) -> str:
    return toy_project.git(repository, "show", f"{commit}:{path}")


def handout(toy: Path, course: Path, *options: str) -> str:
    return succeed(toy, "handout", str(course), *options)


def tips(course: Path) -> dict[str, str]:
    """Every branch and its commit."""
    rows = git(course, "for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads").splitlines()
    return dict(row.split() for row in rows)


def parents(course: Path, commit: str) -> list[str]:
    return git(course, "log", "-1", "--format=%P", commit).split()


class Student:
    """A clone of a course in which somebody works on one branch."""

    def __init__(self, course: Path, home: Path, begin: str) -> None:
        self.root = home
        toy_project.git(course.parent, "clone", "-q", str(course), str(home))
        toy_project.identify(home, "A Student")
        toy_project.git(home, "switch", "-q", "-c", "work", f"origin/{begin}")

    def fill(self, texts: dict[str, str]) -> None:
        """Write and commit whole files."""
        for name, text in texts.items():
            (self.root / name).write_text(text)
        toy_project.commit(self.root, "fill holes")

    def to_fill(self) -> list[str]:
        """The files with holes of the lab at hand."""
        here = pristine.current(self.root)
        lab = labs.find(labs.load(pristine.pristine_root(self.root)), str(here))
        return list(lab.hole_files)

    def go_on(self) -> str:
        said = succeed(self.root, "next")
        assert "<<<<<<<" not in "".join(path.read_text() for path in self.root.rglob("*.[ch]"))
        assert toy_project.git(self.root, "status", "--porcelain") == ""
        return said

    def unfilled(self) -> list[str]:
        """The holes that the tree still calls."""
        return [identity for path in self.root.rglob("*") if path.is_file() and "build" not in path.parts
                for identity in holes.unfilled(path.read_text(errors="replace"), path.name)]


def other_way(name: str, skeleton: str) -> str:
    """Another solution of a file with holes: correct code where somebody wrote it, else any text that is not a call."""
    written = ALTERNATIVE / name
    return written.read_text() if written.is_file() else messy(skeleton, name)


def messy(skeleton: str, path: str) -> str:
    """Holes filled with other lines, comments before and after them, and a helper before what holds the hole."""
    comment = holes.mark(path)
    titles = holes.titles(skeleton, path)
    lines = skeleton.split("\n")
    before: dict[int, list[str]] = {}       # by line, counted from 1: what is written above it
    for identity, line in holes.calls(skeleton, path).items():
        title = titles[identity][0]
        start = next((number for number in range(title - 1, 0, -1) if re.match(r"[\w%]", lines[number - 1])), title)
        before.setdefault(start, []).extend([f"{comment} a helper of mine", f"{comment} it has two lines"])
        before.setdefault(title, []).append(f"{comment} I think that this is meant:")
        lines[line - 1] = f"{comment} my own {identity}\n\n{comment} with my helper\n{comment} done"
    mixed = [text for number, line in enumerate(lines, 1) for text in [*before.get(number, []), line]]
    return "\n".join([*mixed, f"{comment} and one at the end", ""])
