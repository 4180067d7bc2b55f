"""Bochs, the strict judge: an interpreter that follows the manuals closely, run under its debugger.

Guest time is ticks, one for each instruction.  The debugger stops the machine at machine_end, so that
it can be looked at, and at the limit.  A machine that sleeps for ever in `hlt` reaches no limit of the
debugger's, though its ticks race on; but `-dumpstats` prints a line at a given tick even then.  That
line, just beyond the limit, is answered with SIGINT, which stops the machine where it sleeps.

A write to the memory that holds the kernel's code and constants stops it, too, by whatever address it comes
(bochs_guard.py).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from glob import glob
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from . import strangers
from .bochs_debugger import DUMP, DUMP_MOST, HALTED, LOG_MOST, Debugger
from .bochs_disk import DISK, write_disk
from .bochs_guard import Guard
from .bochs_log import Log, Loop, Restarted
from .machine import RAM, Answer, Ending, Limits, Run, View, no_answer
from .sandbox import Enclose, Open
from .supervise import Channel, Child, Enough, Flood, Gone, Overtime, missing
from .symbols import NotAKernel, Symbols
from .usage import Patience, out_of_time

BIOS, VGA_BIOS = "/usr/share/bochs/BIOS-bochs-latest", "/usr/share/vgabios/vgabios.bin"
SCREEN = "/usr/lib/*/bochs/plugins/libbx_term_gui.so"
CONFIGURATION, MESSAGES = "bochsrc", "bochs.log"
BEGINS = ("tests_run_before", "machine_settle")      # called before each step of initialisation; around each test
DISK_MOST = 64 << 20
BREAKPOINT = re.compile(r"Breakpoint (\d+),")
MILLION = 1_000_000                      # the unit of -dumpstats
SLACK = 1 << 16                          # the debugger's own words on standard output
INTERRUPT_FLAG = 1 << 9
HLT_LENGTH = 1
MODELS = {"intel": "corei7_icelake_u", "amd": "ryzen"}     # of the CPU, by vendor
BOCHSRC = f"""\
display_library: term
romimage: file={BIOS}
vgaromimage: file={VGA_BIOS}
megs: {RAM >> 20}
cpu: model=%s, count=1, ips=4000000, reset_on_triple_fault=0, ignore_bad_msrs=0
clock: sync=none, time0=1700000000
plugin_ctrl: unmapped=1, biosdev=1, serial=1, extfpuirq=1, speaker=0, parallel=0, gameport=0, iodebug=0
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=disk, path={DISK}, mode=flat, cylinders=0
boot: disk
port_e9_hack: enabled=1
panic: action=fatal
debug: action=ignore, cpu0=report
com1: enabled=1, mode=file, dev=%s
log: %s
debugger_log: %s
"""


class Bochs:
    """See Emulator."""

    name = "bochs"

    def __init__(self, model: str = MODELS["intel"], sandbox: Open = Open()) -> None:
        self.model = model
        self.sandbox = sandbox

    def of(self, cpu: str) -> Bochs:
        return Bochs(MODELS[cpu], self.sandbox)

    def missing(self) -> str | None:
        screen = (glob(SCREEN) or [SCREEN])[0]
        lacking = missing({"bochs": "bochs", BIOS: "bochsbios", VGA_BIOS: "vgabios", screen: "bochs-term"})
        return lacking or self.sandbox.missing()

    def run(self, kernel_dir: Path, cmdline: str, directory: Path, limits: Limits = Limits(),
            look: Callable[[View], Any] | None = None, answer: Answer = no_answer) -> Run:
        directory.mkdir(parents=True, exist_ok=True)
        try:
            if lacking := self.missing():
                raise ValueError(lacking)
            symbols = Symbols(kernel_dir / "kernel")
            write_disk(kernel_dir / DISK, cmdline, directory / DISK)
        except (ValueError, NotAKernel, OSError) as error:
            return Run(self.name, Ending.FAILED, b"", b"", detail=str(error), directory=directory)
        with ExitStack() as stack:
            run = _Machine(stack, self.model, directory, limits, self.sandbox.enclose).run(symbols, look)
        return run


class _Machine:
    """One Bochs, stopped before the first instruction."""

    def __init__(self, stack: ExitStack, model: str, directory: Path, limits: Limits,
                 enclose: Enclose) -> None:
        self._model = model
        self._enclose = enclose
        self._directory = directory
        self._limits = limits
        self._asleep = False
        channels = [Channel(limits.output, whole=True), Channel(0), Channel(LOG_MOST), Channel(limits.output + SLACK)]
        self._serial, log, words, self._output = (stack.enter_context(channel) for channel in channels)
        read_end, commands = os.pipe()
        stack.callback(os.close, commands)
        (directory / CONFIGURATION).write_text(BOCHSRC % (model, self._serial.path, log.path, words.path))
        self.command = ["bochs", "-q", "-f", CONFIGURATION, "-rc", f"/dev/fd/{read_end}",
                        "-dumpstats", str(limits.instructions // MILLION + 1)]
        messages = stack.enter_context((directory / MESSAGES).open("wb")).fileno()
        give = [read_end, *(channel.write_end for channel in channels)]
        self._child = stack.enter_context(Child(enclose(self.command, directory), directory, limits.wall, give=give,
                                                stdout=self._output.write_end, stderr=messages,
                                                environment={"TERM": "dumb"}))
        self._child.more = Patience(self._child.pid, limits)
        self._log = Log()
        self._raised: dict[str, set[int]] = {}
        self._child.watch(self._serial.read_end, self._serial.feed)
        self._child.watch(log.read_end, self._log.feed)
        self._child.watch(self._output.read_end, self._said)
        self._debugger = Debugger(self._child, commands, words, self._output)

    def _said(self, data: bytes) -> None:
        self._output.feed(data)
        if DUMP.search(self._output.data, max(0, len(self._output.data) - len(data) - DUMP_MOST)):
            self._asleep = True
            self._child.interrupt()          # again with each line, for Bochs can miss one

    def run(self, symbols: Symbols, look: Callable[[View], Any] | None) -> Run:
        """To the end of the machine."""
        ending, rip, detail, seen = self._watch(symbols, look)
        self._child.finish()
        serial = bytes(self._serial.data)
        debugcon = self._debugger.port_e9(bytes(self._output.data), ending == Ending.HALTED)
        if len(debugcon) > self._limits.output:
            ending, debugcon = Ending.FLOOD, debugcon[:self._limits.output]
        if ending is None:
            ending, rip, detail = self._last_words()
        strangers.write(self._directory / "serial.log", serial)
        strangers.write(self._directory / "debugcon.log", debugcon)
        since = self._log.tally.vectors
        self._raised.setdefault(self._guard.running, set()).update(since)
        run = Run(Bochs.name, ending, serial, debugcon, rip, seen=seen, detail=detail, command=self.command,
                  directory=self._directory, meddled=self._guard.meddled, passed=self._guard.passed,
                  since=frozenset(since), raised={test: frozenset(vectors) for test, vectors in self._raised.items()},
                  instructions=self._log.tick if ending in (Ending.ENDED, Ending.RESET) else None)
        return run if ending not in (Ending.RESET, Ending.STUCK, Ending.FLOOD) else self._explained(run)

    def _watch(self, symbols: Symbols, look: Callable[[View], Any] | None
               ) -> tuple[Ending | None, int | None, str, Any]:
        """Ending (None if only the log knows), RIP, detail and what LOOK returned."""
        debugger, limits, seen = self._debugger, self._limits, None
        guard = self._guard = Guard(debugger, symbols)
        try:
            debugger.ask(f"sb {limits.instructions}")
            ends = ("machine_end",) if look else ()
            stops = [name for name in (*ends, *BEGINS) if symbols.get(name)]
            for name in stops:
                debugger.ask(f"lb {symbols.address(name):#x}")
            while True:
                stop = debugger.go()
                breakpoint = BREAKPOINT.search(stop)
                if breakpoint and stops[int(breakpoint[1]) - 1] in BEGINS:
                    self._child.catch_up()       # its log is what tells of them
                    self._raised.setdefault(guard.running, set()).update(self._log.tally.vectors)
                    self._log.tally.clear()
                    guard.begin()        # it is loaded by now
                elif guard.caught(stop):
                    continue
                elif breakpoint:
                    debugger.ask("d 1")
                    stopped = debugger.view(self._model, self._directory, symbols)
                    stopped = replace(stopped, written=tuple(guard.written))
                    seen = look(stopped) if look else None
                elif "Caught time breakpoint" in stop:
                    return Ending.STUCK, debugger.rip(), f"still running after {limits.instructions} instructions", seen
                elif not self._asleep:
                    return Ending.FAILED, debugger.rip(), f"Bochs stopped: {stop.strip()}", seen
                elif debugger.show("activity_state")["activity_state"] == HALTED:
                    off = not debugger.show("EFLAGS")["EFLAGS"] & INTERRUPT_FLAG
                    return (Ending.HALTED, debugger.rip() - HLT_LENGTH,
                            f"hlt with interrupts {'off' if off else 'on'}", seen)
                else:
                    self._asleep = False         # the guest itself wrote such a line
        except Loop:
            return Ending.STUCK, None, "the same faults over and over", seen
        except Restarted:
            return Ending.RESET, None, "reset by a port, not by a fault", seen
        except Flood:
            return Ending.FLOOD, None, f"more than {limits.output} bytes of output", seen
        except Overtime:
            ending, detail = out_of_time(self._child.pid, limits)
            return ending, None, detail, seen
        except Gone:
            return None, None, "", seen

    def _last_words(self) -> tuple[Ending, int | None, str]:
        """Why Bochs ended by itself: its exit status is the same for every reason, its log is not."""
        log = self._log
        if any(words in log.panic for words in ("shutdown requested", "soft power off")):
            return Ending.ENDED, log.rip, "power off"
        if "3rd (13) exception with no resolution" in log.panic:
            return Ending.RESET, log.rip, "triple fault"
        if log.device.startswith("CPU"):
            return Ending.RESET, log.rip, f"the CPU could not go on: {log.panic}"
        if log.panic and log.kernel:
            return Ending.REFUSED, log.rip, log.panic
        text = (self._directory / MESSAGES).read_text("utf-8", "replace")
        said = [line for line in text.split("\n") if line.strip(" =")]
        return Ending.FAILED, None, log.panic or (said[-1] if said else f"Bochs ended, status {self._child.returncode}")

    def _explained(self, run: Run) -> Run:
        """RUN with its trail.  The log told when each vector came; a second machine tells where."""
        tally = self._log.tally
        again = Path(mkdtemp(prefix="again-", dir=self._directory))
        strangers.write(again / DISK, strangers.read(self._directory / DISK, DISK_MOST))
        with ExitStack() as stack:
            places = _Machine(stack, self._model, again, self._limits, self._enclose)._places(tally.places)
        trail = tally.events(lambda tick: places.get(tick, run.rip or 0))
        last = places.get(tally.kept[-1].where) if tally.kept else None
        return replace(run, trail=trail, loop=run.ending != Ending.RESET and tally.loops(),
                       rip=last if run.rip is None else run.rip)

    def _places(self, ticks: list[int]) -> dict[int, int]:
        """The RIP at each of these ticks, in rising order; those that cannot be reached again are left out."""
        found: dict[int, int] = {}
        with suppress(Gone, Overtime, Enough):
            for tick in ticks:
                self._debugger.ask(f"sba {tick}")
                self._debugger.go()
                found[tick] = self._debugger.rip()
        return found
