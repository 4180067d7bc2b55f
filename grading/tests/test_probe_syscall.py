"""The probe of lab 08: SYSCALL's MSRs in order first, then each thing wrong in turn."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fake_machine import Machine, Symbols

from gatehouse.machine import View
from gatehouse.probe_syscall import fast_way

START, END = 0xffffffff80115000, 0xffffffff80116000
GOOD = {"star": 0x23001000000000, "lstar": START + 0x40, "cstar": START + 0x80, "fmask": 0x54700}


def view(efer: int = 0xd01, **msrs: int) -> View:
    made = Machine().view(Symbols({"entry_text_start": START, "entry_text_end": END}), efer=efer)
    return replace(made, fast_ways=GOOD | msrs)


def told(seen: View) -> list[tuple[str, str]]:
    return [(finding.check, finding.text) for finding in fast_way(seen)]


def test_a_door_in_order() -> None:
    assert told(view()) == []
    more = view(fmask=0x257fd5, star=GOOD["star"] | 0x1234)
    assert told(more) == [], "more may be masked; the low half means nothing"


def test_what_qemu_shows() -> None:
    assert told(replace(view(), fast_ways={})) == []
    assert told(replace(view(efer=0xd00), fast_ways={})) == [("sce", "EFER.SCE expected 0x1, got 0x0")]


@pytest.mark.parametrize("seen, findings", [
    (view(efer=0xd00), [("sce", "EFER.SCE expected 0x1, got 0x0")]),
    (view(star=0x33 << 48 | 0x10 << 32),
     [("star", "STAR: bits 63:48, from which SYSRET counts expected 0x23, got 0x33")]),
    (view(star=0x23 << 48 | 0x18 << 32), [("star", "STAR: bits 47:32, CS at SYSCALL expected 0x10, got 0x18")]),
    (view(lstar=END), [("entry", f"LSTAR expected inside .entry.text, {START:#x} to {END:#x}, got at({END:#x})")]),
    (view(cstar=0), [("entry", f"CSTAR expected inside .entry.text, {START:#x} to {END:#x}, got at(0x0)")]),
    (view(fmask=0x54500), [("mask", "IF in FMASK expected 0x1, got 0x0")]),
    (view(fmask=0x10700), [("mask", "NT in FMASK expected 0x1, got 0x0"),
                           ("mask", "AC in FMASK expected 0x1, got 0x0")]),
])
def test_what_is_wrong(seen: View, findings: list[tuple[str, str]]) -> None:
    assert told(seen) == findings
