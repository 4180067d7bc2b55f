"""Who writes to what nobody should, seen by Bochs as it happens: the kernel's code, and what its tests have counted.

A look at the end would miss what was changed and changed back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from .bochs_debugger import Debugger
from .symbols import Symbols

WATCHED = re.compile(r"Caught write watch point at (0x[0-9a-f]+)")
TALLY = "tests_tally"                    # kernel/test.h; these functions alone write to it
WRITERS = ("report_values", "skip", "tests_begin", "tests_run_before")
PATCHES = "sweep_poke"                   # a lab whose tests write to code has this (labs/10-paranoid/sweep.h)
KERNEL_BASE = 0xffffffff80000000         # of the image; boot/linker.ld


class Guard:
    """Over one machine, from when the kernel is loaded. RUNNING tells which test is."""

    def __init__(self, debugger: Debugger, symbols: Symbols, running: Callable[[], str]) -> None:
        self._debugger, self._symbols, self._running = debugger, symbols, running
        self._on = False
        self.written: list[int] = []             # addresses of code
        self.meddled: dict[str, int] = {}        # by test, who else has written to the count

    def begin(self) -> None:
        """Watch, if that has not begun."""
        if self._on:
            return
        self._on = True
        if (code := self._symbols.code()) and self._symbols.get(PATCHES) is None:
            self._watch(code[0], code[1] - code[0])
        if tally := self._symbols.get(TALLY):
            self._watch(tally, self._symbols.size(TALLY))

    def caught(self, stop: str) -> bool:
        """Whether the machine has stopped for this."""
        touched = WATCHED.search(stop)
        if not touched:
            return False
        address = int(touched[1], 16) + KERNEL_BASE
        if not self._is_in((TALLY,), address):
            self.written.append(address)
            self._debugger.ask("unwatch")
        elif not self._is_in(WRITERS, rip := self._debugger.rip()):
            self.meddled.setdefault(self._running(), rip)
        return True

    def _watch(self, address: int, length: int) -> None:
        self._debugger.ask(f"watch w {address - KERNEL_BASE:#x} {length:#x}")

    def _is_in(self, names: Sequence[str], address: int) -> bool:
        """Whether one of these, as far as the kernel has it, is at ADDRESS."""
        return any(start <= address < start + self._symbols.size(name)
                   for name in names if (start := self._symbols.get(name)))
