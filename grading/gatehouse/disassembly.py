"""The kernel's instructions, as objdump reads them."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

ENTRY_SECTION = ".entry.text"

_FUNCTION = re.compile(r"^([0-9a-f]+) <(.+)>:$")
_SECTION = re.compile(r"^Disassembly of section (\S+):$")
_INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\t(\S+)\s*([^#<]*)")


@dataclass(frozen=True)
class Instruction:
    address: int
    section: str
    name: str
    operands: tuple[str, ...]
    following: int | None


@dataclass
class Code:
    """The disassembled kernel."""

    instructions: dict[int, Instruction] = field(default_factory=dict)
    functions: dict[str, int] = field(default_factory=dict)

    @cached_property
    def starts(self) -> frozenset[int]:
        """Where functions begin; local labels are part of theirs."""
        return frozenset(start for name, start in self.functions.items() if "." not in name)

    def function_at(self, address: int) -> int:
        """The start of the function that an address lies in."""
        return max((start for start in self.starts if start <= address), default=address)


def disassemble(kernel: Path, objdump: str = "objdump") -> Code:
    """Raises OSError where there is no objdump, and subprocess.CalledProcessError for a file it cannot read."""
    text = subprocess.run([objdump, "-D", "-j", ".text", "-j", ENTRY_SECTION, "-M", "intel", "--no-show-raw-insn",
                           str(kernel)], check=True, capture_output=True, text=True, errors="replace").stdout
    code = Code()
    section = ""
    last: Instruction | None = None
    for line in text.splitlines():
        if found := _SECTION.match(line):
            section, last = found[1], None
        elif found := _FUNCTION.match(line):
            code.functions.setdefault(found[2], int(found[1], 16))
        elif found := _INSTRUCTION.match(line):
            here = Instruction(int(found[1], 16), section, found[2], _split(found[3]), None)
            if last is not None:
                code.instructions[last.address] = replace(last, following=here.address)
            code.instructions[here.address] = last = here
    return code


def _split(operands: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in operands.split(",") if part.strip())
