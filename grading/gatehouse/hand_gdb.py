"""make qemu-gdb and make gdb in two terminals, make debug in one.

The port is one's own, from the user's number as xv6 and JOS do it, or the next that is free. QEMU gets a socket that
listens already, so that nobody else can take the port in between, and gdb need not wait for it.
"""

from __future__ import annotations

import os
import shlex
import shutil
import socket
from pathlib import Path

from .by_hand import ROOT, CannotStart, Wish
from .hand_qemu import Machine, watch
from .terminal import in_foreground

FIRST_PORT, PORTS, TRIED = 25000, 5000, 50
WAITING = "gdbinit"
PID = "# of the machine with process number "


def wait_for_gdb(asked: Wish, state: Path) -> int:
    """QEMU in this terminal, stopped before its first instruction until gdb lets it go."""
    listener, port = _listen()
    state.mkdir(parents=True, exist_ok=True)
    waiting = state / WAITING
    waiting.write_text(f"{PID}{os.getpid()}\n{script(asked, f'127.0.0.1:{port}')}")
    print(f"waiting for gdb on port {port}: say `make gdb` in another terminal; Ctrl-a x quits")
    try:
        return watch(asked, ["-S", *_stub(listener, "nodelay=on")], [listener.fileno()], gdb=True)
    finally:
        listener.close()
        if waiting.exists() and waiting.read_text().startswith(f"{PID}{os.getpid()}\n"):    # not a later one's
            waiting.unlink()


def attach(state: Path) -> int:
    """gdb, for the machine that `make qemu-gdb` started last in this tree."""
    waiting = state / WAITING
    try:
        first = waiting.read_text().partition("\n")[0]
        os.kill(int(first.removeprefix(PID)), 0)
    except (FileNotFoundError, ValueError, ProcessLookupError):
        raise CannotStart("no machine waits for gdb: say `make qemu-gdb LAB=...` in another terminal") from None
    return _gdb(waiting)


def both(asked: Wish) -> int:
    """QEMU in the background, its serial port in this terminal, and gdb in front of it."""
    path = asked.run / "gdb"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        machine = Machine(asked, "", ["-S", *_stub(listener)], [listener.fileno()], gdb=True, told=False)
    with machine:
        start = asked.run / WAITING
        start.write_text(f"{script(asked, str(path))}define hook-quit\ngatehouse-end\nend\n")
        return _gdb(start)


def script(asked: Wish, target: str) -> str:
    """What gdb does first: the right kernel's symbols, our commands, and on to where C begins."""
    return f"""\
set confirm off
set disassembly-flavor intel
directory {ROOT}
file {asked.kernel}
source {ROOT / 'grading/gdb/load.py'}
python helpers.ended.tell_from({str(asked.run)!r}, {asked.lab and asked.lab.id!r})
target remote {target}
tbreak kernel_main
continue
echo \\nNew commands: pt_regs idt gdt tss stack stacks gs nmi leave; `help pt_regs` and so on, docs/debugging.md.\\n
"""


def _listen() -> tuple[socket.socket, int]:
    """A socket on a port of the user's own, of this computer only."""
    first = FIRST_PORT + os.getuid() % PORTS
    for port in range(first, first + TRIED):
        listener = socket.socket()
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", port))
            listener.listen()
        except OSError:
            listener.close()
            continue
        return listener, port
    raise CannotStart(f"no port from {first} to {first + TRIED - 1} is free")


def _stub(listener: socket.socket, *options: str) -> list[str]:
    """Over TCP with `nodelay=on`: QEMU writes each answer in two pieces, and the second would wait for gdb's
    acknowledgement, which takes 40 ms."""
    return ["-chardev", ",".join(["socket,id=gdb,server=on,wait=off", *options, f"fd={listener.fileno()}"]),
            "-gdb", "chardev:gdb"]


def _gdb(start: Path) -> int:
    """GDB= names another one, such as gdb-multiarch on a host that is not x86-64."""
    program = shlex.split(os.environ.get("GDB", "gdb"))
    if shutil.which(program[0]) is None:
        raise CannotStart(f"{program[0]} is not installed: apt-get install gdb")
    return in_foreground([*program, "-q", "-x", str(start)])
