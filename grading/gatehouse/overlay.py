"""Overlays: the files with holes that a kernel is judged by, apart from the pristine tree they are laid over.

A submission is somebody else's tree. Only files with holes are taken from it; each must be a regular file of at
most 1 MiB, reached without a symbolic link. An overlay's folder is written anew only where its content changed, so
that make rebuilds what was edited and nothing else.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from . import holes, pristine, submission
from .git import GitError, git
from .labs import Lab, LabError
from .safe import visible

LARGEST = 1 << 20
LONGEST = 200        # characters of a path that are told
LOOK = "look at "    # so begins a warning that is for the instructor's eyes
MISSING = " is not there: judged as the untouched skeleton"
SAVE = ": save it as UTF-8 without a byte order mark"
# How a file begins that an editor of another system has saved. GCC, and not NASM, knows the last.
MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\xef\xbb\xbf": "UTF-8 with a byte order mark"}

_WORDS = re.compile(r"\b(?:\w*nonce\w*|report\w*|machine_end)\b", re.IGNORECASE)
_NUMBERS = re.compile(r"\b(?:0x(?P<c>[0-9a-f]+)|(?P<masm>\d[0-9a-f]*)h|(?P<decimal>\d+))[ul]*\b", re.IGNORECASE)
_PORTS = {0xf4: "the exit port 0xf4", 0x604: "the power-off port 0x604", 0x8900: "the shutdown port 0x8900"}
_FILES = re.compile(r'\bincbin\b|[#%]\s*include\s*[<"](?:/|.*\.\.|.*solution|.*\.(?:c|asm)[">])', re.IGNORECASE)


@dataclass(frozen=True)
class Overlay:
    """A folder with the files with holes, and what there is to say about them."""

    dir: Path
    files: list[str]
    missing: list[str] = field(default_factory=list)    # not in the tree: judged as the untouched skeleton
    ignored: list[str] = field(default_factory=list)    # differs from the pristine tree or is new, and is not used
    flagged: list[str] = field(default_factory=list)    # `path:line: names ...`, for the instructor's eyes
    unfilled: list[str] = field(default_factory=list)   # holes of the judged lab
    odd: list[str] = field(default_factory=list)        # `path is UTF-16`, in which no compiler reads it

    @property
    def warnings(self) -> list[str]:
        """What a report says of it, line by line."""
        return [*(f"{LOOK}{line}" for line in self.flagged),
                *(f"{path}{MISSING}" for path in self.missing),
                *(f"{line}{SAVE}" for line in self.odd),
                *(f"not part of a submission, not judged: {visible(path, LONGEST)}" for path in self.ignored)]


def from_tree(root: Path, labs: Sequence[Lab], lab: Lab, tree: Path, dest: Path,
              earlier: Literal["reference", "own"] = "reference", repaired: Collection[int] = ()) -> Overlay:
    """A student's files for one lab, and with `own` for the labs before it; a handout's tree has only the own ones.

    Of labs that are `repaired` the reference's files are taken all the same. `root` is the pristine tree
    and `labs` are its labs. Raises LabError for a file that cannot be taken.
    """
    taken = judged(root, labs, lab, earlier)
    contents: dict[str, bytes] = {}
    missing: list[str] = []
    flagged: list[str] = []
    unfilled: list[str] = []
    for name, owner in taken.items():
        if owner.number in repaired:
            contents[name] = (root / name).read_bytes()
            continue
        content = read(tree, name)
        if content is None:
            missing.append(name)
            content = _skeleton(root, name)
        contents[name] = content
        text = content.decode("utf-8", "surrogateescape")
        flagged += _flags(root, name, text)
        if owner is lab:
            unfilled += holes.unfilled(text, name)
    _settle(dest, contents)
    return Overlay(dest, list(contents), missing, list(submission.differences(root, labs, tree)), flagged,
                   sorted(set(unfilled), key=holes.order), list(_odd(contents)))


def from_skeleton(root: Path, labs: Sequence[Lab], lab: Lab, dest: Path,
                  earlier: Literal["reference", "own"] = "reference") -> Overlay:
    """The lab as a student gets it."""
    contents = {name: _skeleton(root, name) for name in judged(root, labs, lab, earlier)}
    _settle(dest, contents)
    return Overlay(dest, list(contents), unfilled=[hole.id for hole in lab.holes])


def from_patch(root: Path, labs: Sequence[Lab], lab: Lab, patch: Path, dest: Path) -> Overlay:
    """The lab's solution with a patch applied, which may touch its files with holes only. Raises LabError."""
    names = list(judged(root, labs, lab, "reference"))
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder).resolve()
        for name in names:
            (top / name).parent.mkdir(parents=True, exist_ok=True)
            (top / name).write_bytes((root / name).read_bytes())
        try:
            alone = {"GIT_CEILING_DIRECTORIES": str(top.parent)}      # no repository above counts
            git(top, "apply", "--whitespace=nowarn", str(patch.resolve()), extra=alone)
        except GitError as error:
            raise LabError(str(patch), 1, f"does not apply to the files with holes of {lab.id}: {error}") from error
        contents = {name: (top / name).read_bytes() for name in names if (top / name).is_file()}
        others = [path.relative_to(top).as_posix() for path in top.rglob("*") if path.is_file()]
    if sorted(others) != sorted(names):
        raise LabError(str(patch), 1, f"a mutant changes files with holes of {lab.id}, it adds and removes none")
    _settle(dest, contents)
    return Overlay(dest, names)


def judged(root: Path, labs: Sequence[Lab], lab: Lab, earlier: str) -> dict[str, Lab]:
    """The files that an overlay holds, each with its lab."""
    own = earlier == "own" or pristine.is_handout(root)
    return {name: other for other in labs if other.id == lab.id or own and other.number < lab.number
            for name in other.hole_files}


def _skeleton(root: Path, name: str) -> bytes:
    text = (root / name).read_text("utf-8", errors="surrogateescape")
    return holes.skeleton(text, name).encode("utf-8", "surrogateescape")


def read(tree: Path, name: str) -> bytes | None:
    """A submitted file; None where there is none."""
    path = tree
    for part in Path(name).parts:
        path /= part
        try:
            mode = os.lstat(path).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return None
        if stat.S_ISLNK(mode):
            link = path.relative_to(tree)
            raise LabError(name, 1, f"{link} is a symbolic link; a file with holes is a regular file")
    if not stat.S_ISREG(mode):
        raise LabError(name, 1, "is not a regular file; a file with holes is one")
    with path.open("rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise LabError(name, 1, f"is larger than {LARGEST >> 20} MiB; a file with holes is smaller")
    return content


def _odd(contents: Mapping[str, bytes]) -> Iterator[str]:
    for name, content in contents.items():
        for mark, what in MARKS.items():
            if content.startswith(mark) and not (name.endswith(".c") and what.startswith("UTF-8")):
                yield f"{name} is {what}"


def _flags(root: Path, name: str, text: str) -> Iterator[str]:
    """Lines of the student's own that touch what only the tests touch, or that pull in other files."""
    comment = holes.mark(name) or "//"
    given = (root / name).read_text("utf-8", errors="surrogateescape")
    known = {line.strip() for line in holes.without_comments(given, comment).split("\n")}
    for number, line in enumerate(holes.without_comments(text, comment).split("\n"), 1):
        if line.strip() in known:
            continue
        named = [found[0] for found in _WORDS.finditer(line)]
        for found in _NUMBERS.finditer(line):
            value = int(found["decimal"]) if found["decimal"] else int(found["c"] or found["masm"], 16)
            named += [_PORTS[value]] if value in _PORTS else []
        named += ["another file's text"] if _FILES.search(line) else []
        for what in dict.fromkeys(named):
            yield f"{name}:{number}: names {what}"


def _settle(dest: Path, contents: dict[str, bytes]) -> None:
    """Make the folder hold just these files; what is the same already keeps its time."""
    for path in sorted(dest.rglob("*"), reverse=True):
        if path.is_symlink() or not path.is_dir():
            if path.relative_to(dest).as_posix() not in contents:
                path.unlink()
        elif not any(path.iterdir()):
            path.rmdir()
    dest.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        path = dest / name
        if path.is_file() and not path.is_symlink() and path.read_bytes() == content:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
