"""stack: which stack this is, how much of it is used, and what the words on it are. stacks: all of them."""

from __future__ import annotations

from dataclasses import dataclass

import gdb

from . import kernel, unwind
from .machine import MASK, argument, describe, frame_register, register, words

MOST_STACKS = 64
SLOT = 8
PAGE = 4096
SHOWN = 32          # words


@dataclass(frozen=True)
class Area:
    name: str
    low: int
    top: int
    guard: int          # the page below it that is not mapped, 0 without one

    def guards(self, address: int) -> bool:
        """Whether who is at an address has left this stack at its low end."""
        return self.guard != 0 and self.guard <= address < self.guard + PAGE


def areas() -> list[Area]:
    """The stacks that the kernel has registered (arch/x86_64/debug/stack.c), none before it runs."""
    found = []
    try:
        at = gdb.parse_and_eval("stacks")
        while int(at) and len(found) < MOST_STACKS:
            found.append(Area(at["name"].string(), *(int(at[field]) & MASK for field in ("low", "top", "guard"))))
            at = at["next"]
    except gdb.error:        # the kernel has no such list, or paging is still off
        pass
    return found


def area_at(address: int) -> Area | None:
    return next((area for area in areas() if area.low <= address < area.top), None)


def stack_name(address: int) -> str | None:
    """`the NMI stack`, also for the page below it; None for an address on no stack."""
    for area in areas():
        if area.low <= address < area.top:
            return f"the {area.name}"
        if area.guards(address):
            return f"the guard page below the {area.name}"
    return None


class Stack(gdb.Command):
    """stack [WORDS] -- the stack that rsp is on: its name, how much is used, its words from rsp up (32 of them)."""

    def __init__(self) -> None:
        super().__init__("stack", gdb.COMMAND_STACK)

    def invoke(self, text: str, from_tty: bool) -> None:
        rsp = register("rsp")
        count = argument(text, "number of words") if text else SHOWN
        area = area_at(rsp)
        over = next((area for area in areas() if area.guards(rsp)), None)
        if over is not None:
            print(f"rsp = {rsp:#x}, in the guard page of the {over.name}: it has overflowed by {over.low - rsp} bytes")
            area, rsp = over, over.low
        elif area is None:
            print(f"rsp = {rsp:#x}, on no stack of the kernel's")
        if area is not None:
            used = f"{area.top - rsp} of {area.top - area.low} bytes used"
            print(f"the {area.name}, {area.low:#x} to {area.top:#x}: {used}")
            count = min(count, (area.top - rsp) // SLOT)
        notes = marks()
        for index, value in enumerate(words(rsp, count)):
            at = rsp + SLOT * index
            print(f"  {at:#x}  {value:#018x}  {notes.get(at) or meaning(value)}".rstrip())
        if area is not None and rsp + SLOT * count < area.top:
            print(f"  ... {(area.top - rsp) // SLOT - count} more words")


class Stacks(gdb.Command):
    """stacks -- every stack that the kernel has made known: its guard page, its bytes, its name."""

    def __init__(self) -> None:
        super().__init__("stacks", gdb.COMMAND_STACK)

    def invoke(self, text: str, from_tty: bool) -> None:
        rsp = register("rsp")
        for area in sorted(areas(), key=lambda area: area.low):
            guard = f"guard page {area.guard:#x}" if area.guard else "no guard page"
            here = "  <- rsp" if area.low <= rsp < area.top or area.guards(rsp) else ""
            size = (area.top - area.low) // 1024
            print(f"  {area.low:#x} to {area.top:#x}  {size:>3} KiB  {guard}  {area.name}{here}")


def marks() -> dict[int, str]:
    """What the frames of the backtrace have on the stack: the slots of each way in, the return addresses."""
    from .frames import CPU_SLOTS, entry_of, remark     # it needs stack_name from here
    notes: dict[int, str] = {}
    known = kernel.loaded()
    newer: gdb.Frame | None = None
    for frame in unwind.frames(gdb.newest_frame()):
        if entry := entry_of(frame):
            for at, name in entry.slots():
                if name:
                    said = remark(name, words(at, 1)[0])
                    notes[at] = f"{name}{', ' + said if said else ''}"
            above = entry.frame + SLOT * len(CPU_SLOTS)
            for at in range(above, min(words(above - 2 * SLOT, 1)[0], above + unwind.ALIGNMENT), SLOT):
                notes[at] = "skipped by the CPU when it aligned rsp"
        if newer is not None and gdb.SIGTRAMP_FRAME not in (newer.type(), frame.type()):
            at = frame_register(frame, "rsp") - SLOT
            if known and unwind.is_return_address(known, frame.pc()) and words(at, 1)[0] == frame.pc():
                notes.setdefault(at, f"return to {describe(frame.pc())}")
        newer = frame
    return notes


def meaning(value: int) -> str:
    """What a word that no frame claims may be."""
    known = kernel.loaded()
    if known is None:
        return ""
    if unwind.is_return_address(known, value):
        return f"may be a return to {describe(value)}"
    if area := area_at(value):
        return f"into the {area.name}"
    text = describe(value)
    return "" if text == f"{value:#x}" else text
