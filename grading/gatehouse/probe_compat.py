"""Lab 09 on: what leads to the doors of 32-bit code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .labs import Lab
from .machine import View
from .probe_facts import Finding, fact
from .probe_syscall import syscall
from .probe_tables import KERNEL_CS

LEADS_TO = {"sysenter_eip": "entry_sysenter", "cstar": "entry_syscall32"}       # MSR -> door


def compat(view: View, root: Path, lab: Lab) -> list[Finding]:
    """The checks of `syscall`, the gate of int 0x80 among its `gates`, and `msrs` where the emulator shows them."""
    return [*syscall(view, root, lab), *doors(view, view.fast_ways)]


def doors(view: View, msrs: dict[str, int]) -> Iterator[Finding]:
    """SYSENTER and SYSCALL lead where they should."""
    if not msrs:
        return
    yield from fact("msrs", "IA32_SYSENTER_CS", KERNEL_CS, msrs["sysenter_cs"])
    for msr, door in LEADS_TO.items():
        wanted, got = view.symbols.address(door), msrs[msr]
        if wanted != got:
            yield Finding("msrs", wanted, got, f"MSR {msr}: expected {door}, got {view.symbols.describe(got)}")
