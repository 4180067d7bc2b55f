"""QEMU's monitor on a socket pair, and its gdb stub for the one register that the monitor hides."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path
from typing import Any

from . import strangers
from .devices import from_monitor
from .machine import FEATURES, RAM, REGISTERS, NotMapped, Table, Tr, View, sign_extended
from .supervise import Child
from .symbols import Symbols

GDB_GS_BASE, GDB_KERNEL_GS = 25, 26      # the stub's numbers, from its description i386-64bit.xml
GDB_PATIENCE = 5             # seconds; it answers at once or never
MEMORY = "memory.bin"        # where QEMU writes what a View reads, in the run's directory


class Refused(Exception):
    """QEMU answered a command with an error."""


class Qmp:
    """The conversation with one QEMU.  Waiting may raise what Child.until raises.

    Needs `-chardev socket,id=qmp,fd=... -mon chardev=qmp,mode=control` on QEMU's command line.
    """

    def __init__(self, child: Child, mine: socket.socket) -> None:
        self._child = child
        self._socket = mine
        self._rest = b""
        self._answers: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        child.watch(mine.fileno(), self._feed)
        self._answer()                       # the greeting
        self.do("qmp_capabilities")

    def _feed(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            message = json.loads(line)
            (self.events if "event" in message else self._answers).append(message)

    def _answer(self) -> dict[str, Any]:
        self._child.until(lambda: bool(self._answers))
        return self._answers.pop(0)

    def do(self, command: str, **arguments: Any) -> Any:
        """Execute one command and wait for its answer.  Raises Refused."""
        try:
            self._socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        except (BrokenPipeError, ConnectionResetError):
            pass                             # QEMU is gone: waiting says how
        answer = self._answer()
        if "error" in answer:
            raise Refused(answer["error"]["desc"])
        return answer["return"]

    def monitor(self, line: str) -> str:
        """One line for the human monitor, and what it prints."""
        return str(self.do("human-monitor-command", **{"command-line": line}))

    def go_on(self) -> None:
        """Let the stopped machine run, and forget why it had stopped."""
        self.events.clear()
        self.do("cont")

    def wait(self, *names: str) -> None:
        """Wait for one of these events."""
        self._child.until(lambda: any(self.said(name) is not None for name in names))

    def said(self, name: str) -> dict[str, Any] | None:
        """The first event of that name so far, if any: its data."""
        return next((event.get("data", {}) for event in self.events if event["event"] == name), None)


REGISTER = re.compile(r"\b([A-Z][A-Z0-9]{1,3}) ?=([0-9a-f]{8,16})\b")
SEGMENT = re.compile(r"^(ES|CS|SS|DS|FS|GS|TR) ?=([0-9a-f]{4}) ([0-9a-f]{8,16}) ([0-9a-f]{8}) ([0-9a-f]{8})", re.M)
TABLE = re.compile(r"^(GDT|IDT)= +([0-9a-f]{8,16}) ([0-9a-f]{8})", re.M)
HALTED = re.compile(r"\bHLT=1\b")
SYSTEM_TYPE = 8              # where a descriptor's second word has its type


def view(qmp: Qmp, gdb: socket.socket, directory: Path, symbols: Symbols) -> View:
    """The stopped machine, from `info registers`.  GDB is one end of the idle socket pair of chardev `gdb`."""
    text = qmp.monitor("info registers")
    shown = {name.lower(): int(value, 16) for name, value in REGISTER.findall(text)}
    names = {long: f"e{long[1:]}" for long in REGISTERS[:8]} | {"rip": "eip", "rflags": "efl"}      # outside long mode
    names = names if "eip" in shown else {"rflags": "rfl"}
    values = {name: shown.get(names.get(name, name), 0) for name in REGISTERS}
    segments = {name: [int(part, 16) for part in parts] for name, *parts in SEGMENT.findall(text)}
    tables = {name: Table(int(base, 16), int(limit, 16)) for name, base, limit in TABLE.findall(text)}
    selector, base, limit, flags = segments.pop("TR")
    values |= {name.lower(): parts[0] for name, parts in segments.items()}
    values |= {"fs_base": segments["FS"][1], "gs_base": segments["GS"][1]}

    def memory(virtual: int, length: int) -> bytes:
        try:
            qmp.do("memsave", val=sign_extended(virtual), size=length, filename=MEMORY)
        except Refused as error:
            raise NotMapped(f"{virtual:#x}: {error}") from error
        return strangers.read(directory / MEMORY, RAM)

    def physical(address: int, length: int) -> bytes:
        qmp.do("pmemsave", val=address, size=length, filename=MEMORY)
        return strangers.read(directory / MEMORY, RAM)

    def kernel_gs() -> int:
        qmp.monitor("gdbserver chardev:gdb")
        _gdb(gdb, "qXfer:features:read:target.xml:0,ff")      # without it the stub gives no single register
        shown, hidden = (int.from_bytes(bytes.fromhex(_gdb(gdb, f"p{number:x}")), "little")
                         for number in (GDB_GS_BASE, GDB_KERNEL_GS))
        if shown != values["gs_base"]:
            raise Refused("this QEMU's gdb stub numbers its registers in another way")
        return hidden

    cpu, = qmp.do("query-cpus-fast")
    features = frozenset(name for name in FEATURES if qmp.do("qom-get", path=cpu["qom-path"], property=name))
    return View(values, tables["GDT"], tables["IDT"], Tr(selector, base, limit, flags >> SYSTEM_TYPE & 0xf),
                HALTED.search(text) is not None, memory, physical, kernel_gs,
                lambda: from_monitor(qmp.monitor("info lapic"), qmp.monitor("info pic")), features, symbols)


def _gdb(gdb: socket.socket, packet: str) -> str:
    """Ask, acknowledge, return the reply's payload ("Remote Protocol" in gdb's manual)."""
    gdb.settimeout(GDB_PATIENCE)
    gdb.sendall(f"${packet}#{sum(packet.encode()) & 0xff:02x}".encode())
    reply = b""
    while not (whole := re.search(rb"\$([^#]*)#[0-9a-f]{2}", reply)):
        reply += gdb.recv(4096)
    gdb.sendall(b"+")
    return whole[1].decode()
