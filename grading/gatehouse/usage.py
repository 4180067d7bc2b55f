"""What a child has used of this computer, for the question whose fault it is that it does not come to an end."""

from __future__ import annotations

import os
from .keeper import living
from .machine import Ending, Limits

USER, SYSTEM = 11, 12        # fields of /proc/PID/stat behind the name (proc_pid_stat(5))
BUSY = 0.5           # of the wall clock's time
IDLE = 0.05


def processor_seconds(session: int) -> float:
    """What the living processes of SESSION have used so far."""
    ticks = sum(int(fields[USER]) + int(fields[SYSTEM]) for _, fields in living({session}))
    return ticks / os.sysconf("SC_CLK_TCK")


def out_of_time(session: int, limits: Limits) -> tuple[Ending, str]:
    """How a machine ended for which the wall clock ran out: the guest's doing only if its emulator was at work."""
    used = processor_seconds(session)
    if used >= BUSY * limits.wall:
        return Ending.SLOW, f"not finished after {used:.0f} s of processor time"
    return Ending.CAPPED, f"not finished after {limits.wall:g} s"


class Patience:
    """More time for a machine, where other programs keep the computer busy: what it may use is processor time.

    None for one that hardly uses any: it waits for something.
    """

    def __init__(self, session: int, limits: Limits) -> None:
        self._session, self._limits = session, limits
        self._used, self._given = 0.0, limits.wall

    def __call__(self) -> float:
        used = processor_seconds(self._session)
        idle, self._used = used - self._used < IDLE * self._given, used
        left = BUSY * self._limits.wall - used
        self._given = 0.0 if idle or left <= 0 else max(left, 1.0)
        return self._given
