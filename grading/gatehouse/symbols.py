"""The kernel's symbols, read from its ELF file: names for addresses and addresses for names.

A student's assembler code decides what stands in such a file, so nothing in it is believed: all reading has its bounds.
"""

from __future__ import annotations

import bisect
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from . import strangers

SYMTAB, NOBITS = 2, 8        # types of sections
NOTYPE, SECTION, FILE = 0, 3, 4      # types of symbols; the last two name no place
LOCAL = 0                    # a binding: the name is the object's own
ABSOLUTE = 0xfff1            # instead of a section's index
DAMAGE = (struct.error, IndexError, ValueError, OverflowError)
KERNEL_BASE = 0xffffffff80000000     # of the kernel's image, from physical address 0; <arch/layout.h>
FILE_MOST = 64 << 20         # bytes of a file
SYMBOLS_MOST = 50_000        # the complete kernel has five thousand
NAME_MOST = 512              # bytes
MARKERS = ("_start", "_end", "_stop")        # the linker script's, where a function's name says more


class NotAKernel(Exception):
    """PATH is no ELF64 file with a symbol table: WHY."""

    def __init__(self, path: Path, why: object) -> None:
        super().__init__(f"{path} {why}")
        self.why = str(why)


@dataclass(frozen=True)
class _Symbol:
    name: str
    address: int
    size: int
    type: int
    end: int | None          # of its section; None for an absolute symbol

    @property
    def tells_place(self) -> bool:
        """Not an assembler's constant, nor a local label, which belongs to the function around it."""
        return self.end is not None and not (self.type == NOTYPE and ("." in self.name or "$" in self.name))


class Symbols:
    """Symbols of an ELF64 file (System V ABI, chapter 4).  Raises NotAKernel, OSError."""

    def __init__(self, path: Path) -> None:
        data = _elf(path)
        try:
            sections = _sections(data)
            symbols = list(_read(data, sections))
        except DAMAGE as error:
            raise NotAKernel(path, f"is damaged: {error}") from error
        self._data = data
        self._sections = [section for section in sections if section[3] and section[1] != NOBITS]
        self._named = {symbol.name: symbol for symbol in symbols}
        self._places = sorted((symbol for symbol in symbols if symbol.tells_place),
                              key=lambda symbol: (symbol.address, not symbol.name.endswith(MARKERS)))
        self._starts = [symbol.address for symbol in self._places]

    def address(self, name: str) -> int:
        """The address of NAME.  Raises KeyError."""
        return self._named[name].address

    def size(self, name: str) -> int:
        """Its size in bytes, as the compiler noted it; 0 for what the linker script defines.  Raises KeyError."""
        return self._named[name].size

    def get(self, name: str) -> int | None:
        """The address of NAME, None if the kernel has no such symbol."""
        return self._named[name].address if name in self._named else None

    def read(self, address: int, length: int) -> bytes:
        """What the file says is there before anything runs.  Raises KeyError if that is in no section."""
        place, end = self._from(address, length)
        return self._data[place:end][:length]

    def text(self, address: int, longest: int) -> str:
        """The string that the file has there, up to its NUL.  Raises KeyError if that is in no section."""
        place, end = self._from(address, 1)
        return self._data[place:min(end, place + longest)].split(b"\0")[0].decode("latin-1")

    def _from(self, address: int, length: int) -> tuple[int, int]:
        """Where in the file LENGTH bytes of that ADDRESS begin, and where their section ends.  Raises KeyError."""
        for section in self._sections:
            start, offset, size = section[3:6]
            if start <= address and address + length <= start + size:
                return offset + address - start, offset + size
        raise KeyError(f"{address:#x}")

    def sealed(self) -> Iterator[tuple[int, bytes]]:
        """Address and content of each section of code and constants, by the linker script's borders.

        A section's flags say less: one input section that may be written makes the whole one such.
        """
        start, end = self.code() or (0, 0)
        for _, _, _, address, offset, size, *_ in self._sections:
            if start <= address < end and size:
                yield address, self._data[offset:offset + size]

    def code(self) -> tuple[int, int] | None:
        """Where code and constants begin and end; None in a file that is not linked as the kernel is."""
        start, end = self.get("text_start"), self.get("rodata_end")
        return None if start is None or end is None else (start, end)

    def without_holes(self) -> range:
        """Addresses of the C code of tests and of files that have no holes; none in a file without that border."""
        start, end = self.get("tests_code"), self.get("entry_text_start")        # the Makefile's; the linker script's
        return range(0) if start is None or end is None else range(start, end)

    def stubs(self) -> dict[int, int]:
        """Vector to address of its way in, as the kernel's files have registered them.  Raises KeyError."""
        start, end = (self.address(f"entry_stubs_{edge}") for edge in ("start", "end"))
        return {vector: address for vector, address in struct.iter_unpack("<QQ", self.read(start, end - start))}

    def places(self) -> list[tuple[int, str]]:
        """Every place with its name, by address; of several names for one, what `describe` says comes first."""
        return [(symbol.address, symbol.name)
                for symbol in sorted(reversed(self._places), key=lambda symbol: symbol.address)]

    def describe(self, address: int) -> str:
        """`idt_load+0x12`, or the bare number for an address in no section of the kernel."""
        place = bisect.bisect_right(self._starts, address) - 1
        if place >= 0:
            symbol = self._places[place]
            if symbol.end is not None and address < symbol.end:
                offset = address - symbol.address
                return f"{symbol.name}+{offset:#x}" if offset else symbol.name
        return f"{address:#x}"


def shared(path: Path) -> set[str]:
    """The names that an object shares with others: those it defines for them, and those it lacks itself.

    Raises NotAKernel, OSError.
    """
    data = _elf(path)
    try:
        return {_name(data, row) for row in _rows(data, _sections(data)) if row.info >> 4 != LOCAL}
    except DAMAGE as error:
        raise NotAKernel(path, f"is damaged: {error}") from error


def defined(path: Path) -> set[str]:
    """The names that an object defines for others.  Raises NotAKernel, OSError."""
    data = _elf(path)
    try:
        return {_name(data, row) for row in _rows(data, _sections(data)) if row.info >> 4 != LOCAL and row.section}
    except DAMAGE as error:
        raise NotAKernel(path, f"is damaged: {error}") from error


def sections(path: Path) -> set[str]:
    """The names of an object's sections.  Raises NotAKernel, OSError."""
    data = _elf(path)
    try:
        rows = _sections(data)
        names = rows[struct.unpack_from("<H", data, 0x3e)[0]]
        return {_text(data, names[4] + row[0]).decode("latin-1") for row in rows}
    except DAMAGE as error:
        raise NotAKernel(path, f"is damaged: {error}") from error


def archived(path: Path) -> set[str]:
    """The names that an archive's objects define for others, from the index that `ar` put first.  Raises OSError."""
    data = path.read_bytes()
    start = len(b"!<arch>\n")
    if data[start:start + 2] != b"/ ":
        return set()
    size = int(data[start + 48:start + 58])
    index = data[start + 60:start + 60 + size]
    count, = struct.unpack_from(">I", index)
    return {name.decode("latin-1") for name in index[4 + 4 * count:].split(b"\0") if name}


def _elf(path: Path) -> bytes:
    data = strangers.read(path, FILE_MOST)
    if data[:5] != b"\x7fELF\x02":
        raise NotAKernel(path, "is no ELF64 file")
    return data


def _sections(data: bytes) -> list[tuple[int, ...]]:
    table, = struct.unpack_from("<Q", data, 0x28)
    size, count = struct.unpack_from("<HH", data, 0x3a)
    if table and not count:          # then it stands elsewhere, for it is above 65279
        raise ValueError("more sections than a kernel needs")
    return [struct.unpack_from("<IIQQQQIIQQ", data, table + size * index) for index in range(count)]


class _Row(NamedTuple):
    """An entry of a symbol table, and where its name is."""

    name: int
    info: int
    section: int
    value: int
    size: int


def _rows(data: bytes, sections: list[tuple[int, ...]]) -> Iterator[_Row]:
    """The symbols that have a name."""
    for section in sections:
        if section[1] != SYMTAB:
            continue
        strings = sections[section[6]][4]
        if not section[9] or section[5] // section[9] > SYMBOLS_MOST:
            raise ValueError(f"more than {SYMBOLS_MOST} symbols")
        for offset in range(section[4], section[4] + section[5], section[9]):
            name, info, _, index, value, size = struct.unpack_from("<IBBHQQ", data, offset)
            if name:
                yield _Row(strings + name, info, index, value, size)


def _name(data: bytes, row: _Row) -> str:
    return _text(data, row.name).decode("ascii", "replace")


def _text(data: bytes, start: int) -> bytes:
    return data[start:data.index(b"\0", start, start + NAME_MOST)]


def _read(data: bytes, sections: list[tuple[int, ...]]) -> Iterator[_Symbol]:
    """The symbols that the file defines and that are places or constants."""
    for row in _rows(data, sections):
        if not row.section or row.info & 0xf in (FILE, SECTION):
            continue
        home = sections[row.section] if row.section < len(sections) else None
        if home is None and row.section != ABSOLUTE:
            raise ValueError(f"symbol in section {row.section} of {len(sections)}")
        yield _Symbol(_name(data, row), row.value, row.size, row.info & 0xf, home[3] + home[5] if home else None)
