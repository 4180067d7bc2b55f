"""What Bochs's own log tells about the guest: its vectors, and how it ended.

The CPU's debug messages cost nothing measurable, for a lab's kernel makes some hundred of them.
"""

from __future__ import annotations

import re

from .supervise import Enough, Flood
from .trail import CERTAIN, Tally, raw

LINE = re.compile(
    rb"^(?P<tick>\d+)[a-z]\[(?P<device>\w+) *\] (?:"
    rb"exception\(0x(?P<exception>[0-9a-f]{2})\): error_code=(?P<code>[0-9a-f]{4})"
    rb"|interrupt\(\): vector = (?P<vector>[0-9a-f]{2}), TYPE = (?P<type>\d)"
    rb"|(?P<real>real mode activated)|(?P<protected>protected mode activated)"
    rb"|>>PANIC<< (?P<panic>.*)"
    rb"|\| RIP=[0-9a-f]+ \((?P<rip>[0-9a-f]+)\)"
    rb"|(?P<reset>bx_pc_system_c::Reset\())", re.M)
HARDWARE_EXCEPTION = 3       # types of interrupt(), bx_cpu_c: this one has a line of its own
SOFTWARE = range(4, 7)
MOST = 128 << 20             # bytes; memory that runs out page by page makes Bochs write some 40 MB


class Loop(Enough):
    """The machine goes round in a circle of faults and will never do anything else."""


class Restarted(Enough):
    """The guest reset the machine by a port; Bochs would boot it again."""


class Log:
    """Reads the log as it comes."""

    def __init__(self) -> None:
        self.tally = Tally()             # `where` is a tick: Bochs does not tell the RIP
        self.panic = self.device = ""
        self.tick = 0                    # of the last line that told something
        self.rip: int | None = None      # of the dump that Bochs makes when it ends
        self._resets = 0
        self.kernel = False              # it runs; the BIOS goes back to real mode, a kernel never does
        self._rest = b""
        self._over = False
        self._size = 0

    def feed(self, data: bytes) -> None:
        """The next piece.  Raises Loop at the very event that makes it certain, Restarted, or Flood."""
        if self._over:
            return
        self._size += len(data)
        if self._size > MOST:           # a guest can make Bochs complain at every instruction
            raise Flood
        text = self._rest + data
        whole = text.rfind(b"\n") + 1
        self._rest = text[whole:]
        for line in LINE.finditer(text[:whole]):
            self._take(line)

    def _take(self, line: re.Match[bytes]) -> None:
        tick = int(line["tick"])
        if line["exception"]:
            self._event(int(line["exception"], 16), int(line["code"], 16), False, tick)
        elif line["vector"]:
            if (kind := int(line["type"])) != HARDWARE_EXCEPTION:
                self._event(int(line["vector"], 16), 0, kind in SOFTWARE, tick)
        elif line["real"] or line["protected"]:
            self.kernel = bool(line["protected"])
            self.tally.clear()
        elif line["panic"] and not self.panic:
            self.panic, self.device = line["panic"].decode("ascii", "replace"), line["device"].decode()
        elif line["rip"]:
            self.rip = int(line["rip"], 16)
        elif line["reset"]:
            self._resets += 1
            if self._resets > 1:
                self._over = True
                raise Restarted
        self.tick = tick

    def _event(self, vector: int, error: int, software: bool, tick: int) -> None:
        if self.kernel:
            self.tally.add(raw(vector, error, software, tick))
            if self.tally.loops(CERTAIN):
                self._over = True
                raise Loop
