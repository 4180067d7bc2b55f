"""A kernel in QEMU, stopped wherever one likes: the gdb stub, spoken to without gdb.

Not Bochs' debugger, for that does not stop at the first instruction behind a gate when an interrupt or an NMI leads
there. A breakpoint is removed before the machine goes on, for to step over one QEMU holds interrupts off.
"""

from __future__ import annotations

import re
import socket
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .qemu import PROGRAM, SHIFT
from .supervise import missing
from .terminal import tied

MACHINE = ("-accel", "tcg", "-icount", f"shift={SHIFT},sleep=off", "-machine", "q35", "-cpu", "max,vendor=GenuineIntel",
           "-m", "128", "-no-user-config", "-nodefaults", "-display", "none", "-no-reboot", "-debugcon", "null", "-S",
           "-gdb", "chardev:gdb")
PATIENCE = 60.0              # seconds for one answer; the slowest boots the machine
# Of the stub's description of this CPU, i386-64bit.xml: what a packet `g` begins with, and two registers more.
ORDER = ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp",
         "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rip", "rflags", "cs", "ss")
LAYOUT = "<17QIII"
MORE = {"gs": 25, "cr2": 28}               # gs is its base


class CannotStop(Exception):
    """One line that says why the machine is not where it was awaited."""


@dataclass(frozen=True)
class Where:
    """The registers of the stopped machine."""

    registers: dict[str, int]


class Stopped:
    """One QEMU, stopped before its first instruction. A context manager. Raises CannotStop."""

    def __init__(self, kernel: Path, cmdline: str, messages: Path) -> None:
        if lacking := missing({PROGRAM: "qemu-system-x86"}):
            raise CannotStop(lacking)
        self._socket, its_end = socket.socketpair()
        self._socket.settimeout(PATIENCE)
        self._rest = b""
        command = [PROGRAM, *MACHINE, "-chardev", f"socket,id=gdb,fd={its_end.fileno()}", "-kernel", str(kernel),
                   "-append", cmdline]
        with messages.open("wb") as said, its_end:
            self._qemu = subprocess.Popen(tied(command), stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                                          pass_fds=[its_end.fileno()], start_new_session=True)
        self._ask("qXfer:features:read:target.xml:0,ff")     # without it the stub knows no single register

    def __enter__(self) -> Stopped:
        return self

    def __exit__(self, *_: object) -> None:
        self._qemu.kill()
        self._qemu.wait()
        self._socket.close()

    def go_to(self, address: int) -> None:
        """On until that instruction is the next one. Raises CannotStop if the machine ends before."""
        self._insist(f"Z0,{address:x},1")
        answer = self._ask("c")
        self._insist(f"z0,{address:x},1")
        if not answer.startswith("T") or self.where().registers["rip"] != address:
            raise CannotStop(f"the machine did not come to {address:#x}")

    def step(self) -> None:
        """One instruction."""
        self._ask("s")

    def where(self) -> Where:
        values = struct.unpack_from(LAYOUT, bytes.fromhex(self._ask("g")))
        more = {name: int.from_bytes(bytes.fromhex(self._ask(f"p{number:x}")), "little")
                for name, number in MORE.items()}
        return Where({**dict(zip(ORDER, values)), **more})

    def read(self, address: int, length: int) -> bytes:
        """Memory at a virtual address. Raises CannotStop if it is not mapped."""
        answer = self._ask(f"m{address:x},{length:x}")
        if len(answer) != 2 * length:
            raise CannotStop(f"{address:#x} is not mapped")
        return bytes.fromhex(answer)

    def mapped(self, address: int) -> bool:
        try:
            return bool(self.read(address, 1))
        except CannotStop:
            return False

    def word(self, address: int) -> int:
        return int.from_bytes(self.read(address, 8), "little")

    def _insist(self, packet: str) -> None:
        if self._ask(packet) != "OK":
            raise CannotStop(f"QEMU's gdb stub refuses {packet}")

    def _ask(self, packet: str) -> str:
        """Send, receive, acknowledge: "Remote Protocol" in gdb's manual."""
        try:
            self._socket.sendall(f"${packet}#{sum(packet.encode()) & 0xff:02x}".encode())
            while not (found := re.search(rb"\$([^#]*)#[0-9a-f]{2}", self._rest)):
                data = self._socket.recv(1 << 16)
                if not data:
                    raise ConnectionResetError
                self._rest += data
            self._rest = self._rest[found.end():]
            self._socket.sendall(b"+")
        except TimeoutError:
            raise CannotStop(f"the machine ran on for {PATIENCE:.0f} seconds "
                             "without coming to where it was awaited") from None
        except (BrokenPipeError, ConnectionResetError):
            raise CannotStop("the machine ended before it came to where it was awaited") from None
        return found[1].decode()
