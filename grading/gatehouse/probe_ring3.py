"""Lab 07 on: what the CPU needs for the way back from ring 3, and what programs must not have left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from struct import unpack

from .labs import Lab
from .machine import NotMapped, View
from .page_tables import PAGE, PageTables
from .probe_facts import Finding, fact
from .probe_interrupts import interrupts

TSS_RSP0, TSS_IST, IST_STACKS = 4, 0x24, 7               # SDM vol. 3, figure 8-11
CR0_TS, NEGATIVE = 3, 1 << 63


def ring3(view: View, root: Path, lab: Lab) -> list[Finding]:
    """The checks of `interrupts`, and `rsp0`, `gs`, `cr0`."""
    return [*interrupts(view, root, lab), *way_back(view, PageTables(view)), *left_behind(view)]


def way_back(view: View, tables: PageTables) -> Iterator[Finding]:
    """RSP0 is the top of a stack of the kernel's, and no IST stack."""
    try:
        tss = view.read(view.tr.base, 0x68)
    except NotMapped:
        yield Finding("rsp0", 0, view.tr.base, f"TSS expected in mapped memory, got its base {view.tr.base:#x}")
        return
    rsp0: int = unpack("<Q", tss[TSS_RSP0:TSS_RSP0 + 8])[0]
    yield from fact("rsp0", f"RSP0 {rsp0:#x} in the TSS: modulo 16", 0, rsp0 % 16)
    below, above = tables.mapping((rsp0 - 1) & -PAGE), tables.mapping(rsp0 & -PAGE)
    rights = below.rights if below else "nothing mapped"
    if rights != "rw- kernel":
        yield Finding("rsp0", 1, 0, f"below RSP0 {rsp0:#x} in the TSS: expected a stack that is rw- kernel, "
                                    f"got {rights}", unset=not rsp0)
    elif above:
        yield Finding("rsp0", 1, 0, f"RSP0 in the TSS: expected the top of a stack, got {rsp0:#x} in the middle of one")
    elif rsp0 in unpack(f"<{IST_STACKS}Q", tss[TSS_IST:TSS_IST + 8 * IST_STACKS]):
        yield Finding("rsp0", 1, 0, f"RSP0 in the TSS: expected a task's own stack, got an IST stack, {rsp0:#x}")


def left_behind(view: View) -> Iterator[Finding]:
    """SWAPGS has been executed an even number of times, and #NM waits for nobody."""
    other = view.kernel_gs_base
    if other & NEGATIVE:
        yield Finding("gs", 0, other, f"IA32_KERNEL_GS_BASE expected to hold a program's base while the kernel runs, "
                      f"got {other:#x}, an address of the kernel's")
    yield from fact("cr0", "CR0.TS", 0, view["cr0"] >> CR0_TS & 1)
