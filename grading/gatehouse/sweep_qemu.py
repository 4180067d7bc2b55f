"""The sweep's QEMU: driven by its gdb stub, whose `qRcmd` also is its monitor.

A single step must not hold interrupts off (`Qqemu.sstep`), and a breakpoint is removed before the machine goes on, for
to step over one QEMU does hold them off: an NMI that is injected at a boundary would strike at the next one.
"""

from __future__ import annotations

import re
import socket
from contextlib import ExitStack
from pathlib import Path

from .qemu import MODELS, PROGRAM, SHIFT
from .supervise import Channel, Child, Flood, Gone, Overtime
from .sweep_machine import ANSWER, BOOT, LAYOUT, MACHINE_CHECK, WORD, Died, Names, Step, Verdict

MACHINE = ["-accel", "tcg", "-icount", f"shift={SHIFT},sleep=off", "-machine", "q35", "-m", "128", "-no-user-config",
           "-nodefaults", "-display", "none", "-no-reboot", "-S", "-gdb", "chardev:gdb"]
RIP, CS, GS_BASE = 0x10, 0x12, 0x19      # of the stub's description of this CPU, i386-64bit.xml
SINGLE_STEP = 1              # and neither interrupts nor timers held off
OUTPUT = 1 << 20             # bytes of either port, at most
RING = 3
BREAKPOINTS = 0xff           # of DR7: those that are on
PACKET = re.compile(rb"\$([^#]*)#[0-9a-f]{2}")


class SweptQemu:
    """See Machine."""

    def __init__(self, kernel: Path, names: Names, directory: Path, vendor: str, cmdline: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.names = names
        self.rip = 0                         # where it stopped last
        self._rest = b""
        self._answers: list[bytes] = []
        self._words: list[str] = []          # the monitor's, to the last packet, in hexadecimal
        self._stack = ExitStack()
        self._serial, self._port_e9 = (self._stack.enter_context(Channel(OUTPUT, whole=True)) for _ in range(2))
        self._gdb, gdb = socket.socketpair()
        self._stack.enter_context(self._gdb)
        command = [PROGRAM, *MACHINE, "-cpu", MODELS[vendor], "-serial", f"file:{self._serial.path}",
                   "-debugcon", f"file:{self._port_e9.path}", "-chardev", f"socket,id=gdb,fd={gdb.fileno()}",
                   "-kernel", str((kernel / "kernel").resolve()), "-append", cmdline]
        messages = self._stack.enter_context((directory / "messages").open("wb")).fileno()
        self._child = self._stack.enter_context(
            Child(command, directory, BOOT, give=[gdb.detach(), self._serial.write_end, self._port_e9.write_end],
                  stdout=messages, stderr=messages))
        for channel in (self._serial, self._port_e9):
            self._child.watch(channel.read_end, channel.feed)
        self._child.watch(self._gdb.fileno(), self._feed)

    def __enter__(self) -> SweptQemu:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def boot(self) -> str:
        self._ask("qXfer:features:read:target.xml:0,ff")     # without it the stub gives no single register
        self._insist(f"Qqemu.sstep={SINGLE_STEP:x}")
        self._insist(f"Z0,{self.names.end:x},1")
        self.go(patience=BOOT)
        return self.said()

    def order(self, door: int, breakpoint: int = 0, nth: int = 0) -> None:
        word = breakpoint & 0xffffffff | door << 32 | nth << 48
        self._insist(f"M{self.names.order:x},{WORD:x}:{word.to_bytes(WORD, 'little').hex()}")

    def begin(self) -> None:
        self._to(self.names.begin)
        self.step()

    def go_to(self, step: Step) -> None:
        for _ in range(step.stop):
            self._to(step.rip)

    def go(self, *places: int, patience: float = ANSWER) -> int:
        stops = {self.names.ready, *places}
        if self.rip in stops:
            self.step()                      # or it would stop here
        for place in stops:
            self._insist(f"Z0,{place:x},1")
        self._resume("c", patience)
        for place in stops:
            self._insist(f"z0,{place:x},1")
        self.rip = self._register(RIP)
        if self.rip not in stops:
            raise Died(self._last_words())
        return self.rip

    def step(self) -> int:
        self._resume("s", ANSWER)
        self.rip = self._register(RIP)
        return self.rip

    def watching(self) -> bool:
        self._ask("qRcmd," + b"info registers".hex())
        found = re.search(r"DR7=([0-9a-f]+)", bytes.fromhex("".join(self._words)).decode("ascii", "replace"))
        return found is None or bool(int(found[1], 16) & BREAKPOINTS)

    def state(self) -> tuple[bool, int]:
        return not self._register(CS) & RING, self._register(GS_BASE)

    def strike(self, how: str) -> None:
        self._ask("qRcmd," + (MACHINE_CHECK if how == "mce" else how).encode().hex())

    def verdict(self) -> Verdict:
        words = bytes.fromhex(self._ask(f"m{self.names.verdict:x},{LAYOUT.size:x}"))
        return Verdict(*LAYOUT.unpack(words)[:8])

    def said(self) -> str:
        self._child.catch_up()
        return bytes(self._serial.data).decode("ascii", "replace")

    def _to(self, place: int) -> None:
        if (rip := self.go(place)) != place:
            raise Died(f"it did not come to {place:#x}, but to {rip:#x}")

    def _register(self, number: int) -> int:
        return int.from_bytes(bytes.fromhex(self._ask(f"p{number:x}")), "little")

    def _resume(self, packet: str, patience: float) -> None:
        if not self._ask(packet, patience).startswith("T"):
            raise Died(self._last_words())

    def _last_words(self) -> str:
        """Why the machine is at machine_end, or gone."""
        said = self.said()
        found = re.search(r"^PANIC: .*(?:\n  at .*)?", said, re.MULTILINE)
        hole = bytes(self._port_e9.data).decode("ascii", "replace").strip()
        return hole or (found[0].replace("\n ", "") if found else "reset: a triple fault")

    def _insist(self, packet: str) -> None:
        if (answer := self._ask(packet)) != "OK":
            raise Died(f"QEMU's gdb stub says to {packet}: {answer}")

    def _feed(self, data: bytes) -> None:
        self._rest += data
        while found := PACKET.search(self._rest):
            self._answers.append(found[1])
            self._rest = self._rest[found.end():]

    def _ask(self, packet: str, patience: float = ANSWER) -> str:
        """Send, receive, acknowledge: "Remote Protocol" in gdb's manual. Packets `O` are the monitor's words."""
        self._child.allow(patience)
        self._words.clear()
        try:
            self._gdb.sendall(f"${packet}#{sum(packet.encode()) & 0xff:02x}".encode())
            while True:
                self._child.until(lambda: bool(self._answers))
                self._gdb.sendall(b"+")
                answer = self._answers.pop(0).decode()
                if not answer.startswith("O") or answer == "OK":
                    return answer
                self._words.append(answer[1:])
        except Overtime:
            raise Died(f"it hangs: nothing more happens within {patience:.0f} seconds") from None
        except Flood:
            raise Died("it floods the serial port") from None
        except (Gone, BrokenPipeError, ConnectionResetError):
            raise Died(self._last_words()) from None
