"""Lab 04 on: the CPU's protections are on, the page tables leave no gap in them, the exception table is in order.

In lab 04 itself: the pages that its test of demand paging has touched are there, and as they must be.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from struct import iter_unpack, unpack

from .labs import Lab
from .machine import NotMapped, View
from .page_tables import PAGE, Mapping, PageTables, TooManyTables
from .probe_facts import Finding, fact
from .probe_tables import idt

# SDM vol. 3, section 2.5 (CR0, CR4), 2.2.1 (EFER): register, bit, name, and the feature without which it is not asked.
PROTECTIONS = [("cr0", 16, "CR0.WP", None), ("cr4", 20, "CR4.SMEP", "smep"), ("cr4", 21, "CR4.SMAP", "smap"),
               ("cr4", 11, "CR4.UMIP", "umip"), ("efer", 11, "EFER.NXE", None)]
UPPER_HALF = 1 << 63
ROW = 16                     # bytes of the exception table: an instruction, and where to go on
WITNESS = 16                 # bytes of demand_witness: an address, and the byte written there
WITNESSED_IN, WITNESS_TEST = 4, "demand_zero"
CMDLINE_TESTS = 8            # offset in struct cmdline, kernel/cmdline.h
LONGEST_LIST = 1024


def faults(view: View, root: Path, lab: Lab) -> list[Finding]:
    """The checks of `idt`, and `protection`, `rights`, `exception_table`, `demand`."""
    tables = PageTables(view)
    return [*idt(view, root, lab), *protection(view), *rights(tables), *exception_table(view, tables),
            *(demand(view, tables) if lab.number == WITNESSED_IN else ())]


def protection(view: View) -> Iterator[Finding]:
    """Whether the CPU heeds what the page tables say, as far as it can."""
    for register, bit, name, feature in PROTECTIONS:
        if feature is None or feature in view.features:
            yield from fact("protection", name, 1, view[register] >> bit & 1)


def rights(tables: PageTables) -> Iterator[Finding]:
    """No page is writable and executable, by one address or by two; the upper half is not the user's."""
    try:
        mapped = list(tables.all())
    except TooManyTables:
        yield Finding("rights", 0, 1, "page tables expected to end, got more tables than a kernel needs")
        return
    for table in tables.nowhere:
        yield Finding("rights", 0, table, f"page table expected in memory, got physical {table:#x}")
    for one in mapped:
        if one.writable and one.executable:
            yield Finding("rights", 0, 1, f"{_where(one)}: expected writable or executable, got both")
        if one.user and one.start & UPPER_HALF:
            yield Finding("rights", 0, 1, f"{_where(one)}: expected to be the kernel's, got user")
    for code in mapped:
        for other in mapped:
            if (code.executable and other.writable and not (code.writable or other.executable)
                    and code.physical < other.physical + other.size and other.physical < code.physical + code.size):
                yield Finding("rights", 0, 1, f"{_where(code)}: expected nowhere writable, got the same memory "
                              f"{other.rights} at {other.start:#x}")


def _where(mapped: Mapping) -> str:
    return f"pages at {mapped.start:#x} to {mapped.end - 1:#x}, {mapped.rights}"


def exception_table(view: View, tables: PageTables) -> Iterator[Finding]:
    """Sorted, each row inside the kernel's code, and nobody can write to it any more."""
    start, end = (view.symbols.address(f"exception_table_{edge}") for edge in ("start", "end"))
    first, last = (view.symbols.address(f"text_{edge}") for edge in ("start", "end"))
    try:
        rows = list(iter_unpack("<QQ", view.read(start, (end - start) // ROW * ROW)))
    except NotMapped:
        yield Finding("exception_table", start, 0, f"exception table expected at {start:#x}, got nothing mapped there")
        return
    if not rows:
        yield Finding("exception_table", 1, 0, "exception table expected with rows, got none")
    before = 0
    for number, (instruction, fixup) in enumerate(rows):
        what = f"exception table, row {number}"
        if instruction <= before:
            yield Finding("exception_table", before, instruction, f"{what}: expected an instruction behind "
                          f"{view.symbols.describe(before)}, got {view.symbols.describe(instruction)}")
        before = instruction
        for name, address in (("instruction", instruction), ("fixup", fixup)):
            if not first <= address < last:
                yield Finding("exception_table", first, address,
                              f"{what}: {name} expected in the kernel's code, got {address:#x}")
    table = tables.mapping(start)
    if rows and table and table.writable:
        yield Finding("exception_table", 0, 1, f"exception table expected read-only, got {table.rights}")


def demand(view: View, tables: PageTables) -> Iterator[Finding]:
    """Each page that the test has touched: one of its own, rw-, zeroes but for the byte written."""
    start, size = view.symbols.address("demand_witness"), view.symbols.size("demand_witness")
    try:
        witnesses = [pair for pair in iter_unpack("<QQ", view.read(start, size // WITNESS * WITNESS)) if pair[0]]
        due = _asked_for(view, WITNESS_TEST)
    except NotMapped:
        yield Finding("demand", start, 0, "the record of pages touched expected in mapped memory, got none there")
        return
    if due and not witnesses:
        yield Finding("demand", 1, 0, "pages that came on demand: expected some, got none")
    taken: dict[int, int] = {}
    for address, value in witnesses:
        page = tables.mapping(address)
        what = f"page that was touched at {address:#x}"
        if page is None:
            yield Finding("demand", 1, 0, f"{what}: expected to be mapped, got nothing")
            continue
        if page.rights != "rw- kernel":
            yield Finding("demand", 0, 1, f"{what}: expected rw- kernel, got {page.rights}")
        try:
            held = view.physical(page.physical, PAGE)
        except NotMapped:
            yield Finding("demand", 0, page.physical, f"{what}: expected RAM, got physical {page.physical:#x}")
            continue
        if page.physical in taken:
            yield Finding("demand", 0, page.physical, f"{what}: expected memory of its own, got that of the page at "
                          f"{taken[page.physical]:#x}")
        taken[page.physical] = address
        wanted = bytes(value if byte == address % PAGE else 0 for byte in range(PAGE))
        if held != wanted:
            wrong = next(byte for byte in range(PAGE) if held[byte] != wanted[byte])
            yield Finding("demand", wanted[wrong], held[wrong],
                          f"{what}: byte {wrong} expected {wanted[wrong]:#x}, got {held[wrong]:#x}")


def _asked_for(view: View, test: str) -> bool:
    """Whether the kernel's command line plans this test."""
    where, = unpack("<Q", view.read(view.symbols.address("cmdline") + CMDLINE_TESTS, 8))
    names = view.read(where, LONGEST_LIST).split(b"\0")[0].decode("latin-1").split(",")
    return "all" in names or test in names
