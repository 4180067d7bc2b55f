"""make qemu: one lab in QEMU, the serial port and the debug console in this terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

from .by_hand import CannotStart, Wish, tell_end
from .qemu import PROGRAM, SHIFT
from .supervise import missing
from .terminal import tied

# The machine of the grader, but with the exit port, and ended instead of paused when it resets.
MACHINE = ("-accel", "tcg", "-icount", f"shift={SHIFT},sleep=off", "-machine", "q35", "-cpu", "max,vendor=GenuineIntel",
           "-m", "128", "-no-user-config", "-nodefaults", "-display", "none", "-no-reboot",
           "-device", "isa-debug-exit,iobase=0xf4,iosize=1")
DEBUG_CONSOLE = 0xe9
CONSOLE = "console"       # in the run's folder: what came out of the machine
STATUS_BIT = 1            # isa-debug-exit ends QEMU with (status << 1) | 1; every other end is 0


def command(asked: Wish, *more: str) -> list[str]:
    """Raises CannotStart where QEMU is not installed."""
    if lacking := missing({PROGRAM: "qemu-system-x86"}):
        raise CannotStart(lacking)
    return [PROGRAM, *MACHINE, "-serial", "chardev:terminal",
            "-device", f"isa-debugcon,iobase={DEBUG_CONSOLE:#x},chardev=terminal",
            "-d", "cpu_reset", "-D", str(asked.run / "resets"),
            "-kernel", str(asked.kernel), "-append", asked.cmdline, *more]


def by_person(asked: Wish, *more: str) -> list[str]:
    """With the keyboard for the guest, and QEMU's own keys behind Ctrl-a."""
    return command(asked, "-chardev", f"stdio,id=terminal,mux=on,signal=off,logfile={asked.run / CONSOLE}", "-mon", "chardev=terminal", *more)


def run(asked: Wish) -> int:
    print("Ctrl-a x quits")
    return watch(asked, by_person(asked))


def watch(asked: Wish, line: Sequence[str], give: Sequence[int] = ()) -> int:
    """Run QEMU in this terminal to its end, and tell what that was."""
    with (asked.run / "messages").open("w+") as messages:
        status = subprocess.call(tied(line), stderr=messages, pass_fds=give)
        messages.seek(0)
        errors = [said.strip() for said in messages if said.startswith("qemu") and "warning:" not in said]
    if errors or status < 0:
        raise CannotStart(errors[-1] if errors else f"QEMU was killed by signal {-status}")
    if status & STATUS_BIT:
        return tell_end(status >> 1, asked, "qemu", (asked.run / CONSOLE).read_text(errors="replace"))
    resets = asked.run / "resets"
    if resets.exists() and "Triple fault" in resets.read_text(errors="replace"):
        print("-- ended: triple fault, an exception for which there was no way in, three deep")
        print(f"   `make grade{asked.again}` shows the exceptions that led there")
        return 1
    print("-- ended before the kernel did")
    return 0 if os.isatty(sys.stdin.fileno()) else 1
