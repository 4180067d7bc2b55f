"""A stopped machine made of a dictionary: RAM, page tables in it, the registers that lead to them."""

from __future__ import annotations

from dataclasses import replace
from struct import pack, pack_into, unpack_from

from gatehouse.devices import Devices, LocalApic, Pic
from gatehouse.machine import NotMapped, Table, Tr, View

PAGE = 4096
P, W, U, PS, NX = 1, 2, 4, 0x80, 1 << 63
TABLES = 0x700_0000          # where page tables are taken from
CR0, CR4, EFER = 0x80010033, 1 << 20 | 1 << 21 | 1 << 11 | 0x6a0, 0xd01
QUIET = Devices(LocalApic(0x1ff, {"timer": 0x10000, "thermal": 0x10000, "performance": 0x10000, "lint0": 0x10700,
                                  "lint1": 0x400, "error": 0xfe}, frozenset()),
                (0x10000,) * 24, (Pic(0x20, 0xff, 0), Pic(0x28, 0xff, 0)))


class Symbols:
    """The kernel's file: names, and bytes by address."""

    def __init__(self, named: dict[str, int], held: dict[int, bytes] | None = None) -> None:
        self.named = named
        self.held = held or {}

    def address(self, name: str) -> int:
        return self.named[name]

    def size(self, name: str) -> int:
        return 0x100

    def describe(self, address: int) -> str:
        return f"at({address:#x})"

    def read(self, address: int, length: int) -> bytes:
        return self.held[address][:length]


class Machine:
    """Memory to be filled, then looked at."""

    def __init__(self) -> None:
        self.ram: dict[int, bytearray] = {}
        self.cr3 = self._new()

    def _new(self) -> int:
        address = TABLES + PAGE * sum(page >= TABLES for page in self.ram)
        self.ram[address] = bytearray(PAGE)
        return address

    def entry(self, virtual: int, level: int = 0, rights: int = P | W | U) -> tuple[int, int]:
        """The table and the offset of the entry for VIRTUAL at LEVEL; tables are made on the way."""
        table = self.cr3
        for above in range(3, level, -1):
            offset = (virtual >> 12 + 9 * above & 511) * 8
            value, = unpack_from("<Q", self.ram[table], offset)
            if not value & P:
                value = self._new() | rights
                pack_into("<Q", self.ram[table], offset, value)
            table = value & ~0xfff
        return table, (virtual >> 12 + 9 * level & 511) * 8

    def map(self, virtual: int, physical: int, flags: int, level: int = 0) -> None:
        """FLAGS beside PRESENT; LEVEL 1 is a page of 2 MiB."""
        table, offset = self.entry(virtual, level)
        pack_into("<Q", self.ram[table], offset, physical | flags | P | (PS if level else 0))

    def unmap(self, virtual: int) -> None:
        table, offset = self.entry(virtual)
        pack_into("<Q", self.ram[table], offset, 0)

    def put(self, physical: int, data: bytes) -> None:
        """Into RAM."""
        for index, byte in enumerate(data):
            page = self.ram.setdefault((physical + index) & -PAGE, bytearray(PAGE))
            page[(physical + index) % PAGE] = byte

    def physical(self, address: int, length: int) -> bytes:
        return bytes(self.ram.get(at & -PAGE, bytes(PAGE))[at % PAGE] for at in range(address, address + length))

    def memory(self, virtual: int, length: int) -> bytes:
        return b"".join(self.physical(self._translated(at), 1) for at in range(virtual, virtual + length))

    def _translated(self, virtual: int) -> int:
        table = self.cr3
        for level in range(3, -1, -1):
            value, = unpack_from("<Q", self.ram[table], (virtual >> 12 + 9 * level & 511) * 8)
            if not value & P:
                raise NotMapped(f"{virtual:#x}")
            size = 1 << 12 + 9 * level
            if level == 0 or level < 3 and value & PS:
                return (value & 0xffffffffff000 & -size) + virtual % size
            table = value & 0xffffffffff000
        raise AssertionError

    def view(self, symbols: Symbols, tss: int = 0, idt: int = 0, devices: Devices = QUIET, **registers: int) -> View:
        values = {"cr0": CR0, "cr3": self.cr3 | 0x18, "cr4": CR4, "efer": EFER, **registers}
        return View(values, Table(0, 0x7f), Table(idt, 4095), Tr(0x40, tss, 0x67, 0xb), False, self.memory,
                    self.physical, lambda: 0, lambda: devices, frozenset(("smep", "smap", "umip")),
                    symbols)                          # type: ignore[arg-type]


def rows(*pairs: tuple[int, int]) -> bytes:
    """An exception table."""
    return b"".join(pack("<QQ", *pair) for pair in pairs)


def without(view: View, feature: str) -> View:
    """On a CPU that lacks it."""
    return replace(view, features=view.features - {feature})
