"""leave: from anywhere inside a way into the kernel back to what it interrupted.

gdb's `finish` cannot do that: the interrupted code did not call, so there is no return address to wait at. Here the
machine runs to the IRETQ that takes this very frame, and over it; the handler may have changed where that leads.
"""

from __future__ import annotations

import contextlib

import gdb

from . import ended, kernel
from .frames import entry_of, nearest
from .machine import describe, register


class Leave(gdb.Command):
    """leave -- run until the way into the kernel that the selected frame is in has returned."""

    def __init__(self) -> None:
        super().__init__("leave", gdb.COMMAND_RUNNING)

    def invoke(self, text: str, from_tty: bool) -> None:
        register("rip")
        entry = nearest(gdb.selected_frame())
        if entry is None:
            raise gdb.GdbError("no way into the kernel is on the stack here")
        stops = [_stop(address, entry.frame) for address in kernel.current().returns]
        try:
            told = gdb.execute("continue", to_string=True)
        except gdb.error:
            raise gdb.GdbError("the machine ended before it came back") from None
        finally:
            for stop in stops:
                if stop.is_valid():
                    stop.delete()
        if ended.over():
            print(told, end="")
            raise gdb.GdbError("the machine ended before it came back")
        if register("rip") in kernel.current().returns and register("rsp") == entry.frame:
            gdb.execute("stepi", to_string=True)
            print(f"left for {describe(register('rip'))}")


def _stop(address: int, frame: int) -> gdb.Breakpoint:
    stop = gdb.Breakpoint(f"*{address:#x}", internal=True)
    stop.silent = True
    stop.condition = f"$rsp == {frame:#x}"
    return stop


class CanFinish(gdb.Command):
    """gatehouse-can-finish -- runs before `finish`, which would wait for ever in the entry code."""

    def __init__(self) -> None:
        super().__init__("gatehouse-can-finish", gdb.COMMAND_OBSCURE)

    def invoke(self, text: str, from_tty: bool) -> None:
        if gdb.selected_thread() is not None and entry_of(gdb.selected_frame()) is not None:
            raise gdb.GdbError("the entry code was not called, so it has no caller to finish to: say `leave`")


class End(gdb.Command):
    """gatehouse-end -- end the machine, so that it does not run on when gdb lets go of it."""

    def __init__(self) -> None:
        super().__init__("gatehouse-end", gdb.COMMAND_OBSCURE)

    def invoke(self, text: str, from_tty: bool) -> None:
        if gdb.selected_thread() is not None:
            with contextlib.suppress(gdb.error):     # it may be gone before it answers
                gdb.execute("kill", to_string=True)


def install() -> None:
    End()
    Leave()
    CanFinish()
    gdb.execute("define hook-finish\ngatehouse-can-finish\nend")
