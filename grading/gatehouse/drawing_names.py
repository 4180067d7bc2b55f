"""What a slot of a drawn frame, or a register, is called: nothing gets a name that does not hold what the name says."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from .drawing_plan import CannotDraw, Drawing, Moment
from .stopped import Where
from .symbols import Symbols

ALL_ONES = (1 << 64) - 1
ABORTS = (8, 18)                           # SDM vol. 3, table 6-1: nobody goes back by their rip
CAUSE, VECTOR = "orig_rax", "rdi"          # the slots that hold something else at first
# What the CPU itself puts into these two for SYSCALL.
TAKEN = {"rcx": "rip", "r11": "rflags"}
USER_END = 1 << 47
FLAT_CODE = 0x400000                       # kernel/flat.h


@dataclass(frozen=True)
class Frame:
    """What one way in builds: `base` is where its struct pt_regs begins, `before` the registers that it saves."""

    base: int
    vector: int | None  # None: no gate, but SYSCALL or SYSENTER
    has_code: bool
    before: Where
    nested: bool       # what it interrupted was the handler of another one


class Names:
    """Those of one drawing. `runs` is how far from where it lies its program runs."""

    def __init__(self, drawing: Drawing, symbols: Symbols, slots: Collection[str]) -> None:
        self._drawing = drawing
        self._symbols = symbols
        self._slots = slots
        lies = symbols.address(f"{drawing.program}_start") if drawing.program else FLAT_CODE
        self.runs = FLAT_CODE - lies

    def slot(self, name: str, value: int, frame: Frame, in_c: bool) -> str:
        """The slot's name, if it holds what it should."""
        registers = frame.before.registers
        if name == "rip" and frame.vector in ABORTS:
            return name
        if name in self._drawing.changed and in_c | (value != registers[name]):
            return f"{name} {value:#x}"
        if name == "rip" and frame.vector is None and value == 0:
            return "rip, 0 so far"
        if name == "rip":
            return f"rip, {self._in_handler(value) if frame.nested else self._place(value, registers['rip'])}"
        if name == "rsp" and value == registers["rsp"]:
            return f"rsp ...{value & 0xfff:03x}"
        if name in ("cs", "ss") and value == registers[name]:
            return name if frame.nested and name == "ss" else f"{name} {value:#x}"     # null, or what it was
        if name == "rflags":
            return name
        if name == CAUSE and (value == ALL_ONES or frame.has_code):
            return ("orig_rax -1" if in_c else "-1") if value == ALL_ONES else f"error code {value:#x}"
        if name == CAUSE and not frame.has_code and value == registers["rax"]:
            return "orig_rax, the number"
        if name == VECTOR and value == frame.vector:
            return f"{value}, the vector"
        if frame.vector is None and name in TAKEN and value == self._taken(name, frame):
            return f"{name} = {TAKEN[name]}"
        if value == registers.get(name):
            return name
        raise CannotDraw(f"{self._drawing.name}: the slot of {name} holds {value:#x}, "
                         "which is nothing that belongs there")

    def _taken(self, name: str, frame: Frame) -> int | None:
        """What SYSCALL leaves in rcx, and in r11."""
        registers = frame.before.registers
        return self._behind_instruction(registers["rip"]) if name == "rcx" else registers["rflags"]

    def _behind_instruction(self, address: int) -> int | None:
        """Where the instruction ends whose symbol is at `address`."""
        shift = self.runs if address < USER_END else 0
        end = self._symbols.get(f"{self._symbols.describe(address - shift)}.next")
        return None if end is None else end + shift

    def _in_handler(self, address: int) -> str:
        return "at iretq" if address == self._symbols.get("to_user.iretq") else "in the handler"

    def _place(self, address: int, interrupted: int) -> str:
        """The address in a frame, for somebody who looks at the interrupted instruction."""
        name = self._symbols.describe(interrupted - (self.runs if interrupted < USER_END else 0))
        known = {interrupted: "to run it again", self._behind_instruction(interrupted): "the next one",
                 self._symbols.get(f"{name}.fixup"): "the fixup"}
        return known.get(address) or f"in {re.split('[.+]', self._symbols.describe(address))[0]}"

    def register(self, name: str, where: Where, moment: Moment, frame: Frame | None) -> str:
        value = where.registers[name]
        if name == "gs":
            return "the kernel's" if value == self._symbols.address("percpu0") else "the program's"
        if frame is None:
            return "its own" if name in self._slots else ""
        own = frame.before.registers
        if name in self._slots and value == own[name]:
            return "its own"
        if name in self._slots and moment.at == "leave_to_kernel":
            return "C's"
        known = {frame.base: "regs", frame.vector: f"{frame.vector}, the vector", ALL_ONES: "-1"}
        if frame.vector is None and name in TAKEN and value == self._taken(name, frame):
            return TAKEN[name]
        if value in known:
            return known[value]
        if name == "cr2" and value == own["rdi"]:
            return "the address"
        if value < 1 << 16:
            return f"{value:#x}"
        raise CannotDraw(f"{self._drawing.name}: {name} holds {value:#x}, which is nothing that belongs there")
