"""Bochs's built-in debugger, driven through pipes.

Commands go in through the rc file, which is a pipe; answers come back through `debugger_log`, which
carries nothing else.  (Bochs's standard output carries both the debugger's words and whatever the
guest writes to port 0xE9.)  An answer is over when the result of a `?` with a random number is seen.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import strangers
from .devices import Devices, from_parameters
from .machine import FAST_WAYS, FEATURES, READ_MOST, REGISTERS, NotMapped, Table, Tr, View
from .supervise import Channel, Child
from .symbols import Symbols

LOG_MOST = 1 << 20
MEMORY = "memory.bin"        # where Bochs writes what a View reads, in the run's directory
DUMP = re.compile(rb"=== statistics dump \d+ ===\n")
DUMPS_AT_END = re.compile(rb"(?:%s)+\Z" % DUMP.pattern)
DUMP_MOST = 64               # bytes of such a line
HALTED = 1                   # cpu0's activity_state
DEVICES_SHOWN = 1 << 14      # characters of all interrupt controllers, at most
MODEL_LACKS = {"ryzen": {"umip"}}     # of FEATURES
WORD = 8                     # bytes that the debugger shows as one number
WORD_SHOWN = 48              # characters of it and of its share of the address, at most
SEGMENTS = ("cs", "ss", "ds", "es", "fs", "gs")


@dataclass(frozen=True)
class _Stretch:
    """One `c`: what stands on standard output before it, and the debugger's words after it."""

    before: bytes
    stop: bytes
    after: bytes | None      # None if the machine never came back from it


class Debugger:
    """The conversation with one Bochs.  Waiting may raise what Child.until raises."""

    def __init__(self, child: Child, commands: int, log: Channel, output: Channel) -> None:
        self._child = child
        self._commands = commands
        self._log = log
        self._output = output
        self._mark = b""
        self._stretches: list[_Stretch] = []
        child.watch(log.read_end, log.feed)

    def ask(self, command: str) -> str:
        """Execute one command and return what the debugger says to it."""
        return self._ask(command.encode()).decode("ascii", "replace")

    def _ask(self, command: bytes) -> bytes:
        number = 1 << 30 | secrets.randbits(30)
        question, answer = b"? %#x\n" % number, b"%#x %d\n" % (number, number)
        start = len(self._log.data)
        try:
            os.write(self._commands, command + b"\n" + question)
        except BrokenPipeError:
            pass                             # Bochs is gone: waiting says how
        self._child.until(lambda: self._log.data.find(answer, start) >= 0)
        self._mark = answer
        said = bytes(self._log.data[start:self._log.data.index(question, start)])
        return said.removeprefix(command + b"\n")

    def go(self) -> str:
        """Let the machine run until the debugger stops it; what it says then."""
        before, start = self._mark, len(self._log.data)
        try:
            stop = self._ask(b"c")
        except BaseException:
            self._stretches.append(_Stretch(before, bytes(self._log.data[start:]).removeprefix(b"c\n"), None))
            raise
        self._stretches.append(_Stretch(before, stop, self._mark))
        return stop.decode("ascii", "replace")

    def port_e9(self, output: bytes, asleep: bool) -> bytes:
        """What the guest wrote to port 0xE9, out of all that Bochs wrote to standard output.

        ASLEEP: the lines that told of that stand at the end, and are Bochs's own.
        """
        found = b""
        for stretch in self._stretches:
            output = output.partition(stretch.before)[2]
            text = output if stretch.after is None else output.partition(stretch.after)[0]
            end = stretch.stop if stretch.after else self._log.data[self._log.data.rfind(b"c\n") + 2:]
            found += text.removesuffix(bytes(end))
        return DUMPS_AT_END.sub(b"", found) if asleep else found

    def show(self, *parameters: str) -> dict[str, Any]:
        """Parameters of the CPU by the names that Bochs gives them (`show "cpu0"` lists them all)."""
        answers = [self.ask(f'show "cpu0.{name}"') for name in parameters]
        return _tree(iter("\n".join(answers).splitlines()))

    def physical(self, address: int, length: int) -> bytes:
        """LENGTH bytes of RAM.  The debugger prints them where it says everything, so that may say more now."""
        first, words = address & -WORD, (address % WORD + length + WORD - 1) // WORD
        for channel in (self._log, self._output):
            channel.cap += WORD_SHOWN * words
        shown = [int(word, 16) for line in self.ask(f"xp /{words}gx {first:#x}").splitlines()
                 for word in line.partition(">:")[2].split()]
        return b"".join(word.to_bytes(WORD, "little") for word in shown)[address - first:][:length]

    def devices(self) -> Devices:
        """The interrupt controllers."""
        for channel in (self._log, self._output):
            channel.cap += DEVICES_SHOWN
        parts = [self.ask(f'show "{name}"') for name in ("cpu0.local_apic", "ioapic", "pic")]
        shown = _tree(iter("\n".join(parts).splitlines()))
        return from_parameters(shown["local_apic"], shown["ioapic"]["ioredtbl"], shown["pic"])

    def rip(self) -> int:
        """Where the stopped machine stands."""
        return int(self.show("RIP")["RIP"])

    def view(self, model: str, directory: Path, symbols: Symbols) -> View:
        """The stopped machine."""
        plain = {name: "EFLAGS" if name == "rflags" else name.upper() for name in REGISTERS if name != "efer"}
        segments = {name: name.upper() for name in SEGMENTS}
        cpu = self.show(*plain.values(), *segments.values(), "GDTR", "IDTR", "TR", "MSR", "activity_state")
        values = {name: cpu[theirs] for name, theirs in plain.items()}
        values |= {name: cpu[theirs]["selector"] for name, theirs in segments.items()}
        values |= {"efer": cpu["MSR"]["EFER"], "fs_base": cpu["FS"]["base"], "gs_base": cpu["GS"]["base"]}
        tr = cpu["TR"]

        def memory(virtual: int, length: int) -> bytes:
            if said := self.ask(f'writemem "{MEMORY}" {virtual:#x} {length}').strip():
                raise NotMapped(f"{virtual:#x}: {said}")
            return strangers.read(directory / MEMORY, READ_MOST)

        return View(values, Table(**cpu["GDTR"]), Table(**cpu["IDTR"]),
                    Tr(tr["selector"], tr["base"], tr["limit_scaled"], tr["type"]),
                    cpu["activity_state"] == HALTED, memory, self.physical,
                    lambda: int(cpu["MSR"]["kernelgsbase"]), self.devices,
                    frozenset(FEATURES) - MODEL_LACKS.get(model, set()), symbols,
                    {name: cpu["MSR"][f"{name}_msr" if name.startswith("sysenter") else name] for name in FAST_WAYS})


def _tree(lines: Iterator[str]) -> dict[str, Any]:
    """`name = value` and `name = {` ... `}` as a dictionary; what is neither a number nor a truth is left out."""
    found: dict[str, Any] = {}
    for line in lines:
        name, equals, value = line.strip().partition(" = ")
        if name == "}":
            break
        if value == "{":
            found[name] = _tree(lines)
        elif equals and re.fullmatch(r"0x[0-9a-f]+|\d+", value):
            found[name] = int(value, 0)
        elif value in ("true", "false"):
            found[name] = value == "true"
    return found
