"""The sweep's Bochs: driven by its debugger, whose undocumented `take nmi` injects an NMI.

It does not stop before the first instruction behind a gate that an interrupt, an NMI or a single step leads to: it
takes that and the instruction as one.
"""

from __future__ import annotations

import os
import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from .bochs import BOCHSRC, CONFIGURATION, MESSAGES, MODELS
from .bochs_debugger import Debugger
from .bochs_disk import DISK, write_disk
from .supervise import Channel, Child, Flood, Gone, Overtime
from .sweep_machine import ANSWER, BOOT, LAYOUT, STRIKING, Died, Names, Step, Verdict
from .symbols import KERNEL_BASE

OUTPUT = 1 << 20             # bytes of the serial port, at most
WORDS = 1 << 28              # bytes of the debugger's
HEARD = 1 << 12              # bytes of its standard output that are kept
HOLE = re.compile(rb"reached hole [\d.]+, which is not filled yet")
RING = 3
BREAKPOINTS = 0xff           # of DR7: those that are on
HERE = re.compile(r"^\(0\) \[.*\] [0-9a-f]{4}:([0-9a-f]{16}) ", re.MULTILINE)


class SweptBochs:
    """See Machine."""

    def __init__(self, kernel: Path, names: Names, directory: Path, vendor: str, cmdline: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.names = names
        self.rip = 0                         # where it stopped last
        self._heard = b""
        self._breakpoints = 0                # that were ever set: they are known by number
        write_disk(kernel / DISK, cmdline, directory / DISK)
        self._stack = ExitStack()
        self._serial, self._log, words, output = (
            self._stack.enter_context(Channel(cap, whole=cap == OUTPUT)) for cap in (OUTPUT, OUTPUT, WORDS, WORDS))
        read_end, commands = os.pipe()
        self._stack.callback(os.close, commands)
        settings = BOCHSRC % (MODELS[vendor], self._serial.path, self._log.path, words.path)
        (directory / CONFIGURATION).write_text(settings.replace("cpu0=report", "cpu0=ignore"))
        messages = self._stack.enter_context((directory / MESSAGES).open("wb")).fileno()
        give = [read_end, *(channel.write_end for channel in (self._serial, self._log, words, output))]
        self._child = self._stack.enter_context(
            Child(["bochs", "-q", "-f", CONFIGURATION, "-rc", f"/dev/fd/{read_end}"], directory, BOOT, give=give,
                  stdout=output.write_end, stderr=messages, environment={"TERM": "dumb"}))
        for channel in (self._serial, self._log):
            self._child.watch(channel.read_end, channel.feed)
        self._child.watch(output.read_end, self._hear)
        self._debugger = Debugger(self._child, commands, words, output)

    def __enter__(self) -> SweptBochs:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def boot(self) -> str:
        names = self.names
        for place in (names.ready, names.end, names.begin, *map(names.behind, STRIKING)):
            self._ask(f"lb {place:#x}")
            self._breakpoints += 1
        self.go(patience=BOOT)
        return self.said()

    def order(self, door: int, breakpoint: int = 0, nth: int = 0) -> None:
        where = self.names.order - KERNEL_BASE
        self._ask(f"setpmem {where:#x} 4 {breakpoint & 0xffffffff:#x}\nsetpmem {where + 4:#x} 4 {door | nth << 16:#x}")

    def begin(self) -> None:
        if self._stopped(self._ask("c")) != self.names.begin:
            raise Died(f"it did not come to the program, but to {self.rip:#x}")
        self.step()

    def go_to(self, step: Step) -> None:
        self._ask(f"lb {step.rip:#x}")
        self._breakpoints += 1
        for _ in range(step.stop):
            while self._stopped(self._ask("c")) != step.rip:
                if self.rip in (self.names.ready, self.names.end):
                    raise Died(f"it did not come to {step.rip:#x}")
        self._ask(f"d {self._breakpoints}")

    def go(self, *places: int, patience: float = ANSWER) -> int:
        while True:
            rip = self._stopped(self._ask("c", patience))
            if rip in (self.names.ready, *places):
                return rip
            if rip == self.names.end:
                raise Died(self._last_words())

    def step(self) -> int:
        return self._stopped(self._ask("s"))

    def watching(self) -> bool:
        return bool(self._show("DR7")["DR7"] & BREAKPOINTS)

    def state(self) -> tuple[bool, int]:
        cpu = self._show("CS", "GS")
        return not cpu["CS"]["selector"] & RING, int(cpu["GS"]["base"])

    def strike(self, how: str) -> None:
        self._ask(f"take {how}")

    def verdict(self) -> Verdict:
        self._child.allow(ANSWER)
        try:
            words = self._debugger.physical(self.names.verdict - KERNEL_BASE, LAYOUT.size)
        except (Overtime, Gone, Flood):
            raise Died(self._last_words()) from None
        return Verdict(*LAYOUT.unpack(words)[:8])

    def said(self) -> str:
        self._child.catch_up()
        return bytes(self._serial.data).decode("ascii", "replace")

    def _show(self, *parameters: str) -> dict[str, Any]:
        self._child.allow(ANSWER)
        try:
            return self._debugger.show(*parameters)
        except (Overtime, Gone, Flood):
            raise Died(self._last_words()) from None

    def _stopped(self, words: str) -> int:
        """Where the debugger says that it stopped."""
        found = HERE.findall(words)
        if not found:
            raise Died(self._last_words())
        self.rip = int(found[-1], 16)
        return self.rip

    def _hear(self, data: bytes) -> None:
        """Its standard output: the debugger's words once more, and among them what the guest says of a hole."""
        self._heard = (self._heard + data)[-HEARD:]

    def _last_words(self) -> str:
        """Why the machine is at machine_end, or gone."""
        self._child.catch_up()
        if hole := HOLE.search(self._heard):
            return hole[0].decode()
        found = re.search(r"^PANIC: .*(?:\n  at .*)?", self.said(), re.MULTILINE)
        return found[0].replace("\n ", "") if found else "reset: a triple fault"

    def _ask(self, command: str, patience: float = ANSWER) -> str:
        self._child.allow(patience)
        try:
            return self._debugger.ask(command)
        except Overtime:
            raise Died(f"it hangs: nothing more happens within {patience:.0f} seconds") from None
        except Flood:
            raise Died("it floods the serial port") from None
        except Gone:
            raise Died(self._last_words()) from None
