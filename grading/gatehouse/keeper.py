"""Ends what a grader has left behind, when it was killed.

A child that is tied to its parent (ties.py) can have made a child of its own a moment ago, not tied yet:
bubblewrap's waits for ever for a parent that is gone. So this small program outlives the grader by a moment. It reads
`+NUMBER` from each session that begins and `-NUMBER` from the grader when it has ended, and at the end of the file,
which comes however the grader dies, kills what there is of the sessions that have not ended.

    python3 keeper.py < pipe
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

SECONDS = 5.0            # for which it looks, for what is being started is seen late
SESSION = 3              # in /proc/PID/stat, behind the name


def living(sessions: set[int]) -> Iterator[tuple[int, list[str]]]:
    """The processes of these sessions that have not ended: number, and the fields behind the name."""
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = place.read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:                 # it has ended meanwhile
            continue
        if fields[0] != "Z" and int(fields[SESSION]) in sessions:
            yield int(place.parent.name), fields


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sessions: set[int] = set()
    for line in sys.stdin:
        (sessions.add if line[0] == "+" else sessions.discard)(int(line[1:]))
    until = time.monotonic() + SECONDS
    while sessions and time.monotonic() < until:
        for process, _ in living(sessions):
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.05)


if __name__ == "__main__":
    main()
