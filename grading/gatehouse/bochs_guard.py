"""Who writes to what nobody should, seen by Bochs as it happens: the kernel's code, and what its tests have counted.

A look at the end would miss what was changed and changed back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from . import tally
from .bochs_debugger import Debugger
from .symbols import KERNEL_BASE, Symbols
from .tally import Tally

WATCHED = re.compile(r"Caught write watch point at (0x[0-9a-f]+)")
# These functions alone write to what the tests have counted (kernel/test.c).
WRITERS = ("report_values", "skip", "tests_begin", "tests_run_before")
PATCHES = "sweep_poke"                   # a lab whose tests write to code has this (labs/10-paranoid/sweep.h)


class Guard:
    """Over one machine, from when the kernel is loaded."""

    def __init__(self, debugger: Debugger, symbols: Symbols) -> None:
        self._debugger, self._symbols = debugger, symbols
        self._tally = Tally(symbols)
        self._on = False
        self._bits: frozenset[str] = frozenset()         # what stands in its memory, whoever wrote it
        self.running = ""                        # the test that has begun last
        self.passed: frozenset[str] | None = None        # those that the kernel has counted so; None if it does not
        self.written: list[int] = []             # addresses of code
        self.meddled: dict[str, int] = {}        # by test, who else has written to the count

    def begin(self) -> None:
        """Watch, if that has not begun."""
        if self._on:
            return
        self._on = True
        if (code := self._symbols.code()) and not self._patches():
            self._watch(code[0], code[1] - code[0])
        if self._tally.address is not None:
            self._watch(self._tally.address, tally.SIZE)
            self._read(tally.RUNNING)

    def caught(self, stop: str) -> bool:
        """Whether the machine has stopped for this."""
        touched = WATCHED.search(stop)
        if not touched:
            return False
        address = int(touched[1], 16) + KERNEL_BASE
        if not self._is_in((tally.NAME,), address):
            self.written.append(address)
            self.passed = frozenset()            # whatever is counted from now on
            self._debugger.ask("unwatch")
        elif not self._is_in(WRITERS, rip := self._debugger.rip()):
            self.meddled.setdefault(self.running, rip)
            self._bits = self._tally.passed(self._held())
        else:
            self._read(address - (self._tally.address or 0))
        return True

    def _read(self, offset: int) -> None:
        """The kernel itself has just written there: what is new is so."""
        if offset < tally.RUNNING:
            return
        held = self._held()
        if offset == tally.RUNNING:
            self.running = self._tally.running(held)
        bits = self._tally.passed(held)
        self.passed = (self.passed or frozenset()) | bits - self._bits
        self._bits = bits

    def _held(self) -> bytes:
        return self._debugger.physical(self._tally.told, tally.TOLD)

    def _patches(self) -> bool:
        """Whether the lab's own tests write to code. A student's symbol of that name is no place, or one elsewhere."""
        where = self._symbols.get(PATCHES)
        return (where is not None and where in self._symbols.without_holes()
                and self._symbols.describe(where) == PATCHES)

    def _watch(self, address: int, length: int) -> None:
        self._debugger.ask(f"watch w {address - KERNEL_BASE:#x} {length:#x}")

    def _is_in(self, names: Sequence[str], address: int) -> bool:
        """Whether one of these, as far as the kernel has it, is at ADDRESS."""
        return any(start <= address < start + self._symbols.size(name)
                   for name in names if (start := self._symbols.get(name)))
