"""The end of a machine. Nothing that ended can go on, but it can be looked at.

- The kernel ends it by itself: stopped just before it says so to QEMU, which would be gone at once, and gdb would
  know nothing but that the connection is closed.
- A triple fault: QEMU stops it there with SIGQUIT.
"""

from __future__ import annotations

import time
from pathlib import Path

import gdb

from gatehouse import by_hand, labs
from gatehouse.hand_qemu import CONSOLE, DIED

from . import kernel
from .machine import describe, register

QEMU_S_SHUTDOWN = "SIGQUIT"
LAST = "power_off"        # arch/x86_64/boot/machine.asm; the status is in eax
PATIENCE = 2.0            # seconds for the words of whoever watches QEMU's log
MOVES = ("continue", "stepi", "nexti", "step", "next", "until", "advance", "jump")

_run: Path | None = None
_lab: str | None = None
_over = False


def tell_from(run: str, lab: str | None) -> None:
    """The folder in which `make debug` and `make qemu-gdb` keep what came out of the machine, and how it died."""
    global _run, _lab
    _run, _lab = Path(run), lab


def over() -> bool:
    """Whether the machine has ended."""
    return _over


class Last(gdb.Breakpoint):
    """Where the kernel has nothing left to do but to end the machine."""

    def __init__(self, address: int) -> None:
        super().__init__(f"*{address:#x}", internal=True)
        self.silent = True


_last: Last | None = None


def watch() -> None:
    """Stop at the end of the kernel that is loaded now."""
    global _last
    known = kernel.loaded()
    address = known.symbols.get(LAST) if known else None
    if _last is not None and _last.is_valid():
        _last.delete()
    _last = Last(address) if address is not None else None


def _stopped(event: gdb.StopEvent) -> None:
    global _over
    ended = isinstance(event, gdb.BreakpointEvent) and _last in event.breakpoints
    died = isinstance(event, gdb.SignalEvent) and event.stop_signal == QEMU_S_SHUTDOWN
    _over = ended or died
    if _over:
        words = _words_of_the_kernel() if ended else _words_of_qemu()
        print(f"{words}The machine stands at {describe(register('rip'))}: bt, stack, idt and the others show it; "
              "it cannot go on.")


def _words_of_the_kernel() -> str:
    said = (_run / CONSOLE).read_text(errors="replace") if _run and (_run / CONSOLE).exists() else ""
    lab = labs.find(labs.load(by_hand.ROOT), _lab) if _lab else None
    _, lines = by_hand.told_end(register("eax") & 0xff, lab, "qemu", said)
    return "".join(f"{line}\n" for line in lines)


def _words_of_qemu() -> str:
    end = time.monotonic() + PATIENCE
    while _run is not None and time.monotonic() < end:
        if (_run / DIED).exists():
            return (_run / DIED).read_text()
        time.sleep(0.05)
    return "-- ended: the machine was reset or switched off\n"


class CanMove(gdb.Command):
    """gatehouse-can-move -- runs before what makes the machine go on, for which gdb would wait for ever at its end."""

    def __init__(self) -> None:
        super().__init__("gatehouse-can-move", gdb.COMMAND_OBSCURE)

    def invoke(self, text: str, from_tty: bool) -> None:
        if _over and gdb.selected_thread() is not None:
            raise gdb.GdbError("the machine has ended and cannot go on: say `quit`, and begin anew")


def install() -> None:
    CanMove()
    gdb.events.stop.connect(_stopped)
    for command in MOVES:
        gdb.execute(f"define hook-{command}\ngatehouse-can-move\nend")
