"""What is kept of each judged submission, and by what one knows that it need not be judged again."""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from glob import glob
from pathlib import Path
from typing import Any, Literal

from ..bochs import BIOS, VGA_BIOS
from . import atomic

FILE = "record.json"
VERSION = 1

Status = Literal["judged", "unusable", "trouble"]

TOOLS: Mapping[str, Sequence[str]] = {
    "gcc": ["gcc", "--version"], "ld": ["ld", "--version"], "nasm": ["nasm", "-v"], "make": ["make", "--version"],
    "qemu": ["qemu-system-x86_64", "--version"], "bochs": ["bochs", "--help"], "bwrap": ["bwrap", "--version"],
}
# What says no version of its own, or none that every change of it changes.
PARTS: Mapping[str, str] = {
    "QEMU's BIOS": "/usr/share/seabios/bios-256k.bin", "Bochs' program": "/usr/bin/bochs-bin", "Bochs' BIOS": BIOS,
    "Bochs' VGA BIOS": VGA_BIOS, "musl": "/usr/lib/*-linux-musl/libc.a",
}


@dataclass
class Record:
    """One submission. `trouble` is ours, and judged again; `unusable` is the student's."""

    student: str
    slug: str
    source: str
    lab: str
    policy: str
    seed: int
    key: str
    status: Status
    score: int = 0
    points: int = 100
    reason: str = ""                                       # one line for the student, where there is no report
    remarks: list[str] = field(default_factory=list)       # of taking it in, and of who is to blame
    tests: dict[str, int] = field(default_factory=dict)    # points earned, by test
    symptoms: dict[str, str] = field(default_factory=dict)  # of the tests that failed: outcome and first line
    look: list[str] = field(default_factory=list)          # lines and files for the instructor's eyes
    blame: list[str] = field(default_factory=list)         # what the student's own earlier labs break
    unfilled: list[str] = field(default_factory=list)
    forged: bool = False
    files: str = ""                                        # digest of what was judged
    pristine: str = ""                                     # of the tree that judged
    versions: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    judged_at: float = field(default_factory=time.time)     # seconds since 1970
    version: int = VERSION

    def write(self, folder: Path) -> None:
        """Keep it in the student's FOLDER. Raises OSError."""
        atomic.write(folder / FILE, json.dumps(asdict(self), indent=2) + "\n")

    @property
    def final(self) -> bool:
        """Whether judging it again would say the same."""
        return self.status != "trouble"


def read(folder: Path) -> Record | None:
    """The record in a student's FOLDER; None if there is none that this version can read."""
    try:
        data: dict[str, Any] = json.loads((folder / FILE).read_text("utf-8"))
        return Record(**data) if data.get("version") == VERSION else None
    except (OSError, ValueError, TypeError, AttributeError):
        return None


@cache
def versions() -> dict[str, str]:
    """The first line with a digit that each tool says of itself, and what each part is; "" for what is missing."""
    return {name: _version(command) for name, command in TOOLS.items()} | \
        {name: _content(pattern) for name, pattern in PARTS.items()}


def _version(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                              check=False)
    except OSError:
        return ""
    lines = (done.stdout + done.stderr).split("\n")
    return next((line.strip() for line in lines if any(char.isdigit() for char in line)), "")


def _content(pattern: str) -> str:
    found = b"".join(Path(path).read_bytes() for path in sorted(glob(pattern)))
    return hashlib.sha256(found).hexdigest()[:12] if found else ""


def digest(files: Iterable[tuple[str, bytes]]) -> str:
    """Of names and contents, in whatever order they come."""
    whole = hashlib.sha256()
    for name, content in sorted(files):
        whole.update(f"{len(name)} {len(content)} ".encode())
        whole.update(name.encode("utf-8", "surrogateescape") + content)
    return whole.hexdigest()


def digest_of(folder: Path, below: Sequence[str] = (".",)) -> str:
    """Of all regular files in FOLDER that lie in one of the folders BELOW it. Raises OSError."""
    paths = sorted({path for name in below for path in _files(folder / name)})
    return digest((path.relative_to(folder).as_posix(), path.read_bytes()) for path in paths)


def _files(place: Path) -> Iterable[Path]:
    if place.is_file():
        return [place]
    return (path for path in place.rglob("*")
            if path.is_file() and not path.is_symlink() and "__pycache__" not in path.parts)


def key(*facts: object) -> str:
    """Equal for equal facts."""
    return hashlib.sha256(json.dumps([str(fact) for fact in facts]).encode()).hexdigest()[:24]
