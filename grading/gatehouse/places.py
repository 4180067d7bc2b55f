"""Addresses in words: function+offset, and the line of the source where the kernel's file knows it."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

from .symbols import Symbols

LINE = re.compile(r"([^/\s]+:\d+)(?: \(.*\))?")


class Places:
    """The places of one kernel.  Raises NotAKernel, OSError."""

    def __init__(self, kernel: Path) -> None:
        self._kernel = kernel
        self._symbols = Symbols(kernel)
        self.describe = cache(self._describe)

    def _describe(self, address: int) -> str:
        """`gdt_load+0x20 (gdt_load.asm:29)`; without the line where none is known, a bare number outside the kernel."""
        words = self._symbols.describe(address)
        if words == f"{address:#x}" or not (line := self._line(address)):
            return words
        return f"{words} ({line})"

    def _line(self, address: int) -> str | None:
        """What binutils makes of the debug information; of inlined functions the outermost, which has the name.

        A kernel without such information is not worth a complaint.
        """
        try:
            done = subprocess.run(["addr2line", "-i", "-e", str(self._kernel), f"{address:#x}"],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                                  check=False)
        except OSError:
            return None
        found = LINE.search(done.stdout.rpartition("/")[2]) if not done.returncode else None
        return found[1] if found else None
