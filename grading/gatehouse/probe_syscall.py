"""Lab 08 on: what SYSCALL and SYSRET load. SDM vol. 3, section 5.8.8; AMD APM vol. 2, section 6.1.1.

QEMU shows nobody these MSRs but for EFER, so the rest is Bochs's to tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .labs import Lab
from .machine import View
from .probe_facts import Field, Finding, fact, fields
from .probe_ring3 import ring3

EFER_SCE = 0
STAR = [Field("bits 63:48, from which SYSRET counts", 48, 0xffff), Field("bits 47:32, CS at SYSCALL", 32, 0xffff)]
WANTED_STAR = 0x23 << 48 | 0x10 << 32            # <arch/segments.h>: USER32_CS, KERNEL_CS
FLAGS = {"TF": 8, "IF": 9, "DF": 10, "NT": 14, "RF": 16, "AC": 18}


def syscall(view: View, root: Path, lab: Lab) -> list[Finding]:
    """The checks of `ring3`, and `sce`, `star`, `entry`, `mask`."""
    return [*ring3(view, root, lab), *fast_way(view)]


def fast_way(view: View) -> Iterator[Finding]:
    """Where SYSCALL leads to, and with what."""
    yield from fact("sce", "EFER.SCE", 1, view["efer"] >> EFER_SCE & 1)
    if not view.fast_ways:
        return
    yield from fields("star", "STAR", STAR, WANTED_STAR, view.fast_ways["star"])
    start, end = (view.symbols.address(f"entry_text_{name}") for name in ("start", "end"))
    for name in ("lstar", "cstar"):
        address = view.fast_ways[name]
        if not start <= address < end:
            yield Finding("entry", start, address, f"{name.upper()} expected inside .entry.text, "
                          f"{start:#x} to {end:#x}, got {view.symbols.describe(address)}")
    for flag, bit in FLAGS.items():
        yield from fact("mask", f"{flag} in FMASK", 1, view.fast_ways["fmask"] >> bit & 1)
