"""The interrupt controllers of a stopped machine, as registers of the manuals, whoever shows them.

SDM vol. 3, chapter 11 (local APIC); Intel 82093AA data sheet (I/O APIC); Intel 8259A data sheet (PICs).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LVT = ("timer", "thermal", "performance", "lint0", "lint1", "error")


@dataclass(frozen=True)
class LocalApic:
    """Of the one CPU; `spurious` is register 0xf0, `lvt` the local vector table by the names of LVT."""

    spurious: int
    lvt: dict[str, int]
    in_service: frozenset[int]       # vectors whose handler has not said EOI yet


@dataclass(frozen=True)
class Pic:
    """An 8259A: the vector of its line 0, and its lines as bits."""

    base: int
    mask: int
    in_service: int


@dataclass(frozen=True)
class Devices:
    """What takes part when a device interrupts."""

    local_apic: LocalApic
    redirection: tuple[int, ...]     # the I/O APIC's entries of 64 bits, by line
    pics: tuple[Pic, Pic]            # master, slave


class Unreadable(Exception):
    """The emulator shows its devices in another way than the one that this grader knows."""


_APIC = re.compile(r"^(\w+)\s+0x([0-9a-f]{8})\b", re.M)
_IN_SERVICE = re.compile(r"^ISR\s+(.*)$", re.M)
_PIN = re.compile(r"^  pin (\d+) +0x([0-9a-f]{16})\b", re.M)
_PIC = re.compile(r"^pic([01]): irr=\w+ imr=([0-9a-f]{2}) isr=([0-9a-f]{2}) .*irq_base=([0-9a-f]{2})", re.M)
_MONITORS_LVT = dict(zip(LVT, ("LVTT", "LVTTHMR", "LVTPC", "LVT0", "LVT1", "LVTERR")))


def from_monitor(lapic: str, pic: str) -> Devices:
    """From `info lapic` and `info pic` of QEMU's monitor.  Raises Unreadable."""
    shown = {name: int(value, 16) for name, value in _APIC.findall(lapic)}
    pins = sorted((int(pin), int(value, 16)) for pin, value in _PIN.findall(pic))
    pics = {number: Pic(int(base, 16), int(mask, 16), int(served, 16))
            for number, mask, served, base in _PIC.findall(pic)}
    served = _IN_SERVICE.search(lapic)
    if len(pics) != 2 or not pins or served is None or not {"SPIV", *_MONITORS_LVT.values()} <= shown.keys():
        raise Unreadable("QEMU's monitor")
    vectors = frozenset(int(vector) for vector in re.findall(r"\d+", served[1]))
    return Devices(LocalApic(shown["SPIV"], {name: shown[theirs] for name, theirs in _MONITORS_LVT.items()}, vectors),
                   tuple(value for _, value in pins), (pics["0"], pics["1"]))


_ENABLED = 1 << 8            # of the spurious register
_BOCHS_LVT = dict(zip(LVT, (f"lvt{number}" for number in range(len(LVT)))))


def from_parameters(apic: dict[str, int], redirection: dict[str, dict[str, int]], pic: dict[str, dict[str, int]]
                    ) -> Devices:
    """From the parameters cpu0.local_apic, ioapic.ioredtbl and pic of Bochs.  Raises Unreadable."""
    try:
        spurious = apic["spurious_vector"] | (_ENABLED if apic["software_enabled"] else 0)
        vectors = frozenset(32 * word + bit for word in range(8) for bit in range(32) if apic[f"isr{word}"] >> bit & 1)
        entries = {int(line, 16): entry["lo"] | entry["hi"] << 32 for line, entry in redirection.items()}
        master, slave = (Pic(half["interrupt_offset"], half["imr"], half["isr"])
                         for half in (pic["master"], pic["slave"]))
        lvt = {name: apic[theirs] for name, theirs in _BOCHS_LVT.items()}
    except KeyError as error:
        raise Unreadable(f"Bochs's parameter {error}") from error
    return Devices(LocalApic(spurious, lvt, vectors), tuple(value for _, value in sorted(entries.items())),
                   (master, slave))
