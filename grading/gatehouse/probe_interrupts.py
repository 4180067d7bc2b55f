"""Lab 06 on: what an interrupt passes through, from the pin of a device to the end that its handler tells.

SDM vol. 3, sections 11.5.1 (local vectors), 11.8.4 (in service), 11.9 (spurious vector); Intel 82093AA data sheet,
section 3.2.4.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .devices import Devices, Unreadable
from .labs import Lab
from .machine import View
from .probe_facts import Field, Finding, fact, fields
from .probe_ist import ist

# <arch/interrupts.h>
VECTOR_PIC, VECTOR_LINES, ISA_LINES = 0x20, 0x30, 16
VECTOR_TIMER, VECTOR_APIC_ERROR, VECTOR_SPURIOUS = 0xef, 0xfe, 0xff
PIT_INPUT = 2                # of the I/O APIC: where ISA line 0 comes in, in every PC; nothing comes in at 0
MASKED = 1 << 16
SPURIOUS = [Field("bit 8, software enable", 8, 1), Field("spurious vector", 0, 0xff)]
LOCAL = [Field("vector", 0, 0xff), Field("delivery mode", 8, 7), Field("mask", 16, 1)]
MASK = [Field("mask", 16, 1)]
LINE = [Field("vector", 0, 0xff), Field("delivery mode", 8, 7), Field("destination mode", 11, 1),
        Field("destination", 56, 0xff)]


def interrupts(view: View, root: Path, lab: Lab) -> list[Finding]:
    """The checks of `ist`, and `apic`, `in_service`, `lines`, `pics`."""
    found = ist(view, root, lab)
    try:
        return [*found, *controllers(view.devices)]
    except Unreadable as error:
        return [*found, Finding("apic", 1, 0, "interrupt controllers expected in the known form, "
                                              f"got another: {error}")]


def controllers(devices: Devices) -> Iterator[Finding]:
    """What the controllers hold when all is over."""
    apic = devices.local_apic
    yield from fields("apic", "local APIC, register 0xf0", SPURIOUS, 1 << 8 | VECTOR_SPURIOUS, apic.spurious)
    yield from fields("apic", "local APIC, timer", LOCAL, VECTOR_TIMER, apic.lvt["timer"])
    yield from fields("apic", "local APIC, error", LOCAL, VECTOR_APIC_ERROR, apic.lvt["error"])
    yield from fields("apic", "local APIC, LINT0 (the PICs' wire)", MASK, MASKED, apic.lvt["lint0"])
    for vector in sorted(apic.in_service):
        yield Finding("in_service", 0, vector, f"vector {vector:#x} expected to have ended, got none: it is in service")
    for name, base, pic in zip(("first", "second"), (VECTOR_PIC, VECTOR_PIC + 8), devices.pics):
        yield from fact("pics", f"{name} PIC, vector of its line 0", base, pic.base)
        yield from fact("pics", f"{name} PIC, mask", 0xff, pic.mask)
        yield from fact("pics", f"{name} PIC, lines in service", 0, pic.in_service)
    for number, entry in enumerate(devices.redirection):
        if entry & 0xff or not entry & MASKED:
            yield from _line(number, entry)


def _line(number: int, entry: int) -> Iterator[Finding]:
    """An entry that has been used."""
    what = f"I/O APIC, input {number}"
    if number == 0 or number >= ISA_LINES:
        yield Finding("lines", MASKED, entry, f"{what}: expected unused, as no ISA line leads there, got {entry:#x}")
        return
    expected = VECTOR_LINES + (0 if number == PIT_INPUT else number)
    yield from fields("lines", what, LINE, expected, entry)
