"""pt_regs: the frame that the entry code builds, also while it is being built."""

from __future__ import annotations

from dataclasses import dataclass

import gdb

from . import kernel, unwind
from .machine import argument, describe, frame_register, register, word, words
from .stacks import stack_name
from .tables import SELECTORS

SLOT = 8
CPU_SLOTS = ("rip", "cs", "rflags", "rsp", "ss")
NAMES = ("r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx", "rsi", "rdi",
         "orig_rax", *CPU_SLOTS)                                       # struct pt_regs, arch/regs.h
FLAGS = ((0, "CF"), (2, "PF"), (4, "AF"), (6, "ZF"), (7, "SF"), (8, "TF"), (9, "IF"), (10, "DF"), (11, "OF"),
         (14, "NT"), (16, "RF"), (18, "AC"))
NO_SYSTEM_CALL = (1 << 64) - 1
COMPLETE = SLOT * (len(NAMES) - len(CPU_SLOTS))                        # bytes below the CPU's part


@dataclass(frozen=True)
class Entry:
    """One way into the kernel that is on the stack: where the CPU's part lies, and how far the code has got."""

    rip: int
    rsp: int
    found: unwind.Found

    @property
    def frame(self) -> int:
        return self.found.frame

    def slots(self) -> list[tuple[int, str]]:
        """What is on the stack from rsp up: address and name."""
        named = {at: name for name, at in self.found.saved.items()}
        named |= {self.frame + SLOT * index: name for index, name in enumerate(CPU_SLOTS)}
        if self.found.expected:
            named.setdefault(self.frame - SLOT, "orig_rax")
            named.setdefault(self.frame - 2 * SLOT, "vector")
        return [(at, named.get(at, "")) for at in range(self.rsp, self.frame + SLOT * len(CPU_SLOTS), SLOT)]


def entry_of(frame: gdb.Frame) -> Entry | None:
    """The way in that a gdb frame stands in, None if it is not in the entry code."""
    known = kernel.loaded()
    if known is None or not (known.state(frame.pc()) or known.within(frame.pc(), "entry_text")):
        return None
    rsp = frame_register(frame, "rsp")
    found = unwind.locate(known, frame.pc(), rsp, lambda name: kept_register(frame, name))
    return None if found is None else Entry(frame.pc(), rsp, found)


def kept_register(frame: gdb.Frame, name: str) -> int | None:
    """None for a register that a newer frame has lost."""
    return None if frame.read_register(name).is_optimized_out else frame_register(frame, name)


def nearest(frame: gdb.Frame) -> Entry | None:
    """The way in that led to a gdb frame."""
    for older in unwind.frames(frame):
        if entry := entry_of(older):
            return entry
    return None


def remark(name: str, value: int) -> str:
    """What a slot's value means."""
    if name == "rip":
        return describe(value) if describe(value) != f"{value:#x}" else ""
    if name == "ss" and value == 0:
        return "null: the interrupted code was entered by an IST stack"
    if name in ("cs", "ss"):
        return SELECTORS.get(value, "no selector of this kernel's GDT")
    if name == "rflags":
        return " ".join(flag for bit, flag in FLAGS if value >> bit & 1) or "none of the flags"
    if name == "rsp":
        return stack_name(value) or "on no stack of the kernel's"
    if name == "orig_rax":
        return ("-1: no system call to restart, no error code" if value == NO_SYSTEM_CALL
                else "error code, until C has it")
    return describe(value) if value >> 47 and describe(value) != f"{value:#x}" else ""


def _line(at: int, name: str, value: int, offset: int | None) -> str:
    place = f"  +{offset:#04x}" if offset is not None else ""
    said = remark(name, value)
    return f"  {at:#x}{place}  {name or '-':<9} {value:#018x}{'  ' + said if said else ''}"


class PtRegs(gdb.Command):
    """pt_regs [ADDRESS] -- the frame of registers that a way into the kernel builds.

Without an address: that of the way in which led to the selected frame, as far as it is built or still there; with
none on the stack, what lies at rsp. With one: the struct pt_regs there."""

    def __init__(self) -> None:
        super().__init__("pt_regs", gdb.COMMAND_DATA)

    def invoke(self, text: str, from_tty: bool) -> None:
        entry = None if text else nearest(gdb.selected_frame()) if register("rip") else None
        if entry is None:
            print("\n".join(whole(argument(text, "address") if text else register("rsp"))))
        elif entry.frame - entry.rsp >= COMPLETE and not missing(entry):
            print("\n".join(whole(entry.frame - COMPLETE)))
        else:
            print("\n".join(partial(entry)))


def missing(entry: Entry) -> list[str]:
    """The registers of struct pt_regs that are not where it has them."""
    return [name for index, name in enumerate(NAMES[:-len(CPU_SLOTS) - 1])
            if entry.found.saved.get(name) != entry.frame + SLOT * index - COMPLETE]


def whole(address: int) -> list[str]:
    lines = [f"struct pt_regs at {address:#x}, on {stack_name(address) or 'no stack of the kernel'}"]
    if not unwind.is_frame(kernel.current(), address + COMPLETE):
        lines = [f"no frame is on the stack here; the words at {address:#x}, read as if they were one"]
    for index, (name, value) in enumerate(zip(NAMES, words(address, len(NAMES)), strict=True)):
        lines.append(_line(address + SLOT * index, name, value, SLOT * index))
    return lines


def partial(entry: Entry) -> list[str]:
    """The frame from rsp up while the entry code is at work on it, or where it has another form."""
    lines = [f"a frame in the making, rsp = {entry.rsp:#x}, at {describe(entry.rip)}"]
    for at, name in entry.slots():
        lines.append(_line(at, name, word(at), None))
    there = {name for _, name in entry.slots()}
    absent = [name for name in NAMES if name not in there]
    if absent:
        lines.append(f"  still in the CPU: {' '.join(absent)}")
    return lines


