"""The page tables of a stopped machine, walked as the CPU walks them.  SDM vol. 3, section 4.5.

The tables are read as physical memory, so nothing here relies on a mapping that they make.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from struct import unpack

from .machine import NotMapped, View

PRESENT, WRITABLE, USER, LARGE, NO_EXECUTE = 1 << 0, 1 << 1, 1 << 2, 1 << 7, 1 << 63
ADDRESS = 0x000f_ffff_ffff_f000
PAGE = 4096
ENTRIES, ENTRY, TOP_LEVEL = 512, 8, 3
UPPER_HALF = 1 << 47
MOST_TABLES = 1024           # visited; a lab's kernel has some dozens


class TooManyTables(Exception):
    """The tables go on and on: one of them leads back to another, or the kernel maps gigabytes page by page."""


@dataclass(frozen=True)
class Mapping:
    """SIZE bytes that are mapped together, with the rights that all levels grant."""

    start: int
    size: int
    physical: int
    writable: bool
    user: bool
    executable: bool

    @property
    def end(self) -> int:
        return self.start + self.size

    @property
    def rights(self) -> str:
        """As `r-x user`."""
        return f"r{'w' if self.writable else '-'}{'x' if self.executable else '-'} {'user' if self.user else 'kernel'}"


class PageTables:
    """What CR3 points to."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._top = view["cr3"] & ADDRESS
        self._read: dict[int, tuple[int, ...]] = {}
        self.nowhere: list[int] = []     # tables that an entry names where no memory is: read as empty

    def mapping(self, address: int) -> Mapping | None:
        """The page that ADDRESS lies in, None if nothing is mapped there."""
        table, granted = self._top, WRITABLE | USER
        for level in range(TOP_LEVEL, -1, -1):
            index = address >> _shift(level) & ENTRIES - 1
            entry = self._table(table)[index]
            if not entry & PRESENT:
                return None
            granted = _granted(granted, entry)
            if _is_leaf(entry, level):
                return _leaf(address & -(1 << _shift(level)), level, entry, granted)
            table = entry & ADDRESS
        raise AssertionError("the last level holds leaves only")

    def all(self) -> Iterator[Mapping]:
        """Every mapping by address; neighbours that go on in each other are one.  Raises TooManyTables."""
        whole: Mapping | None = None
        for page in self._below(self._top, TOP_LEVEL, 0, WRITABLE | USER, iter(range(MOST_TABLES))):
            if whole and (whole.end, whole.physical + whole.size, whole.rights) == (
                    page.start, page.physical, page.rights):
                whole = Mapping(whole.start, whole.size + page.size, whole.physical,
                                page.writable, page.user, page.executable)
                continue
            if whole:
                yield whole
            whole = page
        if whole:
            yield whole

    def _below(self, table: int, level: int, start: int, granted: int, budget: Iterator[int]) -> Iterator[Mapping]:
        if next(budget, None) is None:
            raise TooManyTables
        for index, entry in enumerate(self._table(table)):
            if not entry & PRESENT:
                continue
            address = start + (index << _shift(level))
            if level == TOP_LEVEL and address & UPPER_HALF:
                address |= -UPPER_HALF & (1 << 64) - 1       # canonical: bits 63:48 repeat bit 47
            rights = _granted(granted, entry)
            if _is_leaf(entry, level):
                yield _leaf(address, level, entry, rights)
            else:
                yield from self._below(entry & ADDRESS, level - 1, address, rights, budget)

    def _table(self, address: int) -> tuple[int, ...]:
        if address not in self._read:
            try:
                data = self._view.physical(address, ENTRIES * ENTRY)
            except NotMapped:
                data = bytes(ENTRIES * ENTRY)
                self.nowhere.append(address)
            self._read[address] = unpack(f"<{ENTRIES}Q", data)
        return self._read[address]


def _shift(level: int) -> int:
    return 12 + 9 * level


def _is_leaf(entry: int, level: int) -> bool:
    return level == 0 or level < TOP_LEVEL and bool(entry & LARGE)


def _granted(above: int, entry: int) -> int:
    """Rights add up to what each level allows; NO_EXECUTE is the one bit that forbids."""
    return above & entry & (WRITABLE | USER) | (above | entry) & NO_EXECUTE


def _leaf(start: int, level: int, entry: int, granted: int) -> Mapping:
    size = 1 << _shift(level)
    return Mapping(start, size, entry & ADDRESS & -size, bool(granted & WRITABLE), bool(granted & USER),
                   not granted & NO_EXECUTE)
