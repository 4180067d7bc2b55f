"""The log of `-d int,cpu_reset`, read as it comes and never stored.

`-d exec` tells of each block of code that is run; `-dfilter` leaves of them those of two functions, to which the CPU
comes back before each test and behind each step of initialisation.
"""

from __future__ import annotations

import re

from .machine import Event
from .supervise import Enough
from .symbols import Symbols
from .trail import CERTAIN, Tally, raw

BLOCK = re.compile(rb"^ *\d+: v=([0-9a-f]{2}) e=([0-9a-f]{4}) i=([01]) cpl=\d IP=[0-9a-f]{4}:([0-9a-f]+) "
                   rb"[^\0]*?^CR0=([0-9a-f]{8})|^Trace \d+: .*\n", re.M)
RESET = b"Triple fault"
PROTECTED = 1                # CR0.PE; the BIOS's own interrupts come in real mode
BEGINS = ("kernel_main", "tests_run_before")
KEPT = 4096                  # of a chunk, so that a block cut in two is found; blocks are shorter


def options(kernel: Symbols) -> list[str]:
    """What asks QEMU for such a log."""
    ranges = [f"{address:#x}+{kernel.size(name):#x}" for name in BEGINS
              if (address := kernel.get(name)) and kernel.size(name)]
    return ["-d", "int,cpu_reset,exec", "-dfilter", ",".join(ranges)] if ranges else ["-d", "int,cpu_reset"]


class Loop(Enough):
    """The machine goes round in a circle of faults and will never do anything else."""


class TrailLog:
    """What the log tells.  `feed` takes what was read of it."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.triple = False
        self._rest = b""
        self._over = False

    def feed(self, data: bytes) -> None:
        """The next piece of the log.  Raises Loop at the very event that makes it certain."""
        if self._over:
            return
        text = self._rest + data
        done = 0
        for block in BLOCK.finditer(text):
            done = block.end()
            if block[1] is None:
                self.tally.clear()
                continue
            vector, error, software, rip, cr0 = (int(group, 16) for group in block.groups())
            if cr0 & PROTECTED:
                self.tally.add(raw(vector, error, bool(software), rip, rip))
                if self.tally.loops(CERTAIN):
                    self._over = True
                    raise Loop
        self.triple |= RESET in text[done:]
        self._rest = text[max(done, len(text) - KEPT):]

    def trail(self) -> list[Event]:
        """The events, first to last."""
        return self.tally.events(lambda rip: rip)
