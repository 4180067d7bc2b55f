"""The probe of lab 05: four stacks in order first, then each thing wrong in turn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from struct import pack

import pytest
from fake_machine import NX, U, W, Machine, Symbols

from gatehouse.page_tables import PageTables
from gatehouse.probe_ist import machine_check, stacks

ROOT = Path(__file__).resolve().parents[2]
BLOCK, TSS, STACKS, STRIDE = 0xffffffff80107000, 0xffffffff80107090, 0xfffffe0000000000, 0x3000
FRAMES = 0x200000            # physical, page by page in order
TOPS = [STACKS + STRIDE * (number + 1) for number in range(4)]        # each above two pages and an unmapped one
NAMES = ["IST 1 (#DF)", "IST 2 (NMI)", "IST 3 (#DB)", "IST 4 (#MC)"]
Break = Callable[[Machine], None]


def machine(tops: list[int] = TOPS) -> Machine:
    made = Machine()
    made.map(BLOCK, 0x107000, NX | W)
    made.put(0x107090 + 0x24, pack("<7Q", *tops, *[0] * (7 - len(tops))))
    for number, top in enumerate(TOPS):
        for page in (1, 2):
            made.map(top - 0x1000 * page, FRAMES + 0x2000 * number + 0x1000 * page, NX | W)
    return made


def told(made: Machine, tss: int = TSS) -> list[tuple[str, str]]:
    view = made.view(Symbols({}), tss=tss)
    return [(finding.check, finding.text) for finding in stacks(view, ROOT, PageTables(view))]


def changed(index: int, pointer: int) -> list[int]:
    return [*TOPS[:index], pointer, *TOPS[index + 1:]]


def test_four_stacks_in_order() -> None:
    assert told(machine()) == []


@pytest.mark.parametrize("tops, findings", [
    (changed(0, 0), [("pointers", "IST 1 (#DF): expected the top of a stack, got 0x0 with nothing mapped below it")]),
    (changed(1, TOPS[1] - 0x2000),
     [("pointers", f"IST 2 (NMI): expected the top of a stack, got {TOPS[1] - 0x2000:#x} "
                   "with nothing mapped below it")]),
    (changed(3, TOPS[3] - 8),
     [("pointers", f"IST 4 (#MC): expected the top of its stack, {TOPS[3]:#x}, got {TOPS[3] - 8:#x}")]),
    (changed(3, TOPS[3] - 0x1000),
     [("pointers", f"IST 4 (#MC): expected the top of its stack, {TOPS[3]:#x}, got {TOPS[3] - 0x1000:#x}")]),
    (changed(2, TOPS[1]), [("disjoint", "IST 3 (#DB): expected a stack of its own, got that of IST 2 (NMI)")]),
    (changed(2, TOPS[1] - 0x1000),
     [("guards", "IST 2 (NMI): expected an unmapped page below its stack, got the stack of IST 3 (#DB)")]),
    ([*TOPS, 0x1234], [("pointers", "IST 5 (nobody) expected 0x0, got 0x1234")]),
    ([0, *TOPS[:3]], [("pointers", "IST 1 (#DF): expected the top of a stack, got 0x0 with nothing mapped below it")]),
])
def test_a_wrong_pointer(tops: list[int], findings: list[tuple[str, str]]) -> None:
    assert told(machine(tops)) == findings


def fill(made: Machine, first: int, count: int) -> None:
    for page in range(count):
        made.map(first + 0x1000 * page, 0x400000 + 0x1000 * page, NX | W)


@pytest.mark.parametrize("break_it, findings", [
    (lambda made: fill(made, TOPS[1], 1),
     [("guards", "IST 3 (#DB): expected an unmapped page below its stack, got the stack of IST 2 (NMI)")]),
    (lambda made: fill(made, STACKS - 0x100000, 0x101),
     [("guards", "IST 1 (#DF): expected an unmapped page below its stack, got none")]),
    (lambda made: fill(made, TOPS[3], 1),
     [("pointers", f"IST 4 (#MC): expected the top of its stack, {TOPS[3] + 0x1000:#x}, got {TOPS[3]:#x}")]),
    (lambda made: made.map(TOPS[2] - 0x1000, FRAMES + 0x1000, NX | W),
     [("disjoint", "IST 3 (#DB): expected memory of its own, got that of IST 1 (#DF)")]),
    (lambda made: made.map(TOPS[2] - 0x1000, 0x500000, NX),
     [("pointers", "IST 3 (#DB): expected a stack that is rw- kernel, got r-- kernel")]),
    (lambda made: made.map(TOPS[2] - 0x2000, 0x500000, NX | W | U),
     [("pointers", "IST 3 (#DB): expected a stack that is rw- kernel, got rw- user")]),
    (lambda made: made.unmap(TOPS[0] - 0x1000),
     [("pointers", f"IST 1 (#DF): expected the top of a stack, got {TOPS[0]:#x} with nothing mapped below it")]),
])
def test_wrong_memory(break_it: Break, findings: list[tuple[str, str]]) -> None:
    made = machine()
    break_it(made)
    assert told(made) == findings


def test_machine_checks_that_are_off() -> None:
    on = machine().view(Symbols({}), cr4=0x3008e0)
    assert list(machine_check(on)) == []
    finding, = machine_check(machine().view(Symbols({}), cr4=0x3008a0))
    assert (finding.check, finding.text) == ("machine_check", "CR4.MCE expected 0x1, got 0x0")


def test_no_tss_to_look_into() -> None:
    assert told(machine(), tss=0x1000) == [("pointers", "TSS expected in mapped memory, got its base 0x1000")]
