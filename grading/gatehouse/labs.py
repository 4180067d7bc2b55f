"""The labs as data: what every labs/NN-name/lab.toml says, read strictly.

`load` gives all labs in order or raises the first mistake; `read` gives what can be read and every mistake, for
check-labs. A lab is *announced* while it has no tests: it lends stand-ins to the labs before it and nothing else.
A handout (a tree with labs/current.mk) carries no tags: there a hole is found by its `LAB N.M:` comment or its call.
A folder `private` in a lab's holds tests of the instructor's own, which no handout has: they come after the lab's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from . import disagreements, holes, lab_toml
from .disagreements import Disagreements
from .lab_toml import Hint, Probe, StandIn, Test
from .toml_table import Source

__all__ = ["CURRENT", "Hint", "Hole", "Lab", "LabError", "Probe", "StandIn", "Test", "course", "find", "load",
           "load_hints", "read"]

CURRENT = "labs/current.mk"     # where a handout says at which lab it stands
PRIVATE = "private"             # the folder of the instructor's own tests
DIRECTORY = re.compile(r"(\d\d)-[a-z0-9][a-z0-9-]*")


class LabError(Exception):
    """A mistake in a lab, as one line: `path:line: text`, or only the text where no file is to blame."""

    def __init__(self, path: str, line: int, text: str) -> None:
        super().__init__(f"{path}:{line}: {text}" if path else text)
        self.path = path
        self.line = line
        self.text = text


@dataclass(frozen=True)
class Hole:
    """A hole that lab.toml names. `file` is "" and `line` 0 where the source does not show it (any more)."""

    id: str
    file: str
    line: int
    title: str
    turns_green: tuple[str, ...]


@dataclass(frozen=True)
class Lab:
    """One lab. Paths in `adds`, `standins` and `hole_files` start at the root."""

    number: int
    id: str                         # "02-idt"
    title: str
    root: Path
    hours: str = ""
    lines: int = 0
    optional: bool = False
    announced: bool = False
    adds: tuple[str, ...] = ()
    holes: tuple[Hole, ...] = ()    # in the order to fill
    tests: tuple[Test, ...] = ()    # in the order of the plan: the lab's, then the instructor's own
    private: tuple[Test, ...] = ()  # the latter
    hints: tuple[Hint, ...] = ()
    probe: Probe | None = None
    announces: tuple[StandIn, ...] = ()
    found: tuple[Hole, ...] = field(default=(), repr=False)   # every hole in the sources, named by lab.toml or not

    @property
    def dir(self) -> Path:
        return self.root / "labs" / self.id

    @property
    def tag(self) -> str:
        """The two digits by which make and git name the lab."""
        return f"{self.number:02d}"

    @cached_property
    def standins(self) -> tuple[str, ...]:
        """What the lab's standins/ holds, as paths in the tree."""
        top = self.dir / "standins"
        return tuple(sorted(path.relative_to(top).as_posix() for path in top.rglob("*") if not path.is_dir()))

    @cached_property
    def test_sources(self) -> tuple[str, ...]:
        folders = [folder for folder in (self.dir, self.dir / PRIVATE) if folder.is_dir()]
        return tuple(sorted(path.relative_to(self.root).as_posix() for folder in folders for path in folder.iterdir()
                            if path.suffix in (".c", ".asm")))

    @cached_property
    def hole_files(self) -> tuple[str, ...]:
        """The files among `adds` that hold a hole, in the order of `adds`."""
        held = {hole.file for hole in self.found} | {hole.file for hole in self.holes}
        return tuple(path for path in self.adds if path in held)


def load(root: Path) -> list[Lab]:
    """All labs, by number. Raises LabError for the first mistake."""
    labs, mistakes = read(root)
    if mistakes:
        raise mistakes[0]
    return labs


def read(root: Path) -> tuple[list[Lab], list[LabError]]:
    """All labs that can be read, by number, and every mistake in their lab.toml and in the tags of their files."""
    labs: list[Lab] = []
    mistakes: list[LabError] = []
    taken = course(root)
    table = disagreements.load(root)
    mistakes += [LabError(*mistake) for mistake in table.mistakes]
    for path in sorted((root / "labs").glob("*/lab.toml")):
        name = path.relative_to(root).as_posix()
        source = Source(path)
        lab = _lab(root, path.parent.name, source, table) if source.values else None
        mistakes += [LabError(name, line, text) for line, text in sorted(source.mistakes)]
        if lab is not None and (own := path.parent / PRIVATE / path.name).exists():
            lab = _with_private(lab, own, table, mistakes)
        if lab is not None and any(other.number == lab.number for other in labs):
            mistakes.append(LabError(name, source.line("number"), f"number {lab.number} is taken by another lab"))
        elif lab is not None:
            solved = taken is not None and lab.number not in taken
            labs.append(_with_holes(lab, solved, mistakes))
    return sorted(labs, key=lambda lab: lab.number), mistakes


def course(root: Path) -> list[int] | None:
    """The labs of the course that a handout belongs to; None in the project's own tree."""
    try:
        text = (root / CURRENT).read_text("utf-8")
    except FileNotFoundError:
        return None
    found = re.search(r"^COURSE := ([\d ]*)$", text, re.MULTILINE)
    return [int(word) for word in found[1].split()] if found else []


def find(labs: Sequence[Lab], name: str) -> Lab:
    """The lab called "3", "03", "03-exceptions" or "exceptions". Raises LabError that lists them all."""
    for lab in labs:
        if name in (str(lab.number), lab.tag, lab.id, lab.id[3:]):
            return lab
    raise LabError("", 0, f"no lab is called {name!r}; there are {', '.join(lab.id for lab in labs)}")


def find_judged(labs: Sequence[Lab], name: str) -> Lab:
    """As find(), but only a lab that has tests. Raises LabError."""
    lab = find(labs, name)
    if lab.announced:
        raise LabError("", 0, f"lab {lab.id} is announced only: it has no tests yet")
    return lab


def load_hints(path: Path) -> list[Hint]:
    """The hints of a file that holds only [[hint]] tables (grading/hints.toml). Raises LabError."""
    source = Source(path)
    table = source.root()
    hints = lab_toml.hints(table, tests=None)
    table.finish()
    for line, text in sorted(source.mistakes):
        raise LabError(path.as_posix(), line, text)
    return list(hints)


def _lab(root: Path, directory: str, source: Source, table: Disagreements) -> Lab:
    """The lab of one lab.toml, its holes as lab.toml names them."""
    toml = lab_toml.read(source, table)
    named = DIRECTORY.fullmatch(directory)
    if named is None:
        source.complain(f"the folder labs/{directory} is not called NN-name")
    elif int(named[1]) != toml.number:
        source.complain(f"number is {toml.number}, but the folder is {directory}", "number")
    return Lab(number=toml.number, id=directory, title=toml.title, root=root, hours=toml.hours, lines=toml.lines,
               optional=toml.optional, announced=toml.announced, adds=toml.adds, tests=toml.tests, hints=toml.hints,
               holes=tuple(Hole(hole.id, "", 0, "", hole.turns_green) for hole in toml.holes),
               probe=toml.probe, announces=toml.standins)


def _with_private(lab: Lab, path: Path, table: Disagreements, mistakes: list[LabError]) -> Lab:
    """The lab with the instructor's own tests, of private/lab.toml at PATH; their hints come first."""
    source = Source(path)
    tests, hints = lab_toml.read_private(source, table, lab.tests)
    if lab.announced:
        source.complain(f"lab {lab.id} is announced only: it has no kernel that tests could be added to")
    name = path.relative_to(lab.root).as_posix()
    mistakes += [LabError(name, line, text) for line, text in sorted(source.mistakes)]
    return replace(lab, tests=(*lab.tests, *tests), private=tests, hints=(*hints, *lab.hints))


def _with_holes(lab: Lab, solved: bool, mistakes: list[LabError]) -> Lab:
    """The lab with its holes located in its files; without any where the course's handout solves it."""
    found: list[Hole] = []
    for path in lab.adds:
        try:
            text = (lab.root / path).read_text("utf-8", errors="surrogateescape")
        except OSError:
            continue        # check-labs names the unknown file
        try:
            spans = holes.parse(text, path)
        except holes.HoleError as error:
            mistakes.append(LabError(path, error.line, error.text))
            continue
        found += [Hole(span.id, path, span.line, " ".join(span.title), ()) for span in spans]
        if not spans and not solved:
            found += _untagged(text, path)
    where = {hole.id: hole for hole in reversed(found)}
    named = tuple(Hole(hole.id, at.file, at.line, at.title, hole.turns_green)
                  for hole in lab.holes for at in [where.get(hole.id, hole)])
    return replace(lab, holes=() if solved else named, found=tuple(found))


def _untagged(text: str, path: str) -> list[Hole]:
    """The holes that a handout's file still shows."""
    shown = {identity: (line, "") for identity, line in holes.calls(text, path).items()}
    return [Hole(identity, path, line, title, ())
            for identity, (line, title) in (shown | holes.titles(text, path)).items()]

