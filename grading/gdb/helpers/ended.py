"""The end of a machine by a triple fault: QEMU stops it there with SIGQUIT, and it can be looked at but not go on."""

from __future__ import annotations

import time
from pathlib import Path

import gdb

from .machine import describe, register

QEMU_S_SHUTDOWN = "SIGQUIT"
PATIENCE = 2.0            # seconds for the words of whoever watches QEMU's log
MOVES = ("continue", "stepi", "nexti", "step", "next", "until", "advance", "jump")

_told_in: Path | None = None
_over = False


def tell_from(path: str) -> None:
    """The file in which `make debug` and `make qemu-gdb` say how the machine died."""
    global _told_in
    _told_in = Path(path)


def _stopped(event: gdb.StopEvent) -> None:
    global _over
    _over = isinstance(event, gdb.SignalEvent) and event.stop_signal == QEMU_S_SHUTDOWN
    if _over:
        print(f"{_words()}The machine stands at {describe(register('rip'))}: bt, stack, idt and the others show it; "
              "it cannot go on.")


def _words() -> str:
    end = time.monotonic() + PATIENCE
    while _told_in is not None and time.monotonic() < end:
        if _told_in.exists():
            return _told_in.read_text()
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
