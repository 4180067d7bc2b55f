"""Where submissions are built: a tree without answers, and a bench for each worker.

A submission's compiler and assembler see the pristine tree without the files that the student was to fill, and
without solutions, mutants and tests of the grader: what is not there, no `incbin` can read. What the reference's
objects are made of is made before, so that only the student's own files are compiled for each submission.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .. import overlay
from ..build import Builder, CannotJudge, Source, object_of
from ..labs import PRIVATE, Lab, Test
from ..outcome import Outcome
from ..result import LabResult
from ..sandbox import Bounds, Open
from ..session import Session

Earlier = Literal["reference", "own"]

TOP = ("Makefile", "arch", "kernel", "userland", "labs")
# What else make looks at, for its date.
FOR_MAKE = ("grading/lab", "grading/archive", "grading/gatehouse/cpio.py")
ANSWERS = ("solution", "mutants", "skeleton", "tour", PRIVATE, "README.md")
# Several times what the largest of our own files takes; who needs more has written a bomb.
BUILD = Bounds(memory=512 << 20, cpu=10, processes=32, file=16 << 20, scratch=256 << 20, proc=False)
SOURCES = (".c", ".h", ".asm", ".inc")
GIVEN = ("standins.a", "lab.o", "no_symbols.asm", "no_symbols.o")       # of what is made for a lab
MADE = ("userland",)                             # folders in build/ that hold nothing of a lab's files


def make_view(root: Path, labs: Sequence[Lab], lab: Lab, earlier: Earlier, view: Path) -> Path:
    """Write to VIEW, a new folder, what a submission for LAB is compiled in, and return it.

    The instructor's own tests are there until hide_sources().
    ROOT's own kernel of LAB must be built, for what is made on the way to it. Raises OSError.
    """
    hidden = {name for other in labs for name in other.hole_files
              if other.number >= lab.number or earlier == "own"}
    hidden |= {name for other in labs if other.number > lab.number for name in other.adds}

    private = Path("labs", lab.id, PRIVATE)

    def ignore(folder: str, names: list[str]) -> set[str]:
        where = Path(folder).relative_to(root)
        if where == private:
            return {name for name in names if Path(name).suffix not in SOURCES}
        gone = {name for name in names if (where / name).as_posix() in hidden}
        if where.parts[:1] == ("labs",):
            gone |= {name for name in ANSWERS if where / name != private}
        return gone

    for name in TOP:
        source = root / name
        if source.is_dir():
            shutil.copytree(source, view / name, ignore=ignore, symlinks=True)
        elif source.exists():
            view.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, view / name)
    for name in FOR_MAKE:
        (view / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, view / name)
    (view / "build").mkdir()
    for path in (root / "build").iterdir():
        if path.is_file() and path.name != "overlay":
            shutil.copy2(path, view / "build" / path.name)
    for name in MADE:
        if (root / "build" / name).is_dir():
            shutil.copytree(root / "build" / name, view / "build" / name)
    _copy_base_objects(root / "build" / "obj", view / "build" / "obj", {f"{name}.o" for o in labs for name in o.adds})
    return view


def hide_sources(view: Path, labs: Sequence[Lab], lab: Lab) -> None:
    """Empty LAB's private tests and what VIEW still holds of files with holes, when the objects are there.

    They keep their dates, so make makes nothing anew. What is included in others must stay.
    """
    answers = [view / name for other in labs for name in other.hole_files if name.endswith((".c", ".asm"))]
    for path in [*(view / "labs" / lab.id / PRIVATE).glob("*"), *filter(Path.is_file, answers)]:
        when = path.stat()
        path.write_bytes(b"")
        os.utime(path, ns=(when.st_atime_ns, when.st_mtime_ns))


def _copy_base_objects(source: Path, target: Path, not_base: set[str]) -> None:
    for path in source.rglob("*"):
        name = path.relative_to(source).as_posix()
        if path.suffix in (".o", ".d") and path.with_suffix(".o").relative_to(source).as_posix() not in not_base \
                and (source.parents[1] / name).with_suffix("").is_file() \
                and not name.startswith("labs/"):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target / name)


@dataclass(frozen=True)
class Judged:
    """A submission's result, and where the time went."""

    result: LabResult
    building: float          # seconds
    judging: float


class Workbench:
    """One worker's place: an overlay, and an output directory that begins each time as the reference left it."""

    def __init__(self, session: Session, lab: Lab, earlier: Earlier, view: Path, place: Path,
                 sandbox: Open) -> None:
        self._session = session
        self._lab = lab
        self._earlier = earlier
        self._builder = Builder(view, 1, sandbox)
        self._overlay, self._out, self._clean = place / "overlay", place / "out", place / "clean"
        self._prepare()
        self._needed = [*view.rglob("*"), *self._clean.rglob("*")]

    def _prepare(self) -> None:
        """Build the reference once, by the same paths."""
        root = self._session.root
        for name in overlay.judged(root, self._session.labs, self._lab, self._earlier):
            (self._overlay / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, self._overlay / name)
        with tempfile.TemporaryDirectory() as into:
            if error := self._builder.kernel(self._lab, Source(self._overlay), self._out, Path(into)):
                raise CannotJudge(f"the reference of {self._lab.id} does not build: {error[0]}")
        shutil.copytree(self._out, self._clean)
        self._forget()

    def _forget(self) -> None:
        """What was made of the reference's answers goes: a submission could take it for its own, or show it."""
        owners = overlay.judged(self._session.root, self._session.labs, self._lab, self._earlier).values()
        for lab in {lab.id: lab for lab in owners}.values():
            for name in lab.adds:
                for path in (Path(object_of(self._clean, name)), Path(object_of(self._clean, name)).with_suffix(".d")):
                    path.unlink(missing_ok=True)
        for path in (self._clean / self._lab.id).iterdir():
            if path.name not in GIVEN:
                path.unlink()

    def reference(self) -> LabResult:
        """What the reference gets on this machine. To be asked before anybody is judged. Raises CannotJudge."""
        result = self._session.start(self._lab, list(self._lab.tests), Source(self._overlay), self._out,
                                     self._builder).wait()
        if failed := result.failures:
            raise CannotJudge(result.trouble or f"the reference of {self._lab.id} fails {failed[0].test} "
                                                f"on this machine: {' '.join(failed[0].detail[:1])}")
        return result

    def judge(self, tree: Path, tests: Sequence[Test] | None = None, repaired: Collection[int] = ()) -> Judged:
        """The lab of the files in TREE: TESTS, or all; earlier labs that are REPAIRED are the reference's.

        Raises LabError for files that cannot be taken, CannotJudge, OSError.
        """
        session, lab = self._session, self._lab
        begun = time.monotonic()
        shutil.rmtree(self._out)
        shutil.copytree(self._clean, self._out)
        shutil.rmtree(self._overlay)
        taken = overlay.from_tree(session.root, list(session.labs), lab, tree, self._overlay, self._earlier,
                                  repaired)
        source = Source(taken.dir, tree, tuple(taken.ignored), tuple(taken.files))
        pending = session.start(lab, list(tests or lab.tests), source, self._out, self._builder)
        built = time.monotonic()
        result = pending.wait()
        if any(verdict.outcome == Outcome.BUILD for verdict in result.failures):
            self._must_be_whole(taken.files)
        result.warnings[:0] = taken.warnings
        result.unfilled += taken.unfilled
        return Judged(result, built - begun, time.monotonic() - built)

    def _must_be_whole(self, files: Sequence[str]) -> None:
        """Raises CannotJudge if somebody has removed what a submission with these FILES is built of."""
        for path in [*self._needed, *(self._overlay / name for name in files)]:
            if not os.path.lexists(path):
                raise CannotJudge(f"{path} was removed while it was needed")
