"""What a class is to be graded by: written down once in OUT, so that every worker, here or elsewhere, does the same."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from .. import labs, overlay
from ..labs import PRIVATE, Lab, LabError
from . import atomic, record
from .intake import Entry
from .workshop import ANSWERS, FOR_MAKE, SOURCES, TOP, Earlier

FILE = "plan.json"
Policy = Literal["isolated", "carry", "both"]
POLICIES: Sequence[Policy] = ("isolated", "carry", "both")
GRADER = ("grading/gatehouse", "grading/hints.toml")


@dataclass(frozen=True)
class Plan:
    """The lab, the rules, and the submissions in order."""

    root: Path
    out: Path
    lab: str
    policy: Policy
    seed: int
    emulators: tuple[str, ...]
    entries: tuple[Entry, ...]
    pristine: str = ""           # digest of the tree that judges
    solved: tuple[int, ...] = ()    # labs that the course leaves out: no student has files of them
    id: str = field(default_factory=lambda: secrets.token_hex(8))    # of this call, by which its records are known

    @property
    def earlier(self) -> tuple[Earlier, ...]:
        """Whose earlier labs the lab is judged on; the first gives the mark."""
        whose: dict[str, tuple[Earlier, ...]] = {
            "isolated": ("reference",), "carry": ("own",), "both": ("reference", "own")}
        return whose[self.policy]

    def folder(self, entry: Entry) -> Path:
        """Where all about a student lies."""
        return self.out / "students" / entry.slug

    def wanted(self, known: Sequence[Lab]) -> list[str]:
        """The paths that are taken from a submission, those of the judged lab first."""
        lab = labs.find(list(known), self.lab)
        own = "own" in self.earlier
        names = overlay.judged(self.root, known, lab, "own" if own else "reference")
        return sorted(names, key=lambda name: (names[name] is not lab, name))

    def key(self, files: str) -> str:
        """By which a judgement is known, of a submission whose files have this digest."""
        return record.key(files, self.lab, self.policy, self.seed, self.emulators, self.pristine, record.versions(),
                          self.solved)

    def write(self) -> None:
        """Keep it in OUT. Raises OSError."""
        data = asdict(self) | {"root": str(self.root), "out": str(self.out)}
        data["entries"] = [asdict(entry) | {"path": str(entry.path), "older": [str(path) for path in entry.older]}
                           for entry in self.entries]
        atomic.write(self.out / FILE, json.dumps(data, indent=2) + "\n")


def read(out: Path) -> Plan:
    """The plan in OUT. Raises LabError."""
    try:
        data = json.loads((out / FILE).read_text("utf-8"))
        data["entries"] = tuple(Entry(entry["student"], entry["slug"], Path(entry["path"]),
                                      tuple(map(Path, entry["older"]))) for entry in data["entries"])
        data |= {"root": Path(data["root"]), "out": Path(data["out"]), "emulators": tuple(data["emulators"]),
                 "solved": tuple(data.get("solved", ()))}
        return Plan(**data)
    except FileNotFoundError:
        raise LabError("", 0, f"{out} holds no class that was graded") from None
    except (OSError, ValueError, TypeError, KeyError):
        raise LabError("", 0, f"{out / FILE} cannot be read; grade the class into another OUT") from None


def lab_of(out: Path) -> str:
    """The lab of the plan in OUT, whatever version of the grader has made it. Raises LabError."""
    try:
        return str(json.loads((out / FILE).read_text("utf-8"))["lab"])
    except (OSError, ValueError, TypeError, KeyError):
        raise LabError("", 0, f"{out / FILE} cannot be read; grade the class into another OUT") from None


def pristine_digest(root: Path) -> str:
    """Of all by which ROOT judges. Raises OSError."""
    return record.digest_of(root, list(_judging(root)))[:24]


def _judging(root: Path) -> Iterator[str]:
    """Files and folders; none that hold answers, or what only people read."""
    yield from (name for name in (*TOP, *FOR_MAKE, *GRADER) if name != "labs")
    for path in (root / "labs").glob("*/*"):
        if path.name not in ANSWERS:
            yield path.relative_to(root).as_posix()
    for path in (root / "labs").glob(f"*/{PRIVATE}/*"):
        if path.suffix in (".toml", *SOURCES):
            yield path.relative_to(root).as_posix()
