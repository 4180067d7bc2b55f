"""QEMU, the fast judge: TCG with counted instructions, looked at through its monitor.

Guest time is instructions: each takes 64 ns of virtual time (`-icount shift=6`), and time in hlt is
skipped.  At shift 0 the BIOS, whose delays are in virtual time, would take 0.5 s of each boot.

The watchdog that ends a machine is QEMU's ib700, armed through the monitor before the first
instruction.  Its action is `reset`, because that is the one that stops the CPU at the instruction
where the time ran out (`pause` lets it go on until the main loop wakes); `-action reboot=shutdown,
shutdown=pause` then turns every end of a machine into a pause in which it can be looked at.

The injector is QEMU's pvpanic: a guest that writes to it is paused behind that very instruction, and
`-action panic=pause` leaves it to us to let it go on.  The watchdog's time stands still meanwhile, but for
a race: between the stop of the CPU and that of the clock QEMU may find nothing to do and move the clock to
the next timer, the watchdog's if no other runs.  A machine that ran out of time right there is `stalled`.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from . import strangers
from .machine import RAM, Answer, Ending, Limits, Run, View, no_answer
from .qemu_trail import Loop, TrailLog, options
from .qmp import Qmp, view
from .sandbox import Enclose, Open
from .supervise import Channel, Child, Flood, Gone, Overtime, missing
from .symbols import NotAKernel, Symbols
from .tally import TOLD, Tally
from .usage import Patience, out_of_time

PROGRAM = "qemu-system-x86_64"
SHIFT = 6                            # an instruction takes 2**SHIFT ns
MACHINE = ["-accel", "tcg", "-icount", f"shift={SHIFT},sleep=off", "-machine", "q35",
           "-m", str(RAM >> 20), "-no-user-config", "-nodefaults", "-display", "none", "-device", "ib700",
           "-device", "pvpanic,events=1", "-action", "reboot=shutdown,shutdown=pause,watchdog=reset,panic=pause",
           "-S"]
MODELS = {"intel": "max,vendor=GenuineIntel", "amd": "EPYC"}     # of the CPU, by vendor
MESSAGES, KERNEL = "qemu.log", "kernel"
WATCHDOG_PORT = 0x443
WATCHDOG_STEP, WATCHDOG_MOST = 2, 30         # seconds; the port takes (30 - seconds) / 2
INTERRUPT_FLAG = 1 << 9
HLT_LENGTH = 1
# What the monitor says where an injected machine check shuts the CPU down, and what that means.
SHUTDOWN = re.compile(r"CPU \d+: (.*), raising triple fault")
SHUTDOWNS = {"MCE capability is not enabled": "a machine check came while CR4.MCE was clear",
             "Previous MCE still in progress": "a machine check came while MCIP of IA32_MCG_STATUS was still set"}


def watchdog_seconds(instructions: int) -> int:
    """The watchdog's setting for a limit of guest time, rounded up; one step is 31 million instructions."""
    steps = -((-instructions << SHIFT) // (WATCHDOG_STEP * 10**9))
    return min(max(steps, 1) * WATCHDOG_STEP, WATCHDOG_MOST)


class Qemu:
    """See Emulator."""

    name = "qemu"

    def __init__(self, model: str = MODELS["intel"], sandbox: Open = Open()) -> None:
        self.model = model
        self.sandbox = sandbox

    def of(self, cpu: str) -> Qemu:
        return Qemu(MODELS[cpu], self.sandbox)

    def missing(self) -> str | None:
        return missing({PROGRAM: "qemu-system-x86"}) or self.sandbox.missing()

    def run(self, kernel_dir: Path, cmdline: str, directory: Path, limits: Limits = Limits(),
            look: Callable[[View], Any] | None = None, answer: Answer = no_answer) -> Run:
        directory.mkdir(parents=True, exist_ok=True)
        try:
            if lacking := self.missing():
                raise ValueError(lacking)
            symbols = Symbols(kernel_dir / KERNEL)
        except (ValueError, NotAKernel, OSError) as error:
            return Run(self.name, Ending.FAILED, b"", b"", detail=str(error), directory=directory)
        link = directory / KERNEL            # so that the guest's command line holds no path of this computer
        link.unlink(missing_ok=True)
        link.symlink_to((kernel_dir / KERNEL).resolve())
        with ExitStack() as stack:
            machine = _Machine(stack, self.model, cmdline, directory, limits, symbols, answer,
                               partial(self.sandbox.enclose, read=[kernel_dir.resolve()]))
            run = machine.run(look)
        return run


class _Machine:
    """One QEMU."""

    def __init__(self, stack: ExitStack, model: str, cmdline: str, directory: Path, limits: Limits,
                 symbols: Symbols, answer: Answer, enclose: Enclose) -> None:
        self._directory = directory
        self._answer = answer
        self._knocked_at: int | None = None
        self._limits = limits
        self._symbols = symbols
        self._tally = Tally(symbols)
        self._passed: frozenset[str] | None = None
        self._trail = TrailLog()
        self._serial, self._debugcon = (stack.enter_context(Channel(limits.output, whole=True)) for _ in range(2))
        log = stack.enter_context(Channel(0))
        self._monitor, monitor = socket.socketpair()
        self._gdb, gdb = socket.socketpair()
        stack.enter_context(self._monitor)
        stack.enter_context(self._gdb)
        self._command = [PROGRAM, *MACHINE, "-cpu", model, *options(symbols), "-D", log.path,
                         "-serial", f"file:{self._serial.path}", "-debugcon", f"file:{self._debugcon.path}",
                         "-chardev", f"socket,id=qmp,fd={monitor.fileno()}", "-mon", "chardev=qmp,mode=control",
                         "-chardev", f"socket,id=gdb,fd={gdb.fileno()}", "-kernel", KERNEL, "-append", cmdline]
        messages = stack.enter_context((directory / MESSAGES).open("wb")).fileno()
        give = [monitor.detach(), gdb.detach(), self._serial.write_end, self._debugcon.write_end, log.write_end]
        self._child = stack.enter_context(Child(enclose(self._command, directory), directory, limits.wall, give=give,
                                                stdout=messages, stderr=messages))
        self._child.more = Patience(self._child.pid, limits)
        for channel in (self._serial, self._debugcon):
            self._child.watch(channel.read_end, channel.feed)
        self._child.watch(log.read_end, self._trail.feed)

    def run(self, look: Callable[[View], Any] | None) -> Run:
        """To the end of the machine."""
        ending, rip, detail, seen = self._watch(look)
        self._child.finish()
        serial, debugcon = bytes(self._serial.data), bytes(self._debugcon.data)
        strangers.write(self._directory / "serial.log", serial)
        strangers.write(self._directory / "debugcon.log", debugcon)
        if ending == Ending.RESET and not detail:
            detail = "triple fault" if self._trail.triple else "reset by a port, not by a fault"
        crashed = ending in (Ending.RESET, Ending.STUCK, Ending.FLOOD)
        return Run(Qemu.name, ending, serial, debugcon, rip,
                   trail=self._trail.trail() if crashed else [], since=frozenset(self._trail.tally.vectors),
                   loop=crashed and ending != Ending.RESET and self._trail.tally.loops(),
                   stalled=ending == Ending.STUCK and rip is not None and rip == self._knocked_at,
                   passed=self._passed, seen=seen, detail=detail, command=self._command, directory=self._directory)

    def _watch(self, look: Callable[[View], Any] | None) -> tuple[Ending, int | None, str, Any]:
        """Ending, RIP, detail and what LOOK returned."""
        limits = self._limits
        seconds = watchdog_seconds(limits.instructions)
        try:
            qmp = Qmp(self._child, self._monitor)
            qmp.monitor(f"o /b {WATCHDOG_PORT:#x} {(WATCHDOG_MOST - seconds) // WATCHDOG_STEP:#x}")
            qmp.do("cont")
            while self._knocked(qmp):
                self._knocked_at = view(qmp, self._gdb, self._directory, self._symbols)["rip"]
                if (line := self._answer(bytes(self._serial.data))) is None:
                    return Ending.UNASKED, self._knocked_at, "", None
                if refused := qmp.monitor(line).strip():
                    return self._refused(line, refused)
                qmp.go_on()
            stopped = view(qmp, self._gdb, self._directory, self._symbols)
            rip = stopped["rip"]
            if self._tally.address is not None:
                self._passed = self._tally.passed(stopped.physical(self._tally.told, TOLD))
            if qmp.said("WATCHDOG") is not None:
                if stopped.halted:
                    off = not stopped["rflags"] & INTERRUPT_FLAG
                    return Ending.HALTED, rip - HLT_LENGTH, f"hlt with interrupts {'off' if off else 'on'}", None
                return Ending.STUCK, rip, f"still running after {limits.instructions} instructions", None
            if qmp.said("SUSPEND") is not None:
                return Ending.HALTED, rip, "suspended by a port, with nothing to wake it", None
            if (qmp.said("SHUTDOWN") or {}).get("reason") == "guest-shutdown":
                return Ending.ENDED, rip, "power off", look(stopped) if look else None
            return Ending.RESET, rip, "", None
        except Loop:
            return Ending.STUCK, self._trail.tally.kept[-1].where, "the same faults over and over", None
        except Flood:
            return Ending.FLOOD, None, f"more than {limits.output} bytes of output", None
        except Overtime:
            ending, detail = out_of_time(self._child.pid, limits)
            return ending, None, detail, None
        except Gone:
            return Ending.FAILED, None, self._last_words(), None

    def _knocked(self, qmp: Qmp) -> bool:
        """Wait until the machine stops; whether that is a guest knocking, with all read that it said before."""
        qmp.wait("STOP", "SUSPEND")
        if qmp.said("GUEST_PANICKED") is None or qmp.said("WATCHDOG") is not None or qmp.said("SHUTDOWN") is not None:
            return False
        self._child.catch_up()
        return True

    def _refused(self, line: str, words: str) -> tuple[Ending, int | None, str, Any]:
        """The guest's fault, if it was not ready for the machine check."""
        shutdown = SHUTDOWN.fullmatch(words)
        if shutdown and shutdown[1] in SHUTDOWNS:
            return Ending.RESET, self._knocked_at, SHUTDOWNS[shutdown[1]], None
        return Ending.FAILED, None, f"QEMU's monitor says to `{line}`: {words}", None

    def _last_words(self) -> str:
        lines = (self._directory / MESSAGES).read_text("utf-8", "replace").split("\n")
        said = [line for line in lines if line.strip()]
        return said[-1] if said else f"QEMU ended unasked, status {self._child.returncode}"
