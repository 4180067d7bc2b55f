"""The stack as it really was: a kernel run in QEMU, stopped where docs/drawings.toml says (drawing_plan.py).

Nothing is believed: a slot gets its name from `build/offsets.inc` only if there is in it what that name says, that is
what the register held when the interrupted instruction was about to run. The moment before a gate is that instruction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from . import vectors
from .drawing_names import USER_END, Frame, Names
from .drawing_plan import CannotDraw, Drawing, Moment
from .stopped import CannotStop, Stopped, Where
from .symbols import Symbols

OFFSETS = "build/offsets.inc"
SLOT = 8
GATE_BYTES = 16
PAGE_SIZE = 4096
IRETQ = b"\x48\xcf"
MOST_STEPS = 200
MOST_STACKS = 32
CALLED = ("trap", "do_syscall", "do_syscall32", "do_fast_syscall32")     # by the entry code, with the frame complete
IN_C = (*CALLED, "leave_to_kernel", "to_user", "leave_by_sysret")   # the door has done its part


@dataclass(frozen=True)
class Stack:
    """One of the kernel's, by the name that it has there."""

    name: str
    low: int
    top: int
    guarded: bool      # the page below is a guard page, and it is not mapped


@dataclass
class Seen:
    """A moment of the run: what each slot of the frames held, in words, and the registers likewise."""

    moment: Moment
    rsp: int
    stack: Stack
    slots: dict[int, str] = field(default_factory=dict)
    registers: dict[str, str] = field(default_factory=dict)


PROGRAMS = Stack("program's stack", 0, USER_END, False)


def offsets(root: Path) -> dict[str, int]:
    """The slots of struct pt_regs, by name, as the build has them; `size` is its own."""
    found = re.findall(r"^%define PT_(\w+) (\d+)$", (root / OFFSETS).read_text(), re.MULTILINE)
    return {name.lower(): int(offset) for name, offset in found}


class Sitting:
    """One run, in which the moments of one drawing are looked at. Raises CannotDraw."""

    def __init__(self, root: Path, built: Path, drawing: Drawing, run: Path) -> None:
        self._kernel = built.resolve() / "kernel"
        self._messages = run
        self._drawing = drawing
        self._symbols = Symbols(self._kernel)
        self._vectors = vectors.load(root)
        self._offsets = offsets(root)
        self._size = self._offsets.pop("size")
        self._slots = {offset: name for name, offset in self._offsets.items()}
        self._names = Names(drawing, self._symbols, self._offsets)
        self._frames: list[Frame] = []
        self._first: Where | None = None
        self._drawn: set[int] = set()      # slots that have been named
        self._in_c = False

    def look(self) -> list[Seen]:
        """Every moment of the drawing, hidden ones left out."""
        with Stopped(self._kernel, f"test={self._drawing.test}", self._messages) as machine:
            seen = []
            before: Where | None = None
            for moment in self._drawing.moments:
                try:
                    where = self._go(machine, moment)
                except CannotStop as error:
                    raise CannotDraw(f"{self._drawing.name}, at {moment.at}: {error}") from None
                if moment.gate is not None:
                    self._enter(moment.gate, where, before)
                elif moment.frame:
                    self._build(machine, where.registers[moment.frame])
                self._in_c = moment.at in IN_C or self._in_c and moment.gate is None
                seen.append(self._see(machine, moment, where))
                before = where
                self._first = self._first or where
        return [one for one in seen if not one.moment.hide]

    def _go(self, machine: Stopped, moment: Moment) -> Where:
        """Run to where a moment is."""
        if moment.at == "iretq":
            for _ in range(MOST_STEPS):
                where = machine.where()
                if machine.read(where.registers["rip"], len(IRETQ)) == IRETQ:
                    return where
                machine.step()
            raise CannotStop(f"there is none within {MOST_STEPS} instructions")
        address = self._symbols.get(moment.at) if moment.gate is None else self._behind(machine, moment.gate)
        if address is None:
            raise CannotStop("the kernel has no such symbol")
        if moment.gate is None and self._is_programs(address):
            address += self._names.runs
        machine.go_to(address)
        return machine.where()

    def _is_programs(self, address: int) -> bool:
        """Whether the program that runs lies there: it runs elsewhere."""
        name = self._drawing.program
        return bool(name) and self._symbols.address(f"{name}_start") <= address < self._symbols.address(f"{name}_end")

    def _behind(self, machine: Stopped, vector: int) -> int:
        """Where a gate leads: SDM vol. 3, figure 6-8."""
        gate = machine.read(self._symbols.address("idt") + GATE_BYTES * vector, GATE_BYTES)
        return int.from_bytes(gate[0:2] + gate[6:12], "little")

    def _enter(self, vector: int, where: Where, before: Where | None) -> None:
        if before is None:
            raise CannotDraw(f"{self._drawing.name}: the moment before gate {vector} must be that of the instruction")
        has_code = self._vectors[vector].has_code
        rip_slot = where.registers["rsp"] + (SLOT if has_code else 0)
        frame = Frame(rip_slot - self._offsets["rip"], vector, has_code, before, bool(self._frames))
        self._frames.append(frame)

    def _build(self, machine: Stopped, base: int) -> None:
        """The last frame lies at `base` by now; or one that the CPU had no part in, of whoever ran first."""
        if self._first is None:
            raise CannotDraw(f"{self._drawing.name}: the first moment must be that of the instruction")
        last = self._frames[-1] if self._frames else Frame(base, None, False, self._first, False)
        rsp = machine.word(base + self._offsets["rsp"])
        whose = next((frame for frame in reversed(self._frames) if frame.before.registers["rsp"] == rsp), last)
        self._frames.append(replace(last, base=base, before=whose.before, nested=whose.nested))

    def _see(self, machine: Stopped, moment: Moment, where: Where) -> Seen:
        rsp = where.registers["rsp"]
        stacks = [PROGRAMS] if rsp < USER_END else self._stacks(machine)
        stack = next((stack for stack in stacks if stack.low <= rsp <= stack.top), None)
        if stack is None:
            raise CannotDraw(f"{self._drawing.name}: at {moment.at} rsp is on no stack that the kernel knows")
        seen = Seen(moment, rsp, stack)
        for number, frame in enumerate(self._frames):
            if stack.low <= frame.base < stack.top:
                self._name_slots(machine, seen, frame, self._frames[number + 1:])
        self._drawn |= set(seen.slots)
        begun = Frame(0, None, False, self._first, False) if self._first else None
        now = self._frames[-1] if self._frames else begun
        for name in self._drawing.registers:
            seen.registers[name] = self._names.register(name, where, moment, now)
        return seen

    def _name_slots(self, machine: Stopped, seen: Seen, frame: Frame, later: Sequence[Frame]) -> None:
        """The slots of a frame, from rsp up; below it the two that a call into C adds.

        Of one that others have followed, what it had got by then and they have left.
        """
        for offset in sorted(self._slots):
            address = frame.base + offset
            left = not any(other.base <= address < other.base + self._size for other in later)
            if address >= seen.rsp and (not later or address in self._drawn and left):
                seen.slots[address] = self._names.slot(self._slots[offset], machine.word(address), frame, self._in_c)
        if seen.moment.at in CALLED and not later:
            address = frame.base - SLOT
            while address > seen.rsp:
                seen.slots[address] = "(8 bytes)"
                address -= SLOT
            back = machine.word(seen.rsp)
            if not self._symbols.address("entry_text_start") <= back < self._symbols.address("entry_text_end"):
                raise CannotDraw(f"{self._drawing.name}: {seen.moment.at}() was not called from the entry code")
            seen.slots[seen.rsp] = "return address"

    def _stacks(self, machine: Stopped) -> Iterator[Stack]:
        """The kernel's list of stacks: struct stack of <arch/stack.h>, five words each."""
        at = machine.word(self._symbols.address("stacks"))
        for _ in range(MOST_STACKS):
            if not at:
                return
            data = machine.read(at, 5 * SLOT)
            name, low, top, guard, at = (int.from_bytes(data[place:place + SLOT], "little")
                                         for place in range(0, 5 * SLOT, SLOT))
            yield Stack(machine.read(name, 64).partition(b"\0")[0].decode("ascii", "replace"), low, top,
                        guard == low - PAGE_SIZE and not machine.mapped(guard))
