"""Backtraces through assembly.

Where the entry code can be followed (gatehouse/entry_frames.py), gdb has unwind information and unwinds by itself.
This unwinder steps in where that is not enough:
- in the entry code when the frame is not where the code would put it (a stub reached with INT n, a switched stack):
  then the frame is looked for, by what a frame must look like;
- in other assembly, which has no unwind information at all: the return address is looked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import gdb
from gdb.unwinder import Unwinder, register_unwinder

from gatehouse.cfi import CPU_PC

from . import kernel
from .kernel import Kernel
from .machine import MASK

SLOT = 8
FRAME_SLOTS = 5
SEARCHED = 64                          # slots
MOST_FRAMES = 100
CODE_SELECTORS = (0x10, 0x33, 0x23)    # arch/segments.h
STACK_SELECTORS = {0x10: (0x18, 0), 0x33: (0x2b,), 0x23: (0x2b,)}
FLAGS_FIXED, FLAGS_ZERO = 1 << 1, ~0x3f7fd7 & MASK    # SDM vol. 1, figure 3-8
ALIGNMENT = 16
REGISTERS = ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", *(f"r{number}" for number in range(8, 16)),
             "eflags", "cs", "ss", "ds", "es", "fs", "gs", "fs_base", "gs_base", "k_gs_base")


class Identity:
    """What tells one frame from another: gdb wants these two attributes."""

    def __init__(self, sp: gdb.Value, pc: gdb.Value) -> None:
        self.sp = sp
        self.pc = pc


class AssemblyUnwinder(Unwinder):
    def __init__(self) -> None:
        super().__init__("gatehouse")

    def __call__(self, pending: gdb.PendingFrame) -> gdb.UnwindInfo | None:
        known = kernel.loaded()
        if known is None:
            return None
        pc, rsp = (_known(pending, name) for name in ("rip", "rsp"))
        if pc is None or rsp is None:
            return None
        try:
            if known.state(pc) or known.within(pc, "entry_text"):
                return self._entry(pending, known, pc, rsp)
            return self._assembly(pending, known, pc, rsp) if in_assembly(known, pc) else None
        except gdb.MemoryError:
            return None

    def _entry(self, pending: gdb.PendingFrame, known: Kernel, pc: int, rsp: int) -> gdb.UnwindInfo | None:
        found = locate(known, pc, rsp, lambda name: _known(pending, name))
        return None if found is None or found.expected else _interrupted(pending, found)

    def _assembly(self, pending: gdb.PendingFrame, known: Kernel, pc: int, rsp: int) -> gdb.UnwindInfo | None:
        for slot in range(SEARCHED):
            at = rsp + SLOT * slot
            if is_return_address(known, _word(at)):
                break
        else:
            return None
        start = known.symbols.get(known.symbols.describe(pc).partition("+")[0]) or pc
        saved = {"rip": _stored(pending, at), "rsp": _value(at + SLOT)}
        rbp = _known(pending, "rbp")
        if rbp is None or not links(known, rbp, at):
            places = [place for place in range(rsp, at, SLOT) if links(known, _word(place), at)]
            if places:
                saved["rbp"] = _stored(pending, places[0])
        return _unwound(pending, _value(at + SLOT), _value(start), saved)


@dataclass(frozen=True)
class Found:
    """The CPU's frame, the addresses of the registers that the entry code has saved, and whether gdb's own unwind
    information says the same."""

    frame: int
    saved: dict[str, int]
    expected: bool


def locate(known: Kernel, pc: int, rsp: int, read: Callable[[str], int | None]) -> Found | None:
    """Where the code at PC should have the CPU's frame; if there is none, the nearest one above rsp."""
    saved: dict[str, int] = {}
    for likeliest, state in enumerate(known.state(pc)):
        base = read(state.base)
        if base is None:
            continue
        frame = (base + state.offset) & MASK
        there = {name: frame + offset for name, offset in state.saved}
        if is_frame(known, frame):
            return Found(frame, there, likeliest == 0)
        saved = saved or there
    for at in range(rsp, rsp + SLOT * SEARCHED, SLOT):
        if is_frame(known, at):
            return Found(at, {name: slot for name, slot in saved.items() if slot < at}, False)
    return None


def is_frame(known: Kernel, at: int) -> bool:
    """Whether the five slots at an address can have been pushed by the CPU (SDM vol. 3, section 6.14.2)."""
    try:
        rip, cs, flags, rsp, ss = (_word(at + SLOT * slot) for slot in range(FRAME_SLOTS))
    except gdb.MemoryError:
        return False
    if cs not in CODE_SELECTORS or ss not in STACK_SELECTORS[cs] or not flags & FLAGS_FIXED or flags & FLAGS_ZERO:
        return False
    if cs != CODE_SELECTORS[0]:
        return rip >> 47 == 0
    gap = rsp - (at + SLOT * FRAME_SLOTS)          # 0 to 15 on the same stack; another stack when an IST is used
    return known.in_text(rip) and (0 <= gap < ALIGNMENT or abs(gap) >= 1024)


def is_return_address(known: Kernel, address: int) -> bool:
    """Whether a CALL stands before an address in the kernel's code."""
    return address in known.called_from


def links(known: Kernel, rbp: int, above: int) -> bool:
    """Whether rbp can be the frame pointer of a caller whose frame begins above an address."""
    if not above < rbp < above + 8192 or rbp % SLOT:
        return False
    try:
        return is_return_address(known, _word(rbp + SLOT))
    except gdb.MemoryError:
        return False


def in_assembly(known: Kernel, pc: int) -> bool:
    if not known.in_text(pc):
        return False
    table = gdb.find_pc_line(pc).symtab
    return table is not None and table.filename.endswith((".asm", ".inc"))


def _interrupted(pending: gdb.PendingFrame, found: Found) -> gdb.UnwindInfo:
    """Like the rows of gatehouse/cfi.py: the caller is the CPU's frame, which is unwound by those."""
    values = {name: _stored(pending, at, name) for name, at in found.saved.items()}
    return _unwound(pending, _value(found.frame), pending.read_register("rip"),
                    {**values, "rip": _value(CPU_PC), "rsp": _value(found.frame)})


def _unwound(pending: gdb.PendingFrame, sp: gdb.Value, pc: gdb.Value, saved: dict[str, gdb.Value]) -> gdb.UnwindInfo:
    """The caller's registers: those in SAVED, the others as they are. What is not named, gdb takes for lost."""
    info = pending.create_unwind_info(Identity(sp, pc))
    for name in REGISTERS:
        value = pending.read_register(name)
        if name not in saved and not value.is_optimized_out:
            info.add_saved_register(name, value)
    for name, value in saved.items():
        info.add_saved_register(name, value)
    return info


def _known(pending: gdb.PendingFrame, register: str) -> int | None:
    """None for a register that a newer frame has lost."""
    value = pending.read_register(register)
    return None if value.is_optimized_out else int(value) & MASK


def _word(address: int) -> int:
    return int.from_bytes(bytes(gdb.selected_inferior().read_memory(address & MASK, SLOT)), "little")


def _value(number: int) -> gdb.Value:
    return gdb.Value(number & MASK).cast(gdb.selected_inferior().architecture().integer_type(64, False))


def _stored(pending: gdb.PendingFrame, address: int, register: str = "rip") -> gdb.Value:
    """A register's value out of memory, in the type that gdb has for the register."""
    kind = pending.read_register(register).type
    return gdb.Value(bytes(gdb.selected_inferior().read_memory(address & MASK, kind.sizeof)), kind)


def frames(start: gdb.Frame) -> Iterator[gdb.Frame]:
    """A frame and all older ones; from a stack that is spoilt gdb may read frames without end."""
    frame: gdb.Frame | None = start
    for _ in range(MOST_FRAMES):
        if frame is None:
            break
        yield frame
        frame = frame.older()


def install() -> None:
    register_unwinder(None, AssemblyUnwinder(), replace=True)
