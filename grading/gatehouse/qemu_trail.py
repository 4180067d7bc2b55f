"""The log of `-d int,cpu_reset`, read as it comes and never stored."""

from __future__ import annotations

import re

from .machine import Event
from .supervise import Enough
from .trail import CERTAIN, Tally, raw

BLOCK = re.compile(rb"^ *\d+: v=([0-9a-f]{2}) e=([0-9a-f]{4}) i=([01]) cpl=\d IP=[0-9a-f]{4}:([0-9a-f]+) "
                   rb".*?^CR0=([0-9a-f]{8})", re.M | re.S)
RESET = b"Triple fault"
PROTECTED = 1                # CR0.PE; the BIOS's own interrupts come in real mode
KEPT = 4096                  # of a chunk, so that a block cut in two is found; blocks are shorter


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
            vector, error, software, rip, cr0 = (int(group, 16) for group in block.groups())
            if cr0 & PROTECTED:
                self.tally.add(raw(vector, error, bool(software), rip, rip))
                if self.tally.loops(CERTAIN):
                    self._over = True
                    raise Loop
            done = block.end()
        self.triple |= RESET in text[done:]
        self._rest = text[max(done, len(text) - KEPT):]

    def trail(self) -> list[Event]:
        """The events, first to last."""
        return self.tally.events(lambda rip: rip)
