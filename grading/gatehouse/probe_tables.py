"""The GDT (lab 01) and the IDT (lab 02 on) of a stopped machine, from the manuals and from vectors.def."""

from __future__ import annotations

from pathlib import Path
from struct import iter_unpack, unpack

from . import vectors
from .labs import Lab
from .machine import NotMapped, Table, View
from .probe_facts import Field, Finding, fact, fields
from .vectors import Vector

TSS_SIZE, TSS_IO_MAP = 0x68, 0x66
TSS_BUSY = 0xb                       # type of a 64-bit TSS that TR holds
INTERRUPT_GATE = 0xe
GATE = 16                            # bytes
KERNEL_CS = 0x10
STUBS_IN_ENTRY_TEXT = 3              # the lab that puts them there; before, a stand-in does without

# SDM vol. 3, section 3.4.5, figure 3-8.  The accessed bit may be as it is: the CPU sets it.
RIGHTS = [Field("present bit", 47, 1), Field("S (not a system segment)", 44, 1), Field("DPL", 45, 3),
          Field("type (without accessed)", 41, 7)]
CODE64 = [*RIGHTS, Field("L", 53, 1), Field("D", 54, 1)]                         # base and limit do not count
FLAT = [*CODE64, Field("limit 15:0", 0, 0xffff), Field("limit 19:16", 48, 0xf), Field("G", 55, 1),
        Field("base 23:0", 16, 0xffffff), Field("base 31:24", 56, 0xff)]
SEGMENTS = {                         # the order that SYSCALL, SYSRET, SYSENTER and SYSEXIT demand (SDM vol. 2)
    0x08: ("KERNEL32_CS", FLAT, 0x00cf9b000000ffff),
    0x10: ("KERNEL_CS", CODE64, 0x00af9b000000ffff),
    0x18: ("KERNEL_DS", FLAT, 0x00cf93000000ffff),
    0x20: ("USER32_CS", FLAT, 0x00cffb000000ffff),
    0x28: ("USER_DS", FLAT, 0x00cff3000000ffff),
    0x30: ("USER_CS", CODE64, 0x00affb000000ffff),
}
TSS, GDT_SIZE = 0x40, 0x80
EMPTY = (0x38, *range(0x50, GDT_SIZE, 8))          # later labs put threads' segments and the CPU's number there
WHOLE = [Field("all 64 bits", 0, (1 << 64) - 1)]
# SDM vol. 3, section 8.2.3, figure 8-4 and its extension to 16 bytes.
TSS_FIELDS = [Field("limit 15:0", 0, 0xffff), Field("base 23:0", 16, 0xffffff), Field("type", 40, 0xf),
              Field("S (not a system segment)", 44, 1), Field("DPL", 45, 3), Field("present bit", 47, 1),
              Field("limit 19:16", 48, 0xf), Field("G", 55, 1), Field("base 31:24", 56, 0xff),
              Field("base 63:32", 64, 0xffffffff), Field("bits 127:96", 96, 0xffffffff)]


def gdt(view: View, root: Path, lab: Lab) -> list[Finding]:
    """The checks `limit`, `entries`, `tss`, `io_map`, `tr` and `gs_base`.

    SDM vol. 3, sections 2.4.1 (GDTR), 2.4.4 (TR), 3.4.5 (descriptors), 8.2.3 and 8.7 (TSS).  Where TR holds
    something else than 0x40, that is the finding, and the TSS is not looked for.
    """
    block = view.symbols.address("percpu0")
    found = [*fact("limit", "GDTR limit", GDT_SIZE - 1, view.gdtr.limit),
             *fact("tr", "TR selector", TSS, view.tr.selector),
             *fact("gs_base", "GS base (percpu0)", block, view["gs_base"])]
    table = _table(view, view.gdtr, GDT_SIZE)
    if table is None:
        return [*found, _unmapped("limit", "GDTR", view.gdtr)]
    entries = [entry for entry, in iter_unpack("<Q", table)]
    found += fields("entries", "GDT entry 0x00 (null)", WHOLE, 0, entries[0])
    for selector, (name, layout, expected) in SEGMENTS.items():
        found += fields("entries", f"GDT entry {selector:#04x} ({name})", layout, expected, entries[selector // 8])
    for selector in EMPTY:
        found += fields("entries", f"GDT entry {selector:#04x} (empty)", WHOLE, 0, entries[selector // 8])
    if view.tr.selector != TSS:                     # then TR says nothing of this descriptor, nor this one of TR
        return found
    found += fact("tr", "TR limit", TSS_SIZE - 1, view.tr.limit)
    descriptor = entries[TSS // 8] | entries[TSS // 8 + 1] << 64
    base = view.tr.base
    expected = (TSS_SIZE - 1 | (base & 0xffffff) << 16 | TSS_BUSY << 40 | 1 << 47 | (base >> 24 & 0xff) << 56
                | (base >> 32) << 64)
    found += fields("tss", "TSS descriptor (GDT entry 0x40)", TSS_FIELDS, expected, descriptor)
    if not block <= base <= block + view.symbols.size("percpu0") - TSS_SIZE:
        found.append(Finding("tss", block, base, f"TR base expected in percpu0 at {block:#x}, got {base:#x}"))
        return found
    try:
        io_map, = unpack("<H", view.read(base + TSS_IO_MAP, 2))
    except NotMapped:
        return [*found, Finding("tss", block, base, f"TR base {base:#x} expected in mapped memory, got none there")]
    if io_map < TSS_SIZE - 1:                       # SDM vol. 1, section 19.5.2
        found.append(Finding("io_map", TSS_SIZE - 1, io_map, "I/O map base in the TSS expected at its limit or beyond, "
                             f"{TSS_SIZE - 1:#x}, got {io_map:#x}"))
    return found


# SDM vol. 3, section 6.14.1, figure 6-8.
GATE_FIELDS = [Field("offset bits 15:0", 0, 0xffff), Field("offset bits 31:16", 48, 0xffff),
               Field("offset bits 63:32", 64, 0xffffffff), Field("selector", 16, 0xffff), Field("IST", 32, 7),
               Field("bits 7:3 beside the IST", 35, 0x1f), Field("type", 40, 0xf),
               Field("bit 4 beside the type", 44, 1), Field("DPL", 45, 3), Field("present bit", 47, 1),
               Field("bytes 15 to 12", 96, 0xffffffff)]
PRESENT = GATE_FIELDS[-2]
INT80_DOOR = "entry_int80"             # its gate is not made from a stub, but by lab 09


def idt(view: View, root: Path, lab: Lab) -> list[Finding]:
    """The checks `limit` and `gates`: all 256 gates against vectors.def and the stubs that are linked.

    SDM vol. 3, sections 6.10 (IDTR) and 6.14.1 (64-bit gates).
    """
    assert lab.probe is not None
    found = list(fact("limit", "IDTR limit", vectors.COUNT * GATE - 1, view.idtr.limit))
    table = _table(view, view.idtr, vectors.COUNT * GATE)
    if table is None:
        return [*found, _unmapped("limit", "IDTR", view.idtr)]
    stubs = view.symbols.stubs()
    for vector in vectors.load(root):
        got = int.from_bytes(table[vector.number * GATE:][:GATE], "little")
        what = f"gate {vector.number} ({vector.name.split()[0].rstrip(',')})"
        if vector.door not in lab.probe.doors:
            found += fields("gates", what, [PRESENT], 0, got)
            continue
        stub = view.symbols.address(INT80_DOOR) if vector.door == "INT80" else stubs.get(vector.number, 0)
        found += fields("gates", what, GATE_FIELDS, _gate(vector, stub, lab.probe.ist), got)
        if lab.number >= STUBS_IN_ENTRY_TEXT and not _in_entry_text(view, stub):
            found.append(Finding("gates", view.symbols.address("entry_text_start"), stub,
                                 f"{what}: its stub expected in .entry.text, got {view.symbols.describe(stub)}"))
    return found


def _gate(vector: Vector, stub: int, ist: bool) -> int:
    """The gate as a number of 128 bits."""
    return (stub & 0xffff | KERNEL_CS << 16 | (vector.ist if ist else 0) << 32 | INTERRUPT_GATE << 40
            | vector.ring << 45 | 1 << 47 | (stub >> 16 & 0xffff) << 48 | (stub >> 32) << 64)


def _in_entry_text(view: View, address: int) -> bool:
    return view.symbols.address("entry_text_start") <= address < view.symbols.address("entry_text_end")


def _table(view: View, register: Table, size: int) -> bytes | None:
    """SIZE bytes of it, whatever its limit says, for a wrong limit is told once; None if not mapped."""
    try:
        return view.read(register.base, size)
    except NotMapped:
        return None


def _unmapped(check: str, name: str, register: Table) -> Finding:
    return Finding(check, 0, register.base, f"{name} base {register.base:#x} expected in mapped memory, got none there")
