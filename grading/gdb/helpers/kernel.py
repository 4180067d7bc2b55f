"""The kernel that gdb has loaded: its symbols, and where its entry code keeps the CPU's frame."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import gdb

from gatehouse import cfi, disassembly, entry_frames
from gatehouse.entry_frames import State
from gatehouse.symbols import NotAKernel, Symbols

OBJDUMP = os.environ.get("CROSS", "") + "objdump"


@dataclass(frozen=True)
class Kernel:
    path: Path
    symbols: Symbols
    states: dict[int, list[State]]
    returns: tuple[int, ...]            # the IRETQs
    called_from: frozenset[int | None]  # where CALLs return to

    def within(self, address: int, name: str) -> bool:
        """Whether an address lies between the symbols NAME_start and NAME_end."""
        start, end = self.symbols.get(f"{name}_start"), self.symbols.get(f"{name}_end")
        return start is not None and end is not None and start <= address < end

    def in_text(self, address: int) -> bool:
        return self.within(address, "text")

    def state(self, pc: int) -> Sequence[State]:
        return self.states.get(pc, ())


_loaded: Kernel | None = None


def current() -> Kernel:
    """Raises gdb.GdbError, which gdb prints as one line."""
    if _loaded is None:
        raise gdb.GdbError("no kernel is loaded: say `file build/03-exceptions/kernel`, or begin with `make gdb`")
    return _loaded


def loaded() -> Kernel | None:
    return _loaded


def refresh() -> bool:
    """Read the program that gdb has now, if it is a kernel and not the one we know; whether it did."""
    global _loaded
    name = gdb.current_progspace().filename
    if name is None or (_loaded is not None and _loaded.path == Path(name)):
        return False
    try:
        symbols = Symbols(Path(name))
    except (NotAKernel, OSError):
        return False
    if symbols.get("entry_text_start") is None:
        return False
    code = disassembly.disassemble(Path(name), OBJDUMP)
    states = entry_frames.follow(code, _stubs(symbols))
    returns = tuple(address for address in sorted(states) if code.instructions[address].name == "iretq")
    called_from = frozenset(here.following for here in code.instructions.values() if here.name == "call")
    _loaded = Kernel(Path(name), symbols, states, returns, called_from)
    _add_frames(cfi.frames(code, states))
    return True


def _stubs(symbols: Symbols) -> dict[int, int]:
    """Before lab 02 a kernel has none."""
    try:
        return symbols.stubs()
    except KeyError:
        return {}


def _add_frames(elf: bytes) -> None:
    """gdb takes unwind information from a file only, and reads it when it first needs it: so the file stays."""
    file = os.memfd_create("entry code")
    os.write(file, elf)
    gdb.execute("set confirm off", to_string=True)
    gdb.execute(f"add-symbol-file /proc/self/fd/{file}", to_string=True)
