"""The stack as it really was: a kernel run in Bochs' debugger, stopped where docs/drawings.toml says.

    [[drawing]]
    name      = "exception"         the marker in the page
    test      = "breakpoint"        the test of kernel/drawings that is run
    fold      = true                optional: rdx to r14 become one row
    registers = ["rdi", "cr2"]      optional: rows below the stack

    [[drawing.moment]]
    at    = "entry_normal"          a symbol; `gate 3`, the first instruction behind that gate; or `iretq`, the next one
    title = "after the stub"        the column's head
    hide  = true                    optional: looked at, because a frame begins here, but not drawn

Nothing is believed: a slot gets its name from `build/offsets.inc` only if there is in it what that name says, that is
what the register held when the interrupted instruction was about to run. The moment before a gate is that instruction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from . import vectors
from .by_hand import Wish
from .prompt import Prompt, Where
from .symbols import Symbols
from .toml_table import Source, Table

PLAN = "docs/drawings.toml"
OFFSETS = "build/offsets.inc"
SLOT = 8
GATE_BYTES = 16
ALL_ONES = (1 << 64) - 1
IRETQ = b"\x48\xcf"
MOST_STEPS = 100
MOST_STACKS = 32
IN_C = ("trap", "leave_to_kernel")         # the door has done its part
CAUSE, VECTOR = "orig_rax", "rdi"          # the slots that hold something else at first


class CannotDraw(Exception):
    """One line that says why."""


@dataclass(frozen=True)
class Moment:
    at: str
    title: str
    hide: bool

    @property
    def gate(self) -> int | None:
        found = re.fullmatch(r"gate (\d+)", self.at)
        return int(found[1]) if found else None


@dataclass(frozen=True)
class Drawing:
    name: str
    test: str
    fold: bool
    registers: tuple[str, ...]
    moments: tuple[Moment, ...]


@dataclass(frozen=True)
class Stack:
    """One of the kernel's, by the name that it has there."""

    name: str
    low: int
    top: int


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


def plan(root: Path) -> list[Drawing]:
    """Raises CannotDraw for the first mistake, with its line."""
    source = Source(root / PLAN)
    table = source.root()
    drawings = [_drawing(row) for row in table.tables("drawing")]
    table.finish()
    for line, text in sorted(source.mistakes):
        raise CannotDraw(f"{PLAN}:{line}: {text}")
    return drawings


def _drawing(row: Table) -> Drawing:
    drawing = Drawing(row.string("name"), row.string("test"), row.flag("fold", False), row.strings("registers", ()),
                      tuple(_moment(moment) for moment in row.tables("moment")))
    row.finish()
    return drawing


def _moment(row: Table) -> Moment:
    moment = Moment(row.string("at"), row.string("title", ""), row.flag("hide", False))
    row.finish()
    return moment


def offsets(root: Path) -> dict[str, int]:
    """The slots of struct pt_regs, by name, as the build has them; `size` is its own."""
    found = re.findall(r"^%define PT_(\w+) (\d+)$", (root / OFFSETS).read_text(), re.MULTILINE)
    return {name.lower(): int(offset) for name, offset in found}


class Sitting:
    """One run, in which the moments of one drawing are looked at. Raises CannotDraw."""

    def __init__(self, root: Path, built: Path, drawing: Drawing, run: Path) -> None:
        run.mkdir()
        self._asked = Wish(built.resolve(), None, f"test={drawing.test}", run)
        self._drawing = drawing
        self._symbols = Symbols(self._asked.kernel)
        self._vectors = vectors.load(root)
        self._offsets = offsets(root)
        self._size = self._offsets.pop("size")
        self._names = {offset: name for name, offset in self._offsets.items()}
        self._frames: list[Frame] = []
        self._in_c = False
        self._breakpoints = 0

    def look(self) -> list[Seen]:
        """Every moment of the drawing, hidden ones left out."""
        with Prompt(self._asked) as prompt:
            seen = []
            before: Where | None = None
            for moment in self._drawing.moments:
                where = self._go(prompt, moment)
                if moment.gate is not None:
                    self._enter(moment.gate, where, before)
                self._in_c = moment.at in IN_C or self._in_c and moment.gate is None
                seen.append(self._see(prompt, moment, where))
                before = where
        return [one for one in seen if not one.moment.hide]

    def _go(self, prompt: Prompt, moment: Moment) -> Where:
        """Run to where a moment is."""
        if moment.at == "iretq":
            for _ in range(MOST_STEPS):
                where = prompt.where()
                if prompt.read(where.registers["rip"], len(IRETQ)) == IRETQ:
                    return where
                prompt.do("s")
            raise CannotDraw(f"{self._drawing.name}: no iretq within {MOST_STEPS} instructions")
        address = self._symbols.get(moment.at) if moment.gate is None else self._behind(prompt, moment.gate)
        if address is None:
            raise CannotDraw(f"{self._drawing.name}: the kernel has no symbol {moment.at}")
        self._breakpoints += 1
        prompt.do(f"lb {address:#x}")
        prompt.do("c")
        prompt.do(f"d {self._breakpoints}")
        where = prompt.where()
        if where.registers["rip"] != address:
            raise CannotDraw(f"{self._drawing.name}: the machine did not come to {moment.at}")
        return where

    def _behind(self, prompt: Prompt, vector: int) -> int:
        """Where a gate leads: SDM vol. 3, figure 6-8."""
        gate = prompt.read(self._symbols.address("idt") + GATE_BYTES * vector, GATE_BYTES)
        return int.from_bytes(gate[0:2] + gate[6:12], "little")

    def _enter(self, vector: int, where: Where, before: Where | None) -> None:
        if before is None:
            raise CannotDraw(f"{self._drawing.name}: the moment before gate {vector} must be that of the instruction")
        has_code = self._vectors[vector].has_code
        rip_slot = where.registers["rsp"] + (SLOT if has_code else 0)
        frame = Frame(rip_slot - self._offsets["rip"], vector, has_code, before, bool(self._frames))
        whole = [other for other in self._frames if abs(other.base - frame.base) >= self._size]
        self._frames = [*whole, frame]

    def _see(self, prompt: Prompt, moment: Moment, where: Where) -> Seen:
        rsp = where.registers["rsp"]
        stack = next((stack for stack in self._stacks(prompt) if stack.low <= rsp <= stack.top), None)
        if stack is None:
            raise CannotDraw(f"{self._drawing.name}: at {moment.at} rsp is on no stack that the kernel knows")
        seen = Seen(moment, rsp, stack)
        for frame in self._frames:
            if stack.low <= frame.base < stack.top:
                self._name_slots(prompt, seen, frame)
        for name in self._drawing.registers:
            seen.registers[name] = self._named_register(name, where, moment)
        return seen

    def _name_slots(self, prompt: Prompt, seen: Seen, frame: Frame) -> None:
        """The slots of a frame, from rsp up; below it the two that a call into C adds."""
        for offset in sorted(self._names):
            if frame.base + offset >= seen.rsp:
                value = int.from_bytes(prompt.read(frame.base + offset, SLOT), "little")
                seen.slots[frame.base + offset] = self._named_slot(self._names[offset], value, frame)
        if seen.moment.at == "trap" and frame is self._frames[-1]:
            address = frame.base - SLOT
            while address > seen.rsp:
                seen.slots[address] = "(8 bytes)"
                address -= SLOT
            back = int.from_bytes(prompt.read(seen.rsp, SLOT), "little")
            if not self._symbols.address("entry_text_start") <= back < self._symbols.address("entry_text_end"):
                raise CannotDraw(f"{self._drawing.name}: trap() was not called from the entry code")
            seen.slots[seen.rsp] = "return address"

    def _named_slot(self, name: str, value: int, frame: Frame) -> str:
        """The slot's name, if it holds what it should."""
        registers = frame.before.registers
        if name == "rip":
            return f"rip, {'in the handler' if frame.nested else self._place(value, registers['rip'])}"
        if name == "rsp" and value == registers["rsp"]:
            return f"rsp ...{value & 0xfff:03x}"
        if name in ("cs", "ss") and value == frame.before.selectors[name]:
            return f"{name} {value:#x}"
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
        value = {**where.registers, **where.cr}[name]
        if not self._frames:
            return "its own" if name in where.registers else ""
        frame = self._frames[-1]
        own = frame.before.registers
        if value == own.get(name):
            return "its own"
        if name in own and moment.at == "leave_to_kernel":
            return "C's"
        known = {frame.base: "regs", frame.vector: f"{frame.vector}, the vector", ALL_ONES: "-1"}
        if value in known:
            return known[value]
        if name == "cr2" and value == own["rdi"]:
            return "the address"
        if value < 1 << 16:
            return f"{value:#x}"
        raise CannotDraw(f"{self._drawing.name}: {name} holds {value:#x}, which is nothing that belongs there")

    def _stacks(self, prompt: Prompt) -> Iterator[Stack]:
        """The kernel's list of stacks: struct stack of <arch/stack.h>, five words each."""
        at = int.from_bytes(prompt.read(self._symbols.address("stacks"), SLOT), "little")
        for _ in range(MOST_STACKS):
            if not at:
                return
            data = prompt.read(at, 5 * SLOT)
            name, low, top, _, at = (int.from_bytes(data[place:place + SLOT], "little") for place in range(0, 5 * SLOT, SLOT))
            yield Stack(prompt.read(name, 64).partition(b"\0")[0].decode("ascii", "replace"), low, top)
