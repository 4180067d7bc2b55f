"""Files that are there whole or not at all, however the writer ends, and whether the disk has room for more."""

from __future__ import annotations

import errno
import os
import tempfile
import threading
from pathlib import Path

from ..build import CannotJudge

ROOM = 32 << 20         # bytes; what is made of a submission takes a tenth of it
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_asking = threading.Lock()      # so that workers do not take it from each other


class NoRoom(CannotJudge):
    """The disk is full."""

    def __init__(self, place: Path) -> None:
        super().__init__(f"{place}: the disk is full, or nearly so: {ROOM >> 20} MiB are wanted; make room, and the "
                         "same command goes on")


def write(path: Path, text: str) -> None:
    """Put TEXT into the file at PATH, which keeps its old content until the new one is on the disk. NoRoom, OSError.

    Of one file there is one writer at a time: what a killed one leaves beside it, the next one takes.
    """
    new = path.with_name(f".{path.name}.new")
    try:
        with new.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise _named(error, path.parent) from None


def need_room(place: Path) -> None:
    """Raises NoRoom, OSError unless a submission's files can be written to the folder PLACE."""
    try:
        with _asking, tempfile.TemporaryFile(dir=place) as file:
            os.posix_fallocate(file.fileno(), 0, ROOM)
    except OSError as error:
        raise _named(error, place) from None


def _named(error: OSError, place: Path) -> Exception:
    return NoRoom(place) if error.errno in FULL else error
