"""make qemu: one lab in QEMU, the serial port and the debug console in this terminal."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Sequence

from .by_hand import TRIPLE_FAULT, CannotStart, Wish, tell_end
from .hand_console import Console
from .outcome import trail_told
from .places import Places
from .qemu import MODELS, PROGRAM, SHIFT
from .qemu_trail import Loop, TrailLog, options
from .supervise import missing
from .symbols import Symbols
from .terminal import Listener, keyboard, show, tied

# The machine of the grader, but with the exit port.
MACHINE = ("-accel", "tcg", "-icount", f"shift={SHIFT},sleep=off", "-machine", "q35", "-m", "128", "-no-user-config",
           "-nodefaults", "-display", "none", "-device", "isa-debug-exit,iobase=0xf4,iosize=1")
DEBUG_CONSOLE = 0xe9
CONSOLE = "console"       # in the run's folder: what came out of the machine
DIED = "died"             # there, too: how, if by a triple fault
STATUS_BIT = 1            # isa-debug-exit ends QEMU with (status << 1) | 1; every other end is 0
BY_GDB = "Terminated via GDBstub"


class Machine:
    """One QEMU: what it says is shown in this terminal, and what it dies of is told. A context manager.

    With gdb, it stops where it would reset, so that gdb can look at it. Raises CannotStart where QEMU is not installed.
    """

    def __init__(self, asked: Wish, terminal: str, more: Sequence[str] = (), give: Sequence[int] = (),
                 stdin: int = subprocess.DEVNULL, gdb: bool = False, told: bool = True) -> None:
        if lacking := missing({PROGRAM: "qemu-system-x86"}):
            raise CannotStart(lacking)
        self._asked = asked
        self._told = told
        self._console = Console()
        self._trail = TrailLog()
        self._died = False
        self._words, self._log = Listener(self._say), Listener(self._note)
        line = [PROGRAM, *MACHINE, "-cpu", MODELS[asked.cpu],
                "-chardev", f"stdio,id=terminal,mux=on,signal=off,logfile={asked.run / CONSOLE}",
                "-serial", "chardev:terminal", "-device", f"isa-debugcon,iobase={DEBUG_CONSOLE:#x},chardev=terminal",
                *options(Symbols(asked.kernel)), "-D", self._log.path,
                "-action", "reboot=shutdown,shutdown=pause" if gdb else "reboot=shutdown",
                "-kernel", str(asked.kernel), "-append", asked.cmdline, *terminal.split(), *more]
        with (asked.run / "messages").open("w") as messages:
            self._qemu = subprocess.Popen(tied(line), stdin=stdin, stdout=self._words.write_end, stderr=messages,
                                          pass_fds=[self._log.write_end, *give], start_new_session=not terminal)
        self._words.start()
        self._log.start()

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, *_: object) -> None:
        self._qemu.kill()
        self._qemu.wait()
        self._words.finish()
        self._log.finish()
        show(self._console.finish())

    def wait(self) -> int:
        """QEMU's exit status."""
        return self._qemu.wait()

    @property
    def died(self) -> bool:
        """By a triple fault."""
        return self._died

    def _say(self, data: bytes) -> None:
        show(self._console.feed(data))

    def _note(self, data: bytes) -> None:
        """The next piece of QEMU's log. A loop of faults is no reason to stop reading: QEMU would wait."""
        with contextlib.suppress(Loop):
            self._trail.feed(data)
        if self._trail.triple and not self._died:
            self._died = True
            lines = [f"-- ended: {TRIPLE_FAULT}", *trail_told(self._trail.trail(), Places(self._asked.kernel).describe)]
            unfinished = self._asked.run / f"{DIED}.new"
            unfinished.write_text("".join(f"{line}\n" for line in lines))
            if self._told:
                show(unfinished.read_bytes())
            unfinished.rename(self._asked.run / DIED)


def run(asked: Wish) -> int:
    print("Ctrl-a x quits")
    return watch(asked)


def watch(asked: Wish, more: Sequence[str] = (), give: Sequence[int] = (), gdb: bool = False) -> int:
    """Run QEMU in this terminal to its end, and tell what that was: the keyboard is the guest's, Ctrl-a QEMU's."""
    with keyboard() as keys, Machine(asked, "-mon chardev=terminal", more, give, keys, gdb) as machine:
        status = machine.wait()
    messages = (asked.run / "messages").read_text(errors="replace").splitlines()
    errors = [said.strip() for said in messages
              if said.startswith("qemu") and "warning:" not in said and BY_GDB not in said]
    if errors or status < 0:
        raise CannotStart(errors[-1] if errors else f"QEMU was killed by signal {-status}")
    if status & STATUS_BIT:
        return tell_end(status >> 1, asked, "qemu", (asked.run / CONSOLE).read_text(errors="replace"))
    if machine.died:
        print(f"   `make grade{asked.again}` gives hints")
        return 1
    print("-- QEMU was quit before the kernel was done")
    return 0 if os.isatty(sys.stdin.fileno()) else 1
