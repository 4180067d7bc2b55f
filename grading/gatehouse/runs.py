"""Directories for runs: one each, kept on failure, removed when all went well."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from .labs import Lab

KEPT_SECONDS = 24 * 3600
KEPT_MOST = 100              # runs; more go when they are an hour old
IN_USE_SECONDS = 3600        # no run takes so long
TOLD = "command"             # the file that says how the run was started
# What is worth a look afterwards.  Kernel and disk are made again by the commands that the report names.
WORTH = frozenset({"serial.log", "debugcon.log", "qemu.log", "bochs.log", "bochsrc", TOLD})
LOG_MOST = 1 << 20           # bytes of each


def place_of(tree: Path, lab: Lab, earlier: str) -> Path:
    """Where the grader's root holds what it takes from TREE for LAB (`overlay`) and what make makes of it (`out`)."""
    key = hashlib.sha256(str(tree).encode()).hexdigest()[:12]
    return Path("build") / "trees" / key / f"{lab.tag}-{earlier}"


class Runs:
    """A place under which each run gets a directory of its own; safe with any number of graders.

    With `keep_all` nothing is ever removed.  OSError if the place cannot be written.
    """

    def __init__(self, place: Path, keep_all: bool = False) -> None:
        self.place = place
        self.keep_all = keep_all
        place.mkdir(parents=True, exist_ok=True)

    def new(self, label: str) -> Path:
        """A fresh directory whose name begins with LABEL; short, for sockets live in it."""
        return Path(tempfile.mkdtemp(prefix=f"{label}-", dir=self.place))

    def drop(self, directory: Path) -> None:
        """Remove the directory of a run that nobody needs to look at."""
        if not self.keep_all:
            shutil.rmtree(directory, ignore_errors=True)

    def trim(self, directory: Path) -> None:
        """Leave of a run that failed what somebody may want to read."""
        if self.keep_all:
            return
        for path in list(directory.iterdir()):
            if path.name not in WORTH or path.is_symlink() or not path.is_file():
                _remove(path)
            elif path.stat().st_size > LOG_MOST:
                os.truncate(path, LOG_MOST)

    def forget_old(self, most: int | None = None) -> None:
        """Remove what earlier graders kept, when it is more than a day old, or an hour and there are MOST younger."""
        ages: list[tuple[float, Path]] = []
        for directory in self.place.iterdir():
            with suppress(FileNotFoundError):        # another grader was quicker
                if directory.is_dir():
                    ages.append((time.time() - directory.stat().st_mtime, directory))
        for number, (age, directory) in enumerate(sorted(ages)):
            if age > KEPT_SECONDS or age > IN_USE_SECONDS and most is not None and number >= most:
                self.drop(directory)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
