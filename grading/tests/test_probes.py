"""What the probes find: the right tables first, then every field of them wrong in turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from struct import pack
from types import SimpleNamespace

import pytest
from gatehouse import vectors
from gatehouse.devices import Devices, Unreadable
from gatehouse.machine import NotMapped, Table, Tr, View
from gatehouse.probe_facts import Finding
from gatehouse.probes import gdt, idt

ROOT = Path(__file__).resolve().parents[2]
BLOCK, GDT, TSS = 0xffffffff80107000, 0xffffffff80107008, 0xffffffff80107090
IDT, TEXT, OTHER = 0xffffffff80108000, 0xffffffff80102000, 0xffffffff80101000
DOORS = ("NORMAL", "PARANOID", "NMI")
ENTRIES = [0, 0x00cf9b000000ffff, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00cffb000000ffff, 0x00cff3000000ffff,
           0x00affb000000ffff, 0, 0x80008b1070900067, 0x00000000ffffffff, 0, 0, 0, 0, 0, 0]
HAS_GATE = [vector for vector in vectors.load(ROOT) if vector.door in DOORS]


class FakeSymbols:
    """The kernel's file: one stub of 16 bytes for each vector that has a door."""

    named = {"percpu0": BLOCK, "entry_text_start": TEXT, "entry_text_end": TEXT + 0x1000}
    text = TEXT

    def address(self, name: str) -> int:
        return self.named[name]

    def size(self, name: str) -> int:
        return 0x100

    def describe(self, address: int) -> str:
        return "somewhere"

    def stubs(self) -> dict[int, int]:
        return {vector.number: self.text + 16 * vector.number for vector in HAS_GATE}


def gates(ist: bool = False) -> bytearray:
    """An IDT as figure 6-8 of the SDM draws it, byte by byte."""
    table = bytearray(4096)
    for vector in HAS_GATE:
        offset = TEXT + 16 * vector.number
        table[16 * vector.number:][:16] = b""
        table[16 * vector.number:16 * vector.number + 16] = pack(
            "<HHBBHII", offset & 0xffff, 0x10, vector.ist if ist else 0, 0xee if vector.ring else 0x8e,
            offset >> 16 & 0xffff, offset >> 32, 0)
    return table


def view(entries: list[int] = ENTRIES, io_map: int = 0x68, table: bytes = bytes(gates()),
         symbols: FakeSymbols | None = None) -> View:
    memory = {GDT: pack("<16Q", *entries), TSS + 0x66: pack("<H", io_map), IDT: bytes(table)}

    def read(address: int, length: int) -> bytes:
        for start, data in memory.items():
            if start <= address and address + length <= start + len(data):
                return data[address - start:][:length]
        raise NotMapped(f"{address:#x}")
    return View({"gs_base": BLOCK}, Table(GDT, 0x7f), Table(IDT, 4095), Tr(0x40, TSS, 0x67, 0xb), False, read,
                read, lambda: 0, no_devices, frozenset(), symbols or FakeSymbols())          # type: ignore[arg-type]


def no_devices() -> Devices:
    raise Unreadable("no devices here")


def lab(number: int = 2, ist: bool = False) -> SimpleNamespace:
    return SimpleNamespace(number=number, probe=SimpleNamespace(doors=DOORS, ist=ist))


def found(probe: Callable[..., list[Finding]], machine: View, **more: int) -> list[tuple[str, str]]:
    return [(finding.check, finding.text) for finding in probe(machine, ROOT, lab(**more))]


def test_the_right_tables() -> None:
    assert found(gdt, view()) == [] and found(idt, view()) == [] and found(idt, view(), number=3) == []
    assert found(idt, view(table=gates(ist=True)), ist=True) == []
    assert found(gdt, view([entry & ~(1 << 40) if index < 8 else entry for index, entry in enumerate(ENTRIES)])) == []


@pytest.mark.parametrize("index, bit, check, text", [
    (0, 0, "entries", "GDT entry 0x00 (null): all 64 bits expected 0x0, got 0x1"),
    (1, 54, "entries", "GDT entry 0x08 (KERNEL32_CS): D expected 0x1, got 0x0"),
    (2, 53, "entries", "GDT entry 0x10 (KERNEL_CS): L expected 0x1, got 0x0"),
    (2, 54, "entries", "GDT entry 0x10 (KERNEL_CS): D expected 0x0, got 0x1"),
    (3, 41, "entries", "GDT entry 0x18 (KERNEL_DS): type (without accessed) expected 0x1, got 0x0"),
    (4, 46, "entries", "GDT entry 0x20 (USER32_CS): DPL expected 0x3, got 0x1"),
    (5, 47, "entries", "GDT entry 0x28 (USER_DS): present bit expected 0x1, got 0x0"),
    (6, 44, "entries", "GDT entry 0x30 (USER_CS): S (not a system segment) expected 0x1, got 0x0"),
    (7, 63, "entries", "GDT entry 0x38 (empty): all 64 bits expected 0x0, got 0x8000000000000000"),
    (10, 0, "entries", "GDT entry 0x50 (empty): all 64 bits expected 0x0, got 0x1"),
    (15, 47, "entries", "GDT entry 0x78 (empty): all 64 bits expected 0x0, got 0x800000000000"),
    (8, 0, "tss", "TSS descriptor (GDT entry 0x40): limit 15:0 expected 0x67, got 0x66"),
    (8, 41, "tss", "TSS descriptor (GDT entry 0x40): type expected 0xb, got 0x9"),
    (9, 0, "tss", "TSS descriptor (GDT entry 0x40): base 63:32 expected 0xffffffff, got 0xfffffffe"),
])
def test_a_bit_of_the_gdt(index: int, bit: int, check: str, text: str) -> None:
    entries = list(ENTRIES)
    entries[index] ^= 1 << bit
    assert found(gdt, view(entries)) == [(check, text)]


def test_user_data_after_user_code() -> None:
    entries = [*ENTRIES[:5], ENTRIES[6], ENTRIES[5], *ENTRIES[7:]]
    names = {text.split(":")[0] for _, text in found(gdt, view(entries))}
    assert names == {"GDT entry 0x28 (USER_DS)", "GDT entry 0x30 (USER_CS)"}


def test_the_registers_of_the_segments() -> None:
    right = view()
    assert found(gdt, replace(right, gdtr=Table(GDT, 0x80))) == [("limit", "GDTR limit expected 0x7f, got 0x80")]
    assert found(gdt, replace(right, tr=replace(right.tr, selector=0x38))) == [
        ("tr", "TR selector expected 0x40, got 0x38")]
    never = Tr(0, 0, 0xffff, 0xb)
    assert found(gdt, replace(right, tr=never)) == [("tr", "TR selector expected 0x40, got 0x0")], "LTR was left out"
    assert found(gdt, replace(right, tr=replace(right.tr, limit=0x68))) == [("tr", "TR limit expected 0x67, got 0x68")]
    assert found(gdt, replace(right, values={"gs_base": 0})) == [
        ("gs_base", "GS base (percpu0) expected 0xffffffff80107000, got 0x0")]
    assert found(gdt, view(io_map=0)) == [
        ("io_map", "I/O map base in the TSS expected at its limit or beyond, 0x67, got 0x0")]
    assert [found(gdt, view(io_map=offset)) != [] for offset in (0x66, 0x67, 0x68, 0xffff)] == [
        True, False, False, False]
    assert ("limit", "GDTR base 0x10 expected in mapped memory, got none there") in found(
        gdt, replace(right, gdtr=Table(0x10, 0x7f)))
    assert [check for check, _ in found(gdt, replace(right, tr=replace(right.tr, base=0x1000)))][-1] == "tss"


@pytest.mark.parametrize("byte, value, text", [
    (0, 0x01, "gate 14 (#PF): offset bits 15:0 expected 0x20e0, got 0x2001"),
    (6, 0x01, "gate 14 (#PF): offset bits 31:16 expected 0x8010, got 0x8001"),
    (9, 0x00, "gate 14 (#PF): offset bits 63:32 expected 0xffffffff, got 0xffff00ff"),
    (2, 0x08, "gate 14 (#PF): selector expected 0x10, got 0x8"),
    (4, 0x01, "gate 14 (#PF): IST expected 0x0, got 0x1"),
    (4, 0x08, "gate 14 (#PF): bits 7:3 beside the IST expected 0x0, got 0x1"),
    (5, 0x8f, "gate 14 (#PF): type expected 0xe, got 0xf"),
    (5, 0x9e, "gate 14 (#PF): bit 4 beside the type expected 0x0, got 0x1"),
    (5, 0xee, "gate 14 (#PF): DPL expected 0x0, got 0x3"),
    (5, 0x0e, "gate 14 (#PF): present bit expected 0x1, got 0x0"),
    (12, 0x01, "gate 14 (#PF): bytes 15 to 12 expected 0x0, got 0x1"),
])
def test_a_byte_of_a_gate(byte: int, value: int, text: str) -> None:
    table = gates()
    table[14 * 16 + byte] = value
    assert found(idt, view(table=table)) == [("gates", text)]


def test_gates_that_should_not_be_there() -> None:
    table = gates()
    for vector in (9, 15, 32, 128, 255):
        table[16 * vector + 5] = 0x8e
    assert [text for _, text in found(idt, view(table=table))] == [
        f"gate {vector} ({name}): present bit expected 0x0, got 0x1"
        for vector, name in ((9, "coprocessor"), (15, "reserved"), (32, "interrupt"), (128, "int"), (255, "interrupt"))]


def test_a_ring_and_a_stack_from_the_table() -> None:
    table = gates()
    table[3 * 16 + 5] = 0x8e
    assert found(idt, view(table=table)) == [("gates", "gate 3 (#BP): DPL expected 0x3, got 0x0")]
    assert [text for _, text in found(idt, view(), ist=True)] == [
        f"gate {vector}: IST expected {stack:#x}, got 0x0"
        for vector, stack in (("1 (#DB)", 3), ("2 (NMI)", 2), ("8 (#DF)", 1), ("18 (#MC)", 4))]


def test_the_register_of_the_gates() -> None:
    right = view()
    assert found(idt, replace(right, idtr=Table(IDT, 255))) == [("limit", "IDTR limit expected 0xfff, got 0xff")]
    assert found(idt, replace(right, idtr=Table(8, 4095))) == [
        ("limit", "IDTR base 0x8 expected in mapped memory, got none there")]


def test_stubs_outside_the_entry_code() -> None:
    class Elsewhere(FakeSymbols):
        named = FakeSymbols.named | {"entry_text_start": OTHER, "entry_text_end": OTHER + 0x1000}
    assert found(idt, view(symbols=Elsewhere()), number=2) == []
    texts = [text for _, text in found(idt, view(symbols=Elsewhere()), number=3)]
    assert len(texts) == len(HAS_GATE) and texts[0] == "gate 0 (#DE): its stub expected in .entry.text, got somewhere"


@pytest.mark.parametrize("edit, words", [
    (lambda lines: [*lines[:3], *lines[4:]], ":4: a gap or an overlap: vector 3 was due"),
    (lambda lines: lines[:-1], ": it ends at vector 128, not at 255"),
    (lambda lines: ["nonsense", *lines[1:]], ":1: not a row of the table"),
    (lambda lines: [lines[0].replace("IST_NONE", "IST_XX"), *lines[1:]], ":1: an unknown word in a column"),
])
def test_a_bad_table(tmp_path: Path, edit: Callable[[list[str]], list[str]], words: str) -> None:
    place = tmp_path / vectors.PATH
    place.parent.mkdir(parents=True)
    place.write_text("\n".join(edit((ROOT / vectors.PATH).read_text().splitlines())))
    with pytest.raises(vectors.BadTable, match=f"^{vectors.PATH}{words}"):
        vectors.load(tmp_path)


def test_codes_as_the_manuals_have_them() -> None:
    coded = {vector.number for vector in vectors.load(ROOT) if vector.has_code}
    assert coded == {8, 10, 11, 12, 13, 14, 17, 21, 29, 30}
