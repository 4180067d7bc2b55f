"""Handouts: the git repository of a course, one branch for each of its labs, written once and then only added to.

A new lab grows from the branch before it. A correction is committed on the branch of the lab it belongs to and
merged into those after it, so that a student gets it by merging the next lab, or the same one again.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import check, handout_guard, handout_tree, labs, pristine
from .git import git
from .handout_repository import Repository, Tree, stamp
from .labs import CURRENT, Lab, LabError


@dataclass(frozen=True)
class Project:
    """The project as its commit has it."""

    root: Path
    labs: list[Lab]


def publish(root: Path, directory: Path, chosen: str | None, upto: str | None) -> Iterator[str]:
    """Write or extend the course's repository; yields what was done. Raises LabError, and then nothing was changed.

    `chosen` are the labs of the course ("01,02,05"), by default all or those already recorded. `upto` is the last lab
    to publish; by default the last one at first, and later none that is not published yet.
    """
    with tempfile.TemporaryDirectory() as folder:
        repository, project = _open(root, directory, Path(folder))
        published = repository.published()
        course = _course(repository, project, published, chosen)
        last = _last(project, course, published, upto)
        yield from _write(repository, project, [lab for lab in course if lab.number <= last.number], course, published)
        repository.finish(handout_tree.branch(course[0]))       # a plain `git clone` then begins where the course does
        if later := [lab for lab in course if lab.number > last.number]:
            yield f"published up to {last.id}; UPTO={later[0].tag} publishes the next"


def start(root: Path, name: str, directory: Path) -> Iterator[str]:
    """Write a tree for somebody who begins at a lab: those before it solved, this and later ones to come by `next`."""
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise LabError("", 0, f"{directory} is there already; `make start` writes a new DIR")
    with tempfile.TemporaryDirectory() as folder:
        repository, project = _open(root, directory, Path(folder))
        first = _gradable(labs.find(project.labs, name))
        course = [lab for lab in project.labs if lab.number >= first.number and not lab.announced]
        for _ in _write(repository, project, course, course, [], start=True):
            pass
        repository.finish(handout_tree.branch(first))
        git(directory, "switch", "--quiet", "--create", "work")
        yield f"{directory} begins at {first.id}; read {directory}/labs/{first.id}/README.md"


def _open(root: Path, directory: Path, scratch: Path) -> tuple[Repository, Project]:
    """The course's repository, and the project's commit as files in `scratch`; both must be in order."""
    if pristine.is_handout(root):
        raise LabError("", 0, "this is a handout; handouts are made in the project's own tree")
    made = stamp(root)
    pristine.extract(root, made.commit, scratch)
    for mistake in check.mistakes(scratch):
        raise mistake
    return Repository.open(directory, made), Project(scratch, labs.load(scratch))


def _gradable(lab: Lab) -> Lab:
    if lab.announced:
        raise LabError("", 0, f"{lab.id} is only announced, it cannot be handed out yet")
    return lab


def _course(repository: Repository, project: Project, published: list[int], chosen: str | None) -> list[Lab]:
    """The labs of the course. What is published stays what it is."""
    recorded: list[int] = []
    if published:
        text = repository.text(repository.tip(f"lab{published[-1]:02d}"), CURRENT)
        if "\nSTART := " in text:
            raise LabError("", 0, f"{repository.path} was written by `make start`; a course needs another DIR")
        if found := re.search(r"^COURSE := ([\d ]*)$", text, re.MULTILINE):
            recorded = [int(word) for word in found[1].split()]
    if chosen is not None:
        numbers = sorted({_gradable(labs.find(project.labs, word)).number
                          for word in re.split(r"[ ,]+", chosen.strip(" ,"))})
        if published and [number for number in numbers if number <= published[-1]] != published:
            raise LabError("", 0, f"this course has published labs {','.join(f'{number:02d}' for number in published)};"
                                  " LABS begins with these")
    else:
        numbers = recorded or [lab.number for lab in project.labs if not lab.announced]
    return [_gradable(labs.find(project.labs, str(number))) for number in numbers]


def _last(project: Project, course: list[Lab], published: list[int], upto: str | None) -> Lab:
    """The last lab to publish now."""
    if upto is None:
        return labs.find(course, str(published[-1])) if published else course[-1]
    number = labs.find(project.labs, upto).number
    reached = [lab for lab in course if lab.number <= number]
    if not reached:
        raise LabError("", 0, f"the course begins with {course[0].id}, after UPTO={upto}")
    if published and reached[-1].number < published[-1]:
        raise LabError("", 0, f"lab {published[-1]:02d} is published already; UPTO is that or a later one")
    return reached[-1]


def _write(repository: Repository, project: Project, due: list[Lab], course: list[Lab], published: list[int],
           start: bool = False) -> Iterator[str]:
    """Write the commits of all labs that are due."""
    before: str | None = None       # the branch before, and what it was before this call
    behind: Tree = {}
    for lab in due:
        branch = handout_tree.branch(lab)
        tree = repository.store(handout_tree.tree(project.root, project.labs, course, lab, start))
        if lab.number not in published:
            _only_adds(lab, behind, tree)
            repository.commit(branch, tree, [repository.tip(before)] if before else [], f"lab {lab.tag}: {lab.title}")
            yield f"{branch}: {len(tree)} files"
        else:
            yield from _correct(repository, lab, tree, before)
        before, behind = branch, tree


def _only_adds(lab: Lab, before: Tree, tree: Tree) -> None:
    """A lab brings files; of those there it changes only generated ones and the announcement of a lab."""
    for path, file in before.items():
        announcement = path.startswith("labs/") and path.endswith("/lab.toml")
        if tree.get(path) != file and path not in handout_tree.GENERATED and not announcement:
            raise LabError(path, 1, f"lab {lab.tag} would change or delete this file of the labs before it")


def _correct(repository: Repository, lab: Lab, tree: Tree, before: str | None) -> Iterator[str]:
    """Bring a published branch to its new tree: merge what the branch before it gained, then add the lab's own."""
    branch = handout_tree.branch(lab)
    tip = repository.tip(branch)
    old = repository.read(tip)
    _permitted(repository, lab, tip, old, tree)
    if before in repository.moved:
        was = repository.read(repository.old_tip(before))
        now = repository.read(repository.moved[before])
        merged = old | {path: tree[path] for path, file in now.items() if was.get(path) != file}
        repository.commit(branch, merged, [tip, repository.moved[before]],
                          f"Merge the correction on {before} into {branch}")
        tip, old = repository.tip(branch), merged
        yield f"{branch}: merged the correction on {before}"
    changed = sorted(path for path, file in tree.items() if old.get(path) != file)
    if changed:
        names = ", ".join(changed[:3]) + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")
        repository.commit(branch, tree, [tip], f"lab {lab.tag}: correct {names}")
        yield f"{branch}: corrected {names}"


def _permitted(repository: Repository, lab: Lab, tip: str, old: Tree, tree: Tree) -> None:
    """Raises LabError for a correction that takes a file away or comes near a hole of this lab."""
    for path, (_, blob) in old.items():
        if path not in tree:
            raise LabError(path, 1, f"{handout_tree.branch(lab)} is published with this file; "
                                    "a correction deletes none")
        if path in lab.adds and blob != tree[path][1]:
            difference = repository.difference(blob, tree[path][1])
            for line, identity in handout_guard.touched_holes(path, repository.text(tip, path), difference):
                raise LabError(path, line, f"the correction alters or borders hole {identity} as published on "
                                           f"{handout_tree.branch(lab)}; students' merges would conflict, so leave "
                                           "its lines and those next to it as they are")
