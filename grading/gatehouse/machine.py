"""What every emulator promises: one kernel, run once, and told from outside what became of it.

An emulator never judges.  It says how the machine ended, what came out of it, and, where the
machine ended as it should, lets somebody look at it before it is gone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from .devices import Devices
from .symbols import Symbols

FAST_WAYS = ("star", "lstar", "cstar", "fmask", "sysenter_cs", "sysenter_esp", "sysenter_eip")
FEATURES = ("smep", "smap", "umip")
RAM = 128 << 20      # bytes of the machine's memory, from address 0 but for the holes of a PC
READ_MOST = 4096     # bytes of one View.read; an IDT is that long
REGISTERS = ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp",
             "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rip", "rflags",
             "cr0", "cr2", "cr3", "cr4", "efer", "dr0", "dr1", "dr2", "dr3", "dr6", "dr7")


class Ending(StrEnum):
    """How a machine can end."""

    ENDED = "ended"      # the guest switched it off
    RESET = "reset"      # triple fault, or a reset by a port
    STUCK = "stuck"      # still running at the limit of guest time
    HALTED = "halted"    # hlt with interrupts off, or nothing left that would wake it
    REFUSED = "refused"  # a device was told to do what the emulator cannot
    UNASKED = "unasked"  # it knocked on the injector, and nobody was to answer
    SLOW = "slow"        # the wall clock ran out, and the emulator was at work: the guest does what takes it very long
    CAPPED = "capped"    # the wall clock ran out: this computer was too slow, or the emulator hangs
    FLOOD = "flood"      # one of its outputs reached the cap
    FAILED = "failed"    # the emulator is missing, would not start, or died


@dataclass(frozen=True)
class Limits:
    """When to give a machine up.  Only `instructions` and `output` judge a guest, and both are exact."""

    instructions: int = 250_000_000      # of guest time since power-on; a lab needs less than a tenth
    output: int = 256 * 1024             # bytes of serial port or debug console, each
    wall: float = 60.0                   # seconds; protects the grader, says little about the guest (usage.py)


Answer = Callable[[bytes], str | None]       # the serial bytes so far -> a line for QEMU's monitor, None for no answer


def no_answer(serial: bytes) -> str | None:
    """For a machine that nothing is injected into."""
    return None


@dataclass(frozen=True)
class Event:
    """A vector that the CPU took, or could not take, COUNT times in a row at the same RIP.

    `error` is None for a vector without error code, and for one that an instruction raised.
    """

    vector: int
    error: int | None
    rip: int
    count: int = 1


@dataclass(frozen=True)
class Run:
    """One machine, from power-on to its end."""

    emulator: str
    ending: Ending
    serial: bytes
    debugcon: bytes
    rip: int | None = None               # where it stood; the hlt itself if it was halted
    trail: list[Event] = field(default_factory=list)     # the first and the last vectors before a crash
    loop: bool = False                   # the same few faults until the limit
    stalled: bool = False                # stuck, but perhaps only because its clock leapt: see qemu.py
    seen: Any = None                     # what `look` returned; None if it was not asked
    detail: str = ""                     # one line: why, in the emulator's terms
    command: list[str] = field(default_factory=list)
    directory: Path = Path()
    instructions: int | None = None      # guest time, where the emulator tells it
    raised: dict[str, frozenset[int]] = field(default_factory=dict)      # exceptions by test, where it can tell
    since: frozenset[int] = frozenset()  # those since the last test began
    passed: frozenset[str] | None = None     # the tests that the kernel itself has counted so, where that can be told
    meddled: dict[str, int] = field(default_factory=dict)    # by test, who else wrote to what only the tests write to


class NotMapped(Exception):
    """The address is not mapped in the stopped machine, or its mapping ends too soon."""


@dataclass(frozen=True)
class Table:
    """GDTR or IDTR."""

    base: int
    limit: int


@dataclass(frozen=True)
class Tr:
    """The task register with its hidden part; type 0xb is a busy 64-bit TSS (SDM vol. 3, table 3-2)."""

    selector: int
    base: int
    limit: int
    type: int


@dataclass(frozen=True)
class View:
    """The stopped machine, as the emulator shows it; nothing here passes through the guest."""

    values: dict[str, int]       # REGISTERS, selectors cs .. gs, fs_base, gs_base
    gdtr: Table
    idtr: Table
    tr: Tr
    halted: bool
    memory: Callable[[int, int], bytes]
    ram: Callable[[int, int], bytes]
    kernel_gs: Callable[[], int]
    interrupts: Callable[[], Devices]
    features: frozenset[str]     # which of FEATURES the CPU has
    symbols: Symbols             # of the kernel's file
    fast_ways: dict[str, int] = field(default_factory=dict)     # the MSRs FAST_WAYS, where they are shown: Bochs
    written: tuple[int, ...] = ()     # addresses in code that was written to meanwhile, where the emulator tells: Bochs

    def registers(self) -> dict[str, int]:
        """All registers that both emulators show, by lower-case name."""
        return dict(self.values)

    def __getitem__(self, register: str) -> int:
        return self.values[register]

    @property
    def kernel_gs_base(self) -> int:
        """MSR 0xc0000102, which SWAPGS exchanges with the GS base."""
        return self.kernel_gs()

    def physical(self, address: int, length: int) -> bytes:
        """LENGTH bytes of RAM, whatever the page tables say.  Raises NotMapped where there is none: Bochs would die."""
        if not 0 <= address <= RAM - length:
            raise NotMapped(f"no memory at physical {address:#x}")
        return self.ram(address, length)

    @property
    def devices(self) -> Devices:
        """The interrupt controllers."""
        return self.interrupts()

    def read(self, virtual: int, length: int) -> bytes:
        """LENGTH bytes at a virtual address, through the guest's page tables.  Raises NotMapped."""
        return b"".join(self.memory(virtual + done, min(READ_MOST, length - done))
                        for done in range(0, length, READ_MOST))


class Emulator(Protocol):
    """QEMU or Bochs."""

    name: str

    def of(self, cpu: str) -> Emulator:
        """The same one with a CPU of this vendor, "intel" or "amd"."""

    def missing(self) -> str | None:
        """None if it can run; else one line that says what to install."""

    def run(self, kernel_dir: Path, cmdline: str, directory: Path, limits: Limits = ...,
            look: Callable[[View], Any] | None = None, answer: Answer = no_answer) -> Run:
        """Run KERNEL_DIR's kernel once.

        DIRECTORY is made if need be and receives serial.log, debugcon.log and the emulator's own
        log; one run, one directory.  LOOK is called with the stopped machine when the guest has
        ended it through machine_end (in Bochs at its first instruction, in QEMU after its last);
        what it raises passes through, and the emulator is gone by then.  ANSWER says what becomes of a
        guest that knocks on the injector (<arch/injector.h>); in Bochs there is none to knock on.  Any
        number of runs may go on side by side, in any threads.
        """


def sign_extended(address: int) -> int:
    """ADDRESS as the signed number that QEMU's monitor wants."""
    return address - (1 << 64) if address >> 63 else address
