"""The probe of lab 10: both bases in order first, then each thing wrong in turn."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fake_machine import Machine, Symbols

from gatehouse.machine import View
from gatehouse.probe_paranoid import bases

BLOCK = 0xffffffff80107000


def view(gs_base: int = BLOCK, cr4: int = 0) -> View:
    made = Machine().view(Symbols({"percpu0": BLOCK}))
    return replace(made, values={**made.values, "gs_base": gs_base, "cr4": cr4})


def told(seen: View) -> list[tuple[str, str]]:
    return [(finding.check, finding.text) for finding in bases(seen)]


def test_bases_in_order() -> None:
    assert told(view()) == []


@pytest.mark.parametrize("seen, findings", [
    (view(0x7654321f0000), [("gs_base", f"GS base (percpu0) expected {BLOCK:#x}, got 0x7654321f0000")]),
    (view(BLOCK + 8), [("gs_base", f"GS base (percpu0) expected {BLOCK:#x}, got {BLOCK + 8:#x}")]),
    (view(cr4=1 << 16), [("fsgsbase", "CR4.FSGSBASE expected 0x0, got 0x1")]),
])
def test_what_is_wrong(seen: View, findings: list[tuple[str, str]]) -> None:
    assert told(seen) == findings
