"""The probe of lab 04: a machine in order first, then each thing wrong in turn."""

from __future__ import annotations

from collections.abc import Callable
from struct import pack_into

import pytest
from fake_machine import CR0, CR4, EFER, NX, P, U, W, Machine, Symbols, rows, without

from gatehouse.page_tables import PageTables
from gatehouse.probe_faults import demand, exception_table, protection, rights

KERNEL, DIRECT, USER = 0xffffffff80000000, 0xffff888000000000, 0x400000
TEXT, TABLE, DATA, GUARD = 0x101000, 0x103000, 0x104000, 0x105000        # in the image, less KERNEL
ROWS = [(KERNEL + TEXT + 0x10, KERNEL + TEXT + 0x80), (KERNEL + TEXT + 0x20, KERNEL + TEXT + 0x80),
        (KERNEL + TEXT + 0x35, KERNEL + TEXT + 0x90)]
SYMBOLS = Symbols({"text_start": KERNEL + TEXT, "text_end": KERNEL + TEXT + 0x1000,
                   "exception_table_start": KERNEL + TABLE, "exception_table_end": KERNEL + TABLE + 16 * len(ROWS)})
Break = Callable[[Machine], None]


def machine(*more: tuple[int, int]) -> Machine:
    """The image, most of its memory once more in the direct map, one page of a program."""
    made = Machine()
    for page, flags in ((TEXT, 0), (0x102000, 0), (TABLE, NX), (DATA, NX | W)):
        made.map(KERNEL + page, page, flags)
    made.map(DIRECT + TEXT, TEXT, NX)
    made.map(DIRECT + DATA, DATA, NX | W)
    made.map(DIRECT + 0x200000, 0x200000, NX | W, level=1)
    made.map(USER, 0x300000, NX | W | U)
    made.map(USER + 0x1000, 0x801000, U)
    made.put(TABLE, rows(*ROWS, *more))
    return made


def told(made: Machine) -> list[str]:
    tables = PageTables(made.view(SYMBOLS))
    return [finding.text for finding in (*rights(tables), *exception_table(made.view(SYMBOLS), tables))]


def test_a_machine_in_order() -> None:
    made = machine()
    assert told(made) == [] and list(protection(made.view(SYMBOLS))) == []


def test_the_tables_as_they_are_walked() -> None:
    tables = PageTables(machine().view(SYMBOLS))
    assert [(hex(one.start), one.size, hex(one.physical), one.rights) for one in tables.all()] == [
        ("0x400000", 0x1000, "0x300000", "rw- user"), ("0x401000", 0x1000, "0x801000", "r-x user"),
        ("0xffff888000101000", 0x1000, "0x101000", "r-- kernel"),
        ("0xffff888000104000", 0x1000, "0x104000", "rw- kernel"),
        ("0xffff888000200000", 0x200000, "0x200000", "rw- kernel"),
        ("0xffffffff80101000", 0x2000, "0x101000", "r-x kernel"),
        ("0xffffffff80103000", 0x1000, "0x103000", "r-- kernel"),
        ("0xffffffff80104000", 0x1000, "0x104000", "rw- kernel")]
    large = tables.mapping(DIRECT + 0x212345)
    assert large and (large.start, large.physical, large.size) == (DIRECT + 0x200000, 0x200000, 0x200000)
    assert tables.mapping(KERNEL + GUARD) is None and tables.mapping(KERNEL - 1) is None


@pytest.mark.parametrize("register, value, text", [
    ("cr0", CR0 & ~(1 << 16), "CR0.WP expected 0x1, got 0x0"),
    ("cr4", CR4 & ~(1 << 20), "CR4.SMEP expected 0x1, got 0x0"),
    ("cr4", CR4 & ~(1 << 21), "CR4.SMAP expected 0x1, got 0x0"),
    ("cr4", CR4 & ~(1 << 11), "CR4.UMIP expected 0x1, got 0x0"),
    ("efer", EFER & ~(1 << 11), "EFER.NXE expected 0x1, got 0x0"),
])
def test_a_protection_that_is_off(register: str, value: int, text: str) -> None:
    view = machine().view(SYMBOLS, **{register: value})
    assert [(one.check, one.text) for one in protection(view)] == [("protection", text)]
    lacking = [one.text for one in protection(without(view, text[4:8].lower()))]
    assert lacking == ([] if register == "cr4" else [text]), "what the CPU lacks is not asked for"


def tighten(made: Machine) -> None:
    """A level above takes a right away."""
    table, offset = made.entry(KERNEL, level=2)
    pack_into("<Q", made.ram[table], offset, int.from_bytes(made.ram[table][offset:offset + 8], "little") & ~W)


@pytest.mark.parametrize("break_it, texts", [
    (lambda made: made.map(KERNEL + DATA, DATA, W),
     ["pages at 0xffffffff80104000 to 0xffffffff80104fff, rwx kernel: expected writable or executable, got both"]),
    (lambda made: made.map(USER, 0x300000, W | U),
     ["pages at 0x400000 to 0x400fff, rwx user: expected writable or executable, got both"]),
    (lambda made: made.map(DIRECT + TEXT, TEXT, NX | W),
     ["pages at 0xffffffff80101000 to 0xffffffff80102fff, r-x kernel: expected nowhere writable, got the same memory "
      "rw- kernel at 0xffff888000101000"]),
    (lambda made: made.map(USER, 0x801000, NX | W | U),
     ["pages at 0x401000 to 0x401fff, r-x user: expected nowhere writable, got the same memory rw- user at 0x400000"]),
    (lambda made: made.map(DIRECT + DATA, DATA, NX | W | U),
     ["pages at 0xffff888000104000 to 0xffff888000104fff, rw- user: expected to be the kernel's, got user"]),
    (lambda made: made.map(DIRECT + 0x200000, 0x200000, W, level=1),
     ["pages at 0xffff888000200000 to 0xffff8880003fffff, rwx kernel: expected writable or executable, got both"]),
    (lambda made: (made.map(KERNEL + DATA, DATA, W), tighten(made)),
     ["pages at 0xffffffff80104000 to 0xffffffff80104fff, r-x kernel: expected nowhere writable, got the same memory "
      "rw- kernel at 0xffff888000104000"]),
])
def test_rights_that_leave_a_gap(break_it: Break, texts: list[str]) -> None:
    made = machine()
    break_it(made)
    assert told(made) == texts


def test_a_table_where_no_memory_is() -> None:
    made = machine()
    pack_into("<Q", made.ram[made.cr3], 8 * 300, 0x8_8800_0040_0000 | P | W)
    assert told(made) == ["page table expected in memory, got physical 0x8880000400000"]


def test_tables_that_go_on_and_on() -> None:
    made = machine()
    for slot in range(300, 316):
        pack_into("<Q", made.ram[made.cr3], 8 * slot, made.cr3 | P | W)
    assert told(made) == ["page tables expected to end, got more tables than a kernel needs"]


@pytest.mark.parametrize("pairs, texts", [
    ([ROWS[1], ROWS[0], ROWS[2]],
     ["row 1: expected an instruction behind at(0xffffffff80101020), got at(0xffffffff80101010)"]),
    ([ROWS[0], ROWS[0], ROWS[2]],
     ["row 1: expected an instruction behind at(0xffffffff80101010), got at(0xffffffff80101010)"]),
    ([*ROWS[:2], (KERNEL + DATA, ROWS[2][1])],
     ["row 2: instruction expected in the kernel's code, got 0xffffffff80104000"]),
    ([(ROWS[0][0], 0), *ROWS[1:]], ["row 0: fixup expected in the kernel's code, got 0x0"]),
])
def test_rows_out_of_order(pairs: list[tuple[int, int]], texts: list[str]) -> None:
    made = machine()
    made.put(TABLE, rows(*pairs))
    assert told(made) == [f"exception table, {text}" for text in texts]


def test_the_table_itself() -> None:
    made = machine()
    made.map(KERNEL + TABLE, TABLE, NX | W)
    assert told(made) == ["exception table expected read-only, got rw- kernel"]
    made.unmap(KERNEL + TABLE)
    assert told(made) == [f"exception table expected at {KERNEL + TABLE:#x}, got nothing mapped there"]
    empty = Symbols(SYMBOLS.named | {"exception_table_end": KERNEL + TABLE})
    view = machine().view(empty)
    found = exception_table(view, PageTables(view))
    assert [one.text for one in found] == ["exception table expected with rows, got none"]


TOUCHED = [(0xffffc94000001123, 0x5b), (0xffffc94000005fff, 0x77)]
RECORD, CMDLINE, NAMES = DATA, DATA + 0x400, DATA + 0x800


def touched(tests: bytes = b"address,demand_zero") -> Machine:
    """As the test leaves it: what it touched, and pages with nothing but the byte written."""
    made = machine()
    made.put(RECORD, rows(*TOUCHED, (0, 0)))
    made.put(CMDLINE + 8, (KERNEL + NAMES).to_bytes(8, "little"))
    made.put(NAMES, tests + bytes(1))
    for frame, (address, value) in enumerate(TOUCHED, 0x400):
        made.map(address, frame << 12, NX | W)
        made.put((frame << 12) + address % 0x1000, bytes([value]))
    return made


def missed(made: Machine) -> list[str]:
    symbols = Symbols(SYMBOLS.named | {"demand_witness": KERNEL + RECORD, "cmdline": KERNEL + CMDLINE})
    return [one.text for one in demand(made.view(symbols), PageTables(made.view(symbols)))]


def test_pages_that_came_on_demand() -> None:
    assert missed(touched()) == []


@pytest.mark.parametrize("break_it, texts", [
    (lambda made: made.put(RECORD, bytes(48)), ["pages that came on demand: expected some, got none"]),
    (lambda made: made.unmap(TOUCHED[0][0]),
     ["page that was touched at 0xffffc94000001123: expected to be mapped, got nothing"]),
    (lambda made: made.map(TOUCHED[0][0], 0x400000, NX),
     ["page that was touched at 0xffffc94000001123: expected rw- kernel, got r-- kernel"]),
    (lambda made: made.map(TOUCHED[1][0], 0x400000, NX | W),
     ["page that was touched at 0xffffc94000005fff: expected memory of its own, got that of the page at "
      "0xffffc94000001123", "page that was touched at 0xffffc94000005fff: byte 291 expected 0x0, got 0x5b"]),
    (lambda made: made.map(TOUCHED[0][0], 0x8_8800_0040_0000, NX | W),
     ["page that was touched at 0xffffc94000001123: expected RAM, got physical 0x8880000400000"]),
    (lambda made: made.put(0x400008, b"x"),
     ["page that was touched at 0xffffc94000001123: byte 8 expected 0x0, got 0x78"]),
])
def test_pages_that_did_not_come_as_they_must(break_it: Break, texts: list[str]) -> None:
    made = touched()
    break_it(made)
    assert missed(made) == texts


def test_pages_that_no_test_was_to_touch() -> None:
    made = touched(b"address")
    made.put(RECORD, bytes(48))
    assert missed(made) == []
