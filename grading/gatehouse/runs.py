"""Directories for runs: one each, kept on failure, removed when all went well."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from pathlib import Path

from .labs import Lab

KEPT_SECONDS = 24 * 3600


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

    def forget_old(self) -> None:
        """Remove what earlier graders kept, when it is more than a day old."""
        for directory in self.place.iterdir():
            try:
                old = time.time() - directory.stat().st_mtime > KEPT_SECONDS
            except FileNotFoundError:
                continue             # another grader was quicker
            if old and directory.is_dir():
                self.drop(directory)
