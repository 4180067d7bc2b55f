"""Gatehouse's commands in gdb. These modules run inside gdb, whose module `gdb` they need."""

from __future__ import annotations

import gdb

from . import ended, kernel, leave, unwind
from .frames import PtRegs
from .inject import Nmi
from .stacks import Stack, Stacks
from .tables import Gdt, Gs, Idt, Tss


def install() -> None:
    """Once for a gdb: the commands now, the unwind information for each kernel that is loaded."""
    for command in (PtRegs, Idt, Gdt, Tss, Stack, Stacks, Gs, Nmi):
        command()
    unwind.install()
    leave.install()
    ended.install()
    gdb.events.new_objfile.connect(lambda _: _refresh())
    _refresh()


def _refresh() -> None:
    if kernel.refresh():
        ended.watch()
