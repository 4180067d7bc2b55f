"""What is drawn: docs/drawings.toml.

    [[drawing]]
    name      = "exception"         the marker in the page
    test      = "breakpoint"        the test of kernel/drawings that is run
    fold      = true                optional: rdx to r14 become one row
    registers = ["rdi", "cr2"]      optional: rows below the stack; `gs` is whose base GS has
    program   = "user_syscall"      optional: the program that runs; its labels are where it runs, not where it lies
    changed   = ["cs"]              optional: slots that the handler has written to; they hold what they hold

    [[drawing.moment]]
    at    = "entry_normal"          a symbol; `gate 3`, the first instruction behind that gate; or `iretq`, the next one
    title = "after the stub"        the column's head
    frame = "rdi"                   optional: by now struct pt_regs lies where this register points to: it has moved
                                    there, or the door has built it without the CPU
    hide  = true                    optional: looked at, because a frame begins here, but not drawn
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from .toml_table import Source, Table

PLAN = "docs/drawings.toml"


class CannotDraw(Exception):
    """One line that says why."""


@dataclass(frozen=True)
class Moment:
    at: str
    title: str
    hide: bool
    frame: str = ""

    @property
    def gate(self) -> int | None:
        found = re.fullmatch(r"gate (\d+)", self.at)
        return int(found[1]) if found else None


@dataclass(frozen=True)
class Drawing:
    name: str
    test: str
    fold: bool
    registers: tuple[str, ...]
    moments: tuple[Moment, ...]
    program: str = ""
    changed: tuple[str, ...] = ()


def plan(root: Path) -> list[Drawing]:
    """Raises CannotDraw for the first mistake, with its line."""
    source = Source(root / PLAN)
    table = source.root()
    drawings = [_drawing(row) for row in table.tables("drawing")]
    table.finish()
    for line, text in sorted(source.mistakes):
        raise CannotDraw(f"{PLAN}:{line}: {text}")
    return drawings


def _drawing(row: Table) -> Drawing:
    drawing = Drawing(row.string("name"), row.string("test"), row.flag("fold", False), row.strings("registers", ()),
                      tuple(_moment(moment) for moment in row.tables("moment")), row.string("program", ""),
                      row.strings("changed", ()))
    row.finish()
    return drawing


def _moment(row: Table) -> Moment:
    moment = Moment(row.string("at"), row.string("title", ""), row.flag("hide", False), row.string("frame", ""))
    row.finish()
    return moment
