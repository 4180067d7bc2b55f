"""The machine that gdb looks at: registers, memory, and what only QEMU's monitor shows."""

from __future__ import annotations

from dataclasses import dataclass

import gdb

from gatehouse.qmp import SEGMENT, TABLE

from . import kernel

MASK = (1 << 64) - 1


@dataclass(frozen=True)
class System:
    """GDTR, IDTR and TR: base and limit; TR also with its selector."""

    gdt: tuple[int, int]
    idt: tuple[int, int]
    tr: tuple[int, int, int]


def register(name: str) -> int:
    """Raises gdb.GdbError where there is no machine."""
    try:
        return int(gdb.parse_and_eval(f"${name}")) & MASK
    except gdb.error:
        raise gdb.GdbError("no machine is attached: begin with `make gdb` or `make debug`") from None


def frame_register(frame: gdb.Frame, name: str) -> int:
    return int(frame.read_register(name)) & MASK


def read(address: int, length: int) -> bytes:
    """Raises gdb.GdbError for an address that is not mapped."""
    try:
        return bytes(gdb.selected_inferior().read_memory(address, length))
    except gdb.MemoryError:
        raise gdb.GdbError(f"nothing is mapped at {address:#x}") from None


def word(address: int) -> int:
    return int.from_bytes(read(address, 8), "little")


def words(address: int, count: int) -> list[int]:
    data = read(address, 8 * count)
    return [int.from_bytes(data[at:at + 8], "little") for at in range(0, len(data), 8)]


def system() -> System:
    """What LGDT, LIDT and LTR loaded. gdb's protocol has no such registers; QEMU's monitor shows them."""
    register("rip")
    try:
        text = gdb.execute("monitor info registers", to_string=True)
    except gdb.error as error:
        raise gdb.GdbError(f"the machine has no QEMU monitor: {error}") from None
    tables = {name: (int(base, 16), int(limit, 16)) for name, base, limit in TABLE.findall(text)}
    rows = {name: [int(part, 16) for part in parts] for name, *parts in SEGMENT.findall(text)}
    if "GDT" not in tables or "TR" not in rows:
        raise gdb.GdbError("QEMU's `info registers` looks otherwise than expected")
    selector, base, limit, _ = rows["TR"]
    return System(tables["GDT"], tables["IDT"], (selector, base, limit))


def describe(address: int) -> str:
    """`entry_3+0x2` for an address in the kernel's image, else the number."""
    known = kernel.loaded()
    return known.symbols.describe(address) if known else f"{address:#x}"


def named(address: int) -> str:
    """The same with the number before it, for a column."""
    text = describe(address)
    return f"{address:#018x}" if text == f"{address:#x}" else f"{address:#018x}  {text}"


def argument(text: str, what: str) -> int:
    """An address or number as gdb understands it. Raises gdb.GdbError."""
    try:
        return int(gdb.parse_and_eval(text)) & MASK
    except gdb.error as error:
        raise gdb.GdbError(f"{text} is no {what}: {error}") from None
