"""Build the kernels to judge, and when that fails say why in the student's own terms.

`make` does the work.  One lock for each output directory lets any number of graders share it: the
kernel is copied out before the lock is given back.
"""

from __future__ import annotations

import fcntl
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice, takewhile
from pathlib import Path

from . import bounded, strangers
from .labs import Lab
from .safe import visible
from .sandbox import Open
from .supervise import missing

CONTEXT = 8          # lines of the compiler's that follow its first error
WIDEST = 400         # characters of a line
IMAGE_MOST = 128 << 20  # bytes
IMAGES = ("kernel", "disk.img")

ERROR = re.compile(r"^(?:\S+:)?\S+?:(?:\d+:)*(?:\([^)]*\):)? (?:(?:fatal )?[eE]rror|fatal): |"
                   r"undefined reference to |multiple definition of ")
OURS = re.compile(r"^(\S*ld: )?/\S*?/(?=(?:arch|kernel|labs)/)", re.MULTILINE)   # this computer's path of a given file
NEXT = re.compile(r"^\S+:\d+:|^\S*(?:make|ld|cc1)\S*: |^\S+: In function")
MAKES_OWN = re.compile(r"make(?:\[\d+\])?: \*\*\* ")
WHENCE = re.compile(r"^\S+:\d+:(?:\d+:)? note: (?:in expansion of|in definition of) macro|: \.\.\. from macro ")
NAMED = (re.compile(r"fatal error: ([\w./+-]+): No such file"),
         re.compile(r"unable to open include file [`'\"]([\w./+-]+)"),
         re.compile(r"undefined reference to [`'‘](\w+)"),
         re.compile(r"[`'‘](\w+)['’] undeclared"),
         re.compile(r"implicit declaration of function [`'‘](\w+)"),
         re.compile(r"unknown type name [`'‘](\w+)"),
         re.compile(r"symbol [`'‘](\w+)['’] (?:not defined|undefined)"))


class CannotJudge(Exception):
    """Nobody's fault but ours or the computer's: one line, exit status 2."""


@dataclass(frozen=True)
class Source:
    """Where the judged files come from: an overlay, the tree it stands for, and what was left out of it."""

    overlay: Path | None = None
    tree: Path | None = None
    ignored: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


class Builder:
    """Calls make in ROOT with JOBS jobs, for submissions of strangers in a sandbox."""

    def __init__(self, root: Path, jobs: int, sandbox: Open = Open()) -> None:
        self.root = root
        self.jobs = jobs
        self.sandbox = sandbox
        self._objects: dict[tuple[str, tuple[str, ...]], list[Path]] = {}

    def base(self) -> None:
        """The part that all kernels share, once, before labs are built side by side."""
        with locked(self.root / "build"):
            error = self._run(["base"], ["OUT=build", "OVERLAY="])
        if error is not None:
            raise CannotJudge(f"the base does not build: {first_error(error)[0]}")

    def kernel(self, lab: Lab, source: Source, out: Path, into: Path) -> list[str]:
        """Build LAB's kernel in OUT and copy its images INTO a directory; what went wrong, in lines.

        CannotJudge if make says it has built and the images are not there.
        """
        settings = [f"LAB={lab.tag}", f"OUT={out}", f"OVERLAY={source.overlay or ''}"]
        with locked(out):
            error = self._run(["kernel"], settings, read=[source.overlay] if source.overlay else [], write=[out])
            if error is None:
                self._copy(out / lab.id, into)
        if error is None:
            return []
        limit = bounded.exceeded(error, self.sandbox.bounds) if self.sandbox.holds else None
        return [limit] if limit else explain(OURS.sub(r"\1", error.replace(f"{out}/obj/", "")), source)

    def objects(self, lab: Lab, files: Sequence[str]) -> list[Path]:
        """The objects of the tree's own FILES, of LAB and labs before it.  Raises CannotJudge."""
        key = lab.id, tuple(files)
        with locked(self.root / "build"):
            if key not in self._objects:
                names = [object_of("build", file) for file in files]
                error = self._run(names, [f"LAB={lab.tag}", "OUT=build", "OVERLAY="])
                if error is not None:
                    raise CannotJudge(f"the reference of {lab.id} does not build: {first_error(error)[0]}")
                self._objects[key] = [self.root / name for name in names]
        return self._objects[key]

    def _run(self, targets: Sequence[str], settings: Sequence[str], read: Sequence[Path] = (),
             write: Sequence[Path] = ()) -> str | None:
        command = ["make", "--no-print-directory", "-s", f"-j{self.jobs}", "-C", str(self.root), *targets, *settings]
        # Called from a recipe, we must not hand on its flags: its jobs and its LAB= are not ours.
        command[:0] = ["env", "-u", "MAKEFLAGS", "-u", "MFLAGS"]
        if lacking := missing({"make": "make"}):
            raise CannotJudge(lacking)
        try:
            return bounded.build(self.sandbox.enclose(command, self.root, read=[self.root, *read], write=write),
                                 self.root)
        except bounded.Late as error:
            raise CannotJudge(f"the build does not end: {error}") from None
        except bounded.Killed as error:
            raise CannotJudge(str(error)) from None

    def _copy(self, built: Path, into: Path) -> None:
        into.mkdir(parents=True, exist_ok=True)
        for image in IMAGES:
            try:
                strangers.write(into / image, strangers.read(built / image, IMAGE_MOST))
            except FileNotFoundError:
                raise CannotJudge(f"make built no {built / image}") from None


def object_of(out: str | Path, file: str) -> str:
    """Where make puts what it compiles from FILE."""
    return f"{out}/obj/{file}.o"


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """One grader at a time in OUT."""
    out.mkdir(parents=True, exist_ok=True)
    with (out / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def first_error(text: str) -> list[str]:
    """The first error of compiler, assembler or linker, with the lines that belong to it."""
    lines = [line for line in text.splitlines() if line.strip() and not MAKES_OWN.match(line)]
    for place, line in enumerate(lines):
        if ERROR.search(line):
            return [visible(line, WIDEST) for line in (line, *_context(lines[place + 1:]))]
    return [visible(line, WIDEST) for line in lines[-3:]] or [text.strip()]


def _context(lines: Sequence[str]) -> list[str]:
    """What follows an error, up to the next: the source, and where a macro that holds it was used."""
    kept = takewhile(lambda line: WHENCE.search(line) or not NEXT.search(line), lines)
    return list(islice(kept, CONTEXT))


def explain(text: str, source: Source) -> list[str]:
    """The first error with the student's paths, and what it lacks if that was left in a file not taken."""
    if source.overlay:
        text = text.replace(f"{source.overlay}/", "")
    lines = first_error(text)
    return lines + _left_behind(lines, source)


def _left_behind(lines: Sequence[str], source: Source) -> list[str]:
    """A name that the build lacks and that one of the student's other files holds."""
    for pattern in NAMED:
        found = pattern.search("\n".join(lines))
        if not found or source.tree is None:
            continue
        for path in source.ignored:
            if _holds(source.tree / path, found[1]):
                into = source.files[0] if source.files else "the files with holes"
                name = path if path.endswith(found[1]) else f"{found[1]} is in {path}, which"
                return [f"{name} is not taken: only files with holes are (such as {into})"]
    return []


def _holds(path: Path, name: str) -> bool:
    if path.as_posix().endswith(f"/{name}"):
        return True
    try:
        return re.search(rf"\b{re.escape(name)}\b", path.read_text(errors="replace")) is not None
    except OSError:
        return False
