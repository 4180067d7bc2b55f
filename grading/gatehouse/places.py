"""Addresses in words: function+offset, and the line of the source where the kernel's file knows it."""

from __future__ import annotations

import re
from pathlib import Path

from . import bounded
from .sandbox import Bounds, Open
from .symbols import Symbols

SECONDS = 20.0
READ = Bounds(memory=512 << 20, cpu=5, processes=4, file=1 << 20, proc=False)
LINE = re.compile(r"([^/\s]+:\d+)(?: \(.*\))?")


class Places:
    """The places of one kernel, whose debug information is read in SANDBOX.  Raises NotAKernel, OSError."""

    def __init__(self, kernel: Path, sandbox: type[Open] = Open) -> None:
        self._kernel = kernel
        self._sandbox = sandbox(READ)
        self._symbols = Symbols(kernel)
        self._known: dict[int, str] = {}

    def describe(self, address: int) -> str:
        """`gdt_load+0x20 (gdt_load.asm:29)`; without the line where none is known, a bare number outside the kernel."""
        if address not in self._known:
            self._known[address] = self._describe(address)
        return self._known[address]

    def _describe(self, address: int) -> str:
        words = self._symbols.describe(address)
        if words == f"{address:#x}" or not (line := self._line(address)):
            return words
        return f"{words} ({line})"

    def _line(self, address: int) -> str | None:
        """What binutils makes of the debug information; of inlined functions the outermost, which has the name.

        A kernel without such information is not worth a complaint.
        """
        folder = self._kernel.parent.absolute()
        command = ["addr2line", "-i", "-e", str(folder / self._kernel.name), f"{address:#x}"]
        try:
            done = bounded.ended(self._sandbox.enclose(command, folder, read=[folder]), folder, SECONDS)
        except (OSError, bounded.Late):
            return None
        found = LINE.search(done.out.rpartition("/")[2]) if not done.status else None
        return found[1] if found else None
