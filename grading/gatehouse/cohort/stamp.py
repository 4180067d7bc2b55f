"""Whose turn a submission is: one worker's at a time, and in each call of the grader once.

On a cluster two tasks can come to one submission: a task that is thought lost may still be at work when another
begins again where it was, and those of a grader that was killed meet those of the next.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from .intake import Entry
from .plan import Plan

FILE = ".plan"


@dataclass(frozen=True)
class Stamp:
    """The call that has been through with a submission last, written in the file that is the lock."""

    file: IO[bytes]

    def is_of(self, plan: Plan) -> bool:
        """Whether PLAN's call has been through with it."""
        self.file.seek(0)
        return self.file.read() == plan.id.encode()

    def put(self, plan: Plan) -> None:
        """Say that PLAN's call has."""
        self.file.truncate(0)
        self.file.write(plan.id.encode())
        self.file.flush()


@contextmanager
def turn(folder: Path) -> Iterator[Stamp]:
    """Wait until nobody else is at work in a student's FOLDER. OSError."""
    with os.fdopen(os.open(folder / FILE, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644), "r+b", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield Stamp(file)


def seen(plan: Plan, entry: Entry) -> bool:
    """Whether PLAN's call has been through with ENTRY."""
    try:
        return (plan.folder(entry) / FILE).read_bytes() == plan.id.encode()
    except OSError:
        return False
