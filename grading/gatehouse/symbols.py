"""The kernel's symbols, read from its ELF file: names for addresses and addresses for names."""

from __future__ import annotations

import bisect
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

SYMTAB, NOBITS = 2, 8        # types of sections
WRITE, ALLOCATED = 1, 2      # flags of sections
NOTYPE, SECTION, FILE = 0, 3, 4      # types of symbols; the last two name no place
LOCAL = 0                    # a binding: the name is the object's own
ABSOLUTE = 0xfff1            # instead of a section's index
MARKERS = ("_start", "_end", "_stop")        # the linker script's, where a function's name says more


class NotAKernel(Exception):
    """The file is no ELF64 file with a symbol table."""


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
        except (struct.error, IndexError, ValueError) as error:
            raise NotAKernel(f"{path} is damaged: {error}") from error
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
        for section in self._sections:
            start, offset, size = section[3:6]
            if start <= address and address + length <= start + size:
                return self._data[offset + address - start:][:length]
        raise KeyError(f"{address:#x}")

    def sealed(self) -> Iterator[tuple[int, bytes]]:
        """Address and content of each section in the upper half that nobody may write."""
        for _, _, flags, address, offset, size, *_ in self._sections:
            if flags & (WRITE | ALLOCATED) == ALLOCATED and address >> 63 and size:
                yield address, self._data[offset:offset + size]

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
    except (struct.error, IndexError, ValueError) as error:
        raise NotAKernel(f"{path} is damaged: {error}") from error


def defined(path: Path) -> set[str]:
    """The names that an object defines for others.  Raises NotAKernel, OSError."""
    data = _elf(path)
    try:
        return {_name(data, row) for row in _rows(data, _sections(data)) if row.info >> 4 != LOCAL and row.section}
    except (struct.error, IndexError, ValueError) as error:
        raise NotAKernel(f"{path} is damaged: {error}") from error


def sections(path: Path) -> set[str]:
    """The names of an object's sections.  Raises NotAKernel, OSError."""
    data = _elf(path)
    try:
        rows = _sections(data)
        names = rows[struct.unpack_from("<H", data, 0x3e)[0]]
        return {data[start:data.index(b"\0", start)].decode("latin-1") for start in (names[4] + row[0] for row in rows)}
    except (struct.error, IndexError, ValueError) as error:
        raise NotAKernel(f"{path} is damaged: {error}") from error


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
    data = path.read_bytes()
    if data[:5] != b"\x7fELF\x02":
        raise NotAKernel(f"{path} is no ELF64 file")
    return data


def _sections(data: bytes) -> list[tuple[int, ...]]:
    table, = struct.unpack_from("<Q", data, 0x28)
    size, count = struct.unpack_from("<HH", data, 0x3a)
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
        for offset in range(section[4], section[4] + section[5], section[9]):
            name, info, _, index, value, size = struct.unpack_from("<IBBHQQ", data, offset)
            if name:
                yield _Row(strings + name, info, index, value, size)


def _name(data: bytes, row: _Row) -> str:
    return data[row.name:data.index(b"\0", row.name)].decode("ascii", "replace")


def _read(data: bytes, sections: list[tuple[int, ...]]) -> Iterator[_Symbol]:
    """The symbols that the file defines and that are places or constants."""
    for row in _rows(data, sections):
        if not row.section or row.info & 0xf in (FILE, SECTION):
            continue
        home = sections[row.section] if row.section < len(sections) else None
        if home is None and row.section != ABSOLUTE:
            raise ValueError(f"symbol in section {row.section} of {len(sections)}")
        yield _Symbol(_name(data, row), row.value, row.size, row.info & 0xf, home[3] + home[5] if home else None)
