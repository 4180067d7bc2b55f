"""What a kernel itself has counted of its tests: struct tests_tally of kernel/test.h, in the memory of a machine.

Names come from the kernel's file. Lines on the serial port say nothing about it: whoever writes there may tell of
tests that never were.
"""

from __future__ import annotations

from struct import iter_unpack, unpack

from .symbols import KERNEL_BASE, Symbols

NAME = "tests_tally"
RUNNING, TOLD = 32, 40                   # the test that runs, then a bit for each of the table that has passed
SIZE = RUNNING + TOLD
LONGEST_NAME = 256
WORD = 8


class Tally:
    """Of the kernel that SYMBOLS are of."""

    def __init__(self, symbols: Symbols) -> None:
        self.address = symbols.get(NAME)
        self._tests = _tests(symbols) if self.address else []

    @property
    def told(self) -> int:
        """The physical address of the TOLD bytes that `running` and `passed` are told from."""
        return (self.address or 0) - KERNEL_BASE + RUNNING

    def running(self, held: bytes) -> str:
        """The test that has begun last, empty before the first."""
        where, = unpack("<Q", held[:WORD])
        return next((name for address, name in self._tests if address == where), "")

    def passed(self, held: bytes) -> frozenset[str]:
        """The tests that have come back, and had nothing to complain of."""
        bits = int.from_bytes(held[WORD:], "little")
        return frozenset(name for number, (_, name) in enumerate(self._tests) if bits >> number & 1)


def _tests(symbols: Symbols) -> list[tuple[int, str]]:
    """Address and name of each test, in the order of the table."""
    start, stop = symbols.address("tests_start"), symbols.address("tests_stop")
    found = []
    for (test,) in iter_unpack("<Q", symbols.read(start, stop - start)):
        name, = unpack("<Q", symbols.read(test, WORD))
        found.append((test, symbols.text(name, LONGEST_NAME)))
    return found
