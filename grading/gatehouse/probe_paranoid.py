"""Lab 10 on: GS is the kernel's whatever has struck, and programs write their own base only where the doors know it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .labs import Lab
from .machine import View
from .probe_facts import Finding, fact
from .probe_ring3 import ring3

CR4_FSGSBASE = 16


def paranoid(view: View, root: Path, lab: Lab) -> list[Finding]:
    """The checks of `ring3`, and `gs_base`, `fsgsbase`."""
    return [*ring3(view, root, lab), *bases(view)]


def bases(view: View) -> Iterator[Finding]:
    """SWAPGS and WRGSBASE have been undone; the tests switch FSGSBASE off again."""
    yield from fact("gs_base", "GS base (percpu0)", view.symbols.address("percpu0"), view["gs_base"])
    yield from fact("fsgsbase", "CR4.FSGSBASE", 0, view["cr4"] >> CR4_FSGSBASE & 1)
