"""The stack as it really was: a kernel run in QEMU, stopped where docs/drawings.toml says (drawing_plan.py).

Nothing is believed: a slot gets its name from `build/offsets.inc` only if there is in it what that name says, that is
what the register held when the interrupted instruction was about to run. The moment before a gate is that instruction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from . import vectors
from .drawing_plan import CannotDraw, Drawing, Moment
from .stopped import CannotStop, Stopped, Where
from .symbols import Symbols

OFFSETS = "build/offsets.inc"
SLOT = 8
GATE_BYTES = 16
PAGE_SIZE = 4096
ALL_ONES = (1 << 64) - 1
IRETQ = b"\x48\xcf"
MOST_STEPS = 100
MOST_STACKS = 32
IN_C = ("trap", "leave_to_kernel")         # the door has done its part
ABORTS = (8, 18)                           # SDM vol. 3, table 6-1: nobody goes back by their rip
CAUSE, VECTOR = "orig_rax", "rdi"          # the slots that hold something else at first


@dataclass(frozen=True)
class Stack:
    """One of the kernel's, by the name that it has there."""

    name: str
    low: int
    top: int
    guarded: bool      # the page below is a guard page, and it is not mapped


@dataclass(frozen=True)
class Frame:
    """What one way in builds: `base` is where its struct pt_regs begins, `before` the registers that it saves."""

    base: int
    vector: int
    has_code: bool
    before: Where
    nested: bool       # what it interrupted was the handler of another one


@dataclass
class Seen:
    """A moment of the run: what each slot of the frames held, in words, and the registers likewise."""

    moment: Moment
    rsp: int
    stack: Stack
    slots: dict[int, str] = field(default_factory=dict)
    registers: dict[str, str] = field(default_factory=dict)


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
        self._names = {offset: name for name, offset in self._offsets.items()}
        self._frames: list[Frame] = []
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
                self._in_c = moment.at in IN_C or self._in_c and moment.gate is None
                seen.append(self._see(machine, moment, where))
                before = where
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
        machine.go_to(address)
        return machine.where()

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
        whole = [other for other in self._frames if abs(other.base - frame.base) >= self._size]
        self._frames = [*whole, frame]

    def _see(self, machine: Stopped, moment: Moment, where: Where) -> Seen:
        rsp = where.registers["rsp"]
        stack = next((stack for stack in self._stacks(machine) if stack.low <= rsp <= stack.top), None)
        if stack is None:
            raise CannotDraw(f"{self._drawing.name}: at {moment.at} rsp is on no stack that the kernel knows")
        seen = Seen(moment, rsp, stack)
        for frame in self._frames:
            if stack.low <= frame.base < stack.top:
                self._name_slots(machine, seen, frame)
        for name in self._drawing.registers:
            seen.registers[name] = self._named_register(name, where, moment)
        return seen

    def _name_slots(self, machine: Stopped, seen: Seen, frame: Frame) -> None:
        """The slots of a frame, from rsp up; below it the two that a call into C adds."""
        for offset in sorted(self._names):
            if frame.base + offset >= seen.rsp:
                value = machine.word(frame.base + offset)
                seen.slots[frame.base + offset] = self._named_slot(self._names[offset], value, frame)
        if seen.moment.at == "trap" and frame is self._frames[-1]:
            address = frame.base - SLOT
            while address > seen.rsp:
                seen.slots[address] = "(8 bytes)"
                address -= SLOT
            back = machine.word(seen.rsp)
            if not self._symbols.address("entry_text_start") <= back < self._symbols.address("entry_text_end"):
                raise CannotDraw(f"{self._drawing.name}: trap() was not called from the entry code")
            seen.slots[seen.rsp] = "return address"

    def _named_slot(self, name: str, value: int, frame: Frame) -> str:
        """The slot's name, if it holds what it should."""
        registers = frame.before.registers
        if name == "rip" and frame.vector in ABORTS:
            return name
        if name == "rip":
            return f"rip, {'in the handler' if frame.nested else self._place(value, registers['rip'])}"
        if name == "rsp" and value == registers["rsp"]:
            return f"rsp ...{value & 0xfff:03x}"
        if name in ("cs", "ss") and value == registers[name]:
            return name if frame.nested else f"{name} {value:#x}"
        if name == "rflags":
            return name
        if name == CAUSE and (value == ALL_ONES or frame.has_code):
            return ("orig_rax -1" if self._in_c else "-1") if value == ALL_ONES else f"error code {value:#x}"
        if name == VECTOR and value == frame.vector:
            return f"{value}, the vector"
        if value == registers.get(name):
            return name
        raise CannotDraw(f"{self._drawing.name}: the slot of {name} holds {value:#x}, which is nothing that belongs there")

    def _place(self, address: int, interrupted: int) -> str:
        """The address in a frame, for somebody who looks at the interrupted instruction."""
        name = self._symbols.describe(interrupted)
        known = {interrupted: "to run it again", self._symbols.get(f"{name}.next"): "the next one",
                 self._symbols.get(f"{name}.fixup"): "the fixup"}
        return known.get(address) or f"in {re.split('[.+]', self._symbols.describe(address))[0]}"

    def _named_register(self, name: str, where: Where, moment: Moment) -> str:
        value = where.registers[name]
        if not self._frames:
            return "its own" if name in self._names.values() else ""
        frame = self._frames[-1]
        own = frame.before.registers
        if name in self._names.values() and value == own[name]:
            return "its own"
        if name in self._names.values() and moment.at == "leave_to_kernel":
            return "C's"
        known = {frame.base: "regs", frame.vector: f"{frame.vector}, the vector", ALL_ONES: "-1"}
        if value in known:
            return known[value]
        if name == "cr2" and value == own["rdi"]:
            return "the address"
        if value < 1 << 16:
            return f"{value:#x}"
        raise CannotDraw(f"{self._drawing.name}: {name} holds {value:#x}, which is nothing that belongs there")

    def _stacks(self, machine: Stopped) -> Iterator[Stack]:
        """The kernel's list of stacks: struct stack of <arch/stack.h>, five words each."""
        at = machine.word(self._symbols.address("stacks"))
        for _ in range(MOST_STACKS):
            if not at:
                return
            data = machine.read(at, 5 * SLOT)
            name, low, top, guard, at = (int.from_bytes(data[place:place + SLOT], "little") for place in range(0, 5 * SLOT, SLOT))
            yield Stack(machine.read(name, 64).partition(b"\0")[0].decode("ascii", "replace"), low, top,
                        guard == low - PAGE_SIZE and not machine.mapped(guard))
