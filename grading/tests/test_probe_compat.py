"""The probe of lab 09: the MSRs of 32-bit code's doors in order first, then each wrong in turn."""

from __future__ import annotations

import pytest
from fake_machine import Machine, Symbols

from gatehouse.machine import View
from gatehouse.probe_compat import doors

SYSENTER, SYSCALL32, SYSCALL = 0xffffffff80115100, 0xffffffff80115180, 0xffffffff80115000
GOOD = {"sysenter_cs": 0x10, "sysenter_esp": 0, "sysenter_eip": SYSENTER, "cstar": SYSCALL32}


def view() -> View:
    return Machine().view(Symbols({"entry_sysenter": SYSENTER, "entry_syscall32": SYSCALL32, "entry_syscall": SYSCALL}))


def told(msrs: dict[str, int]) -> list[tuple[str, int, int]]:
    return [(finding.text.partition(":")[0], finding.expected, finding.got) for finding in doors(view(), msrs)]


def test_doors_in_order_and_where_nothing_is_shown() -> None:
    assert told(GOOD) == []
    assert told({}) == []
    assert told(GOOD | {"sysenter_esp": 0xffffffff80107000}) == [], "any that is not a program's"


@pytest.mark.parametrize("wrong, expected", [
    ({"sysenter_cs": 0x8}, ("IA32_SYSENTER_CS expected 0x10, got 0x8", 0x10, 0x8)),
    ({"sysenter_eip": SYSENTER & 0xffffffff}, ("MSR sysenter_eip", SYSENTER, SYSENTER & 0xffffffff)),
    ({"cstar": SYSCALL}, ("MSR cstar", SYSCALL32, SYSCALL)),
])
def test_what_is_wrong(wrong: dict[str, int], expected: tuple[str, int, int]) -> None:
    assert told(GOOD | wrong) == [expected]
