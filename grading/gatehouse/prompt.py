"""The debugger of Bochs as somebody types at it: a command in, what it prints out, until it prompts again."""

from __future__ import annotations

import os
import re
import selectors
import subprocess
import time
from dataclasses import dataclass

from .by_hand import HOLE, TRIPLE_FAULT, CannotStart, Wish
from .hand_bochs import ASLEEP, ENVIRONMENT, LOG, NO_RESOLUTION, prepare
from .terminal import tied

PROMPT = re.compile(rb"<bochs:\d+> $")
PATIENCE = 30.0              # seconds for one answer; the slowest boots the machine
MOST = 1 << 20               # bytes of one answer
SERIAL = "serial"


class Ended(Exception):
    """The machine ended: one line that says how. `told` is what the debugger printed before."""

    def __init__(self, how: str, told: str = "") -> None:
        super().__init__(how)
        self.told = told


class Stuck(Exception):
    """The machine went on and on without coming back to the debugger."""


@dataclass(frozen=True)
class Where:
    """All registers that an expectation may name."""

    registers: dict[str, int]
    selectors: dict[str, int]
    gdtr: tuple[int, int]
    idtr: tuple[int, int]
    cr: dict[str, int]


class Prompt:
    """One Bochs with the lab's kernel, stopped before its first instruction. A context manager."""

    def __init__(self, asked: Wish) -> None:
        line = prepare(asked, "", asked.run / SERIAL)
        self._run = asked.run
        with (asked.run / "messages").open("w") as messages:
            self._bochs = subprocess.Popen(tied(line), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=messages,
                                           env={**os.environ, **ENVIRONMENT}, start_new_session=True)
        try:
            self._answer()
        except Ended as ended:
            said = (asked.run / "messages").read_text(errors="replace").strip().splitlines()
            raise CannotStart(f"Bochs did not start: {said[-1] if said else ended}") from None

    def __enter__(self) -> Prompt:
        return self

    def __exit__(self, *_: object) -> None:
        self._bochs.kill()
        self._bochs.wait()

    def do(self, command: str) -> str:
        """Type a command; what the debugger prints. Raises Ended, Stuck."""
        assert self._bochs.stdin is not None
        try:
            self._bochs.stdin.write(command.encode() + b"\n")
            self._bochs.stdin.flush()
        except BrokenPipeError:
            pass                 # it is gone: its last words say how
        return self._answer().removeprefix(f"{command}\n")

    def serial(self) -> str:
        """What the kernel has printed so far."""
        path = self._run / SERIAL
        return path.read_text(errors="replace") if path.exists() else ""

    def read(self, address: int, length: int) -> bytes:
        """Memory at a virtual address. KeyError if it is not mapped."""
        path = self._run / "memory"
        path.unlink(missing_ok=True)
        self.do(f'writemem "{path}" {address:#x} {length}')
        data = path.read_bytes() if path.exists() else b""
        if len(data) != length:
            raise KeyError(f"{address:#x} is not mapped")
        return data

    def where(self) -> Where:
        """The registers now."""
        told = self.do("r")
        registers = {name: int(high + low, 16)
                     for name, high, low in re.findall(r"^(\w+) ?: ([0-9a-f]{8})_([0-9a-f]{8})$", told, re.MULTILINE)}
        registers["rflags"] = int(re.findall(r"^eflags 0x([0-9a-f]+)", told, re.MULTILINE)[0], 16)
        told = self.do("sreg")
        selectors = {name: int(value, 16)
                     for name, value in re.findall(r"^(\w+):0x([0-9a-f]+), dh", told, re.MULTILINE)}
        found = re.findall(r"^(\w+):base=0x([0-9a-f]+), limit=0x([0-9a-f]+)", told, re.MULTILINE)
        tables = {name: (int(base, 16), int(limit, 16)) for name, base, limit in found}
        told = self.do("creg")
        cr = {"cr2": int(re.findall(r"^CR2=.*=0x([0-9a-f]+)", told, re.MULTILINE)[0], 16)}
        return Where(registers, selectors, tables["gdtr"], tables["idtr"], cr)

    def _answer(self) -> str:
        assert self._bochs.stdout is not None
        said = b""
        end = time.monotonic() + PATIENCE
        with selectors.DefaultSelector() as source:
            source.register(self._bochs.stdout, selectors.EVENT_READ)
            while not (found := PROMPT.search(said)):
                ready = source.select(min(1.0, max(0.0, end - time.monotonic())))
                data = os.read(self._bochs.stdout.fileno(), 1 << 16) if ready else None
                if data == b"":
                    raise Ended(self._how(said), said.decode(errors="replace"))
                said += data or b""
                if data is None and ASLEEP in self._log():
                    raise Ended("the machine executed hlt with interrupts off, from which nothing wakes it")
                if time.monotonic() > end or len(said) > MOST:
                    raise Stuck(f"the machine ran on for {PATIENCE:.0f} seconds without coming to where it was awaited")
        return said[:found.start()].decode(errors="replace")

    def _log(self) -> str:
        path = self._run / LOG
        return path.read_text(errors="replace") if path.exists() else ""

    def _how(self, said: bytes) -> str:
        if found := HOLE.search(said.decode(errors="replace")):
            return f"reached hole {found[1]}"
        if NO_RESOLUTION in self._log():
            return TRIPLE_FAULT
        panic = re.search(r"^PANIC: .*$", self.serial(), re.MULTILINE)
        return panic[0] if panic else "the kernel switched the machine off"
