"""The probe of lab 06: controllers in order first, then each register wrong in turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from gatehouse.devices import LVT, Devices, LocalApic, Pic, Unreadable, from_monitor, from_parameters
from gatehouse.probe_interrupts import controllers

ORDER = Devices(LocalApic(0x1ff, dict(zip(LVT, (0xef, 0x10000, 0x10000, 0x10000, 0x8400, 0xfe))), frozenset()),
                (0x10000, 0x10000, 0x10030, 0x10000, 0x34, 0x18035, *(0x10000,) * 18),
                (Pic(0x20, 0xff, 0), Pic(0x28, 0xff, 0)))
Break = Callable[[Devices], Devices]


def told(devices: Devices) -> list[tuple[str, str]]:
    return [(finding.check, finding.text) for finding in controllers(devices)]


def test_controllers_in_order() -> None:
    assert told(ORDER) == []
    assert told(lvt(lint0=0x18700, thermal=0xfa, lint1=0x10000)) == []
    assert told(lvt(error=0x10fe & ~0x10000)) == [], "delivery status is the APIC's own"


def lvt(**registers: int) -> Devices:
    return replace(ORDER, local_apic=replace(ORDER.local_apic, lvt=ORDER.local_apic.lvt | registers))


def apic(**parts: object) -> Devices:
    return replace(ORDER, local_apic=replace(ORDER.local_apic, **parts))         # type: ignore[arg-type]


def line(number: int, entry: int) -> Devices:
    return replace(ORDER, redirection=(*ORDER.redirection[:number], entry, *ORDER.redirection[number + 1:]))


@pytest.mark.parametrize("devices, findings", [
    (apic(spurious=0xff), [("apic", "local APIC, register 0xf0: bit 8, software enable expected 0x1, got 0x0")]),
    (apic(spurious=0x10f), [("apic", "local APIC, register 0xf0: spurious vector expected 0xff, got 0xf")]),
    (lvt(timer=0x10000), [("apic", "local APIC, timer: vector expected 0xef, got 0x0"),
                          ("apic", "local APIC, timer: mask expected 0x0, got 0x1")]),
    (lvt(error=0x10000), [("apic", "local APIC, error: vector expected 0xfe, got 0x0"),
                          ("apic", "local APIC, error: mask expected 0x0, got 0x1")]),
    (lvt(error=0x4fe), [("apic", "local APIC, error: delivery mode expected 0x0, got 0x4")]),
    (lvt(lint0=0x8700), [("apic", "local APIC, LINT0 (the PICs' wire): mask expected 0x1, got 0x0")]),
    (apic(in_service=frozenset([0xef, 0x34])),
     [("in_service", "vector 0x34 expected to have ended, got none: it is in service"),
      ("in_service", "vector 0xef expected to have ended, got none: it is in service")]),
    (replace(ORDER, pics=(Pic(8, 0xff, 0), Pic(0x70, 0xff, 0))),
     [("pics", "first PIC, vector of its line 0 expected 0x20, got 0x8"),
      ("pics", "second PIC, vector of its line 0 expected 0x28, got 0x70")]),
    (replace(ORDER, pics=(Pic(0x20, 0xfb, 0x80), ORDER.pics[1])),
     [("pics", "first PIC, mask expected 0xff, got 0xfb"),
      ("pics", "first PIC, lines in service expected 0x0, got 0x80")]),
    (line(0, 0x30), [("lines", "I/O APIC, input 0: expected unused, as no ISA line leads there, got 0x30")]),
    (line(16, 0x10040), [("lines", "I/O APIC, input 16: expected unused, as no ISA line leads there, got 0x10040")]),
    (line(2, 0x32), [("lines", "I/O APIC, input 2: vector expected 0x30, got 0x32")]),
    (line(4, 0), [("lines", "I/O APIC, input 4: vector expected 0x34, got 0x0")]),
    (line(4, 0x01000000_00000c34), [("lines", "I/O APIC, input 4: delivery mode expected 0x0, got 0x4"),
                                    ("lines", "I/O APIC, input 4: destination mode expected 0x0, got 0x1"),
                                    ("lines", "I/O APIC, input 4: destination expected 0x0, got 0x1")]),
])
def test_a_register_that_is_wrong(devices: Devices, findings: list[tuple[str, str]]) -> None:
    assert told(devices) == findings


def test_an_emulator_that_shows_them_in_another_way() -> None:
    with pytest.raises(Unreadable, match="QEMU"):
        from_monitor("LVT0 none", "pic0: nothing")
    with pytest.raises(Unreadable, match="'software_enabled'"):
        from_parameters({"spurious_vector": 0xff}, {}, {})
