"""The probe of lab 07: the way back in order first, then each thing wrong in turn."""

from __future__ import annotations

from dataclasses import replace
from struct import pack

import pytest
from fake_machine import NX, U, W, Machine, Symbols

from gatehouse.machine import View
from gatehouse.page_tables import PageTables
from gatehouse.probe_ring3 import left_behind, way_back

BLOCK, TSS, STACK, IST = 0xffffffff80107000, 0xffffffff80107090, 0xfffffe0000004000, 0xfffffe0000008000


def view(rsp0: int = STACK, flags: int = NX | W, tss: int = TSS) -> View:
    made = Machine()
    made.map(BLOCK, 0x107000, NX | W)
    made.put(0x107090, pack("<IQ", 0, rsp0))
    made.put(0x107090 + 0x24, pack("<Q", IST))
    made.map(STACK - 0x1000, 0x200000, flags)
    made.map(STACK - 0x2000, 0x201000, flags)
    made.map(IST - 0x1000, 0x202000, NX | W)
    return made.view(Symbols({}), tss=tss)


def told(seen: View) -> list[tuple[str, str]]:
    return [(finding.check, finding.text) for finding in [*way_back(seen, PageTables(seen)), *left_behind(seen)]]


def test_a_way_back_in_order() -> None:
    assert told(view()) == []
    assert told(replace(view(), kernel_gs=lambda: 0x7fff00001000)) == [], "a program's"


@pytest.mark.parametrize("seen, findings", [
    (view(tss=0x1000), [("rsp0", "TSS expected in mapped memory, got its base 0x1000")]),
    (view(0), [("rsp0", "below RSP0 0x0 in the TSS: expected a stack that is rw- kernel, got nothing mapped")]),
    (view(flags=NX | W | U),
     [("rsp0", f"below RSP0 {STACK:#x} in the TSS: expected a stack that is rw- kernel, got rw- user")]),
    (view(STACK - 8), [("rsp0", f"RSP0 {STACK - 8:#x} in the TSS: modulo 16 expected 0x0, got 0x8"),
                       ("rsp0", "RSP0 in the TSS: expected the top of a stack, "
                                f"got {STACK - 8:#x} in the middle of one")]),
    (view(STACK - 0x2000),
     [("rsp0", f"below RSP0 {STACK - 0x2000:#x} in the TSS: expected a stack that is rw- kernel, got nothing mapped")]),
    (view(IST), [("rsp0", f"RSP0 in the TSS: expected a task's own stack, got an IST stack, {IST:#x}")]),
    (replace(view(), kernel_gs=lambda: BLOCK),
     [("gs", f"IA32_KERNEL_GS_BASE expected to hold a program's base while the kernel runs, got {BLOCK:#x}, "
       "an address of the kernel's")]),
    (replace(view(), values={**view().values, "cr0": 0x8001003b}), [("cr0", "CR0.TS expected 0x0, got 0x1")]),
])
def test_what_is_wrong(seen: View, findings: list[tuple[str, str]]) -> None:
    assert told(seen) == findings
