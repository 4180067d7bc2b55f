"""A machine that the sweep strikes, whichever emulator it is: stopped somewhere, told what to do next.

kernel/sweep/ runs in it, round after round, and says behind each what was wrong (kernel/sweep/sweep.h).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .disassembly import disassemble
from .symbols import Symbols

BOOT, ANSWER = 60.0, 5.0    # seconds of patience: for the boot, and for anything else
LAYOUT = struct.Struct("<I4B4I")         # struct sweep_verdict
WORD = 8
STRIKING = {"#DB": 1, "nmi": 2, "mce": 18}           # vectors
MACHINE_CHECK = "mce 0 5 0xb200000000000185 0x5 0x1234000 0x8c"     # QEMU's monitor: bank 5, uncorrected


NAMES = ("sweep_ready", "sweep_begin", "sweep_stop", "machine_end", "sweep_order", "sweep_verdict",
         "percpu0", "entry_text_start", "entry_text_end")


class Died(Exception):
    """The machine ended, hangs, or is not where it was awaited: one line that says which."""


@dataclass(frozen=True)
class Step:
    """An instruction boundary in the code of the doors, that the way of a program leads over."""

    rip: int
    nth: int                 # execution of this instruction in the round, from 1
    stop: int                # the same, of those before which the emulator can stop
    kernel: bool             # CS says ring 0
    gs: int                  # base
    lying: bool              # CS is the kernel's, and GS the user's
    debug_cleared: bool      # the door of #DB has cleared DR7
    check_cleared: bool      # the handler of #MC has run, and MCIP is 0
    calls: int               # of C since the program began
    hidden: bool             # the emulator has no boundary there


@dataclass(frozen=True)
class Verdict:
    """What the kernel says of a round."""

    wrong: int
    nmis: int
    debugs: int
    checks: int
    inner: int
    nmi_rip: int
    debug_rip: int
    check_rip: int


@dataclass(frozen=True)
class Names:
    """Where things are in the sweep's kernel."""

    ready: int
    begin: int
    stop: int
    end: int
    order: int
    verdict: int
    entry: range             # the code of the doors
    stubs: dict[int, int]    # by vector
    nmi_end: frozenset[int]  # where an NMI is over but for its IRETQ
    second: dict[int, int]   # by the address of a stub's second instruction, the stub
    percpu: int              # the kernel's GS base
    check_cleared: frozenset[int]    # behind the instructions that clear MCIP

    @staticmethod
    def of(kernel: Path) -> Names:
        """Raises KeyError for a kernel that is not the sweep's, and NotAKernel, OSError, CalledProcessError."""
        symbols, code = Symbols(kernel), disassemble(kernel)
        ready, begin, stop, end, order, verdict, percpu, first, behind = map(symbols.address, NAMES)
        stubs = symbols.stubs()
        leaving = frozenset(symbols.address(f"entry_nmi.{label}") for label in ("left", "iretq"))
        cleared = frozenset(symbols.address(f"{function}.cleared")
                            for function in ("leave_machine_check", "machine_check_over"))
        second = {following: stub for stub in stubs.values()
                  if stub in code.instructions and (following := code.instructions[stub].following)}
        return Names(ready, begin, stop, end, order, verdict, range(first, behind), stubs, leaving,
                     second, percpu, cleared)

    def behind(self, event: str) -> int:
        """The second instruction of the stub that an event leads to."""
        return next(second for second, stub in self.second.items() if stub == self.stubs[STRIKING[event]])


class Machine(Protocol):
    """A context manager: one emulator with the sweep's kernel. Everything raises Died."""

    names: Names
    rip: int                 # where it stopped last

    def __enter__(self) -> Machine: ...

    def __exit__(self, *_: object) -> None: ...

    def boot(self) -> str:
        """To the first round; what the kernel has printed until then."""

    def order(self, door: int, breakpoint: int = 0, nth: int = 0) -> None:
        """What the next round shall be."""

    def begin(self) -> None:
        """From between two rounds to the first instruction of the program."""

    def go_to(self, step: Step) -> None:
        """On from the first instruction of the program to this boundary."""

    def go(self, *places: int) -> int:
        """On to one of these places, or between two rounds; where it is."""

    def step(self) -> int:
        """One instruction; where it is then."""

    def watching(self) -> bool:
        """Whether DR7 turns a breakpoint on."""

    def state(self) -> tuple[bool, int]:
        """Whether CS says ring 0, and the GS base."""

    def strike(self, how: str) -> None:
        """`nmi` or `mce`, at the boundary at which the machine stands."""

    def verdict(self) -> Verdict:
        """Of the round that is over."""

    def said(self) -> str:
        """All that the kernel has printed."""
