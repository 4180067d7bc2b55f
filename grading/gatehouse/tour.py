"""A guided session in the debugger of Bochs, as labs/NN-name/tour/tour.toml has it.

    title = "..."                    the tour's name
    test  = ["breakpoint"]           the tests with which the kernel is booted
    intro = '''...'''                before the first step

    [[step]]
    name  = "The gate in memory"
    text  = '''...'''                what to read before; `{rsp:x}` stands for a value
    do    = ['x /16bx "idt"+48']     what to type; symbols stand in quotes, never addresses
    until = "rip == entry_3"         optional: the first command again and again until this holds
    keep  = ["^idtr"]                optional: only the lines of the output that match one of these are shown
    see   = ["{entry_3:016x}"]       optional: text that the output must contain
    check = ["rsp % 16 == 8"]        optional: what must hold afterwards
    note  = "before"                 optional: the registers by then can be named before.rsp later on
    ends  = true                     optional: the machine ends here, as it should
    then  = '''...'''                optional: what to read afterwards

Expressions are those of tour_values.py. A line of text that begins with a space is shown as it is.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from pathlib import Path

from . import tour_values
from .labs import LabError
from .toml_table import Source, Table

FILE = "tour/tour.toml"


@dataclass(frozen=True)
class Step:
    name: str
    line: int
    text: str
    do: tuple[str, ...]
    until: str | None
    keep: tuple[str, ...]
    see: tuple[str, ...]
    check: tuple[str, ...]
    note: str | None
    ends: bool
    then: str


@dataclass(frozen=True)
class Tour:
    path: str           # from the root, for messages
    title: str
    test: tuple[str, ...]
    intro: str
    steps: tuple[Step, ...]


def load(root: Path, lab_directory: Path) -> Tour:
    """Raises LabError for the first mistake, with its line."""
    path = lab_directory / FILE
    name = path.relative_to(root).as_posix()
    if not path.exists():
        raise LabError("", 0, f"there is no tour of lab {lab_directory.name}")
    source = Source(path)
    table = source.root()
    title, test, intro = table.string("title"), table.strings("test"), table.string("intro", "")
    steps = tuple(_step(source, step, number) for number, step in enumerate(table.tables("step")))
    table.finish()
    if source.values and not steps:
        source.complain("a tour has at least one [[step]]")
    for line, text in sorted(source.mistakes):
        raise LabError(name, line, text)
    return Tour(name, title, test, intro.strip(), steps)


def _step(source: Source, table: Table, number: int) -> Step:
    step = Step(name=table.string("name"), line=source.line("step", number), text=table.string("text").strip("\n"),
                do=table.strings("do"), until=table.optional("until"), keep=table.strings("keep", ()),
                see=table.strings("see", ()), check=table.strings("check", ()), note=table.optional("note"),
                ends=table.flag("ends", False), then=table.string("then", "").strip("\n"))
    table.finish()
    for expression in (*step.check, *([step.until] if step.until else [])):
        _verify(table, expression, "check" if expression in step.check else "until")
    for key, texts in (("text", [step.text]), ("then", [step.then]), ("see", step.see)):
        for text in texts:
            try:
                fields = [field for _, field, _, _ in string.Formatter().parse(text) if field is not None]
            except ValueError as error:
                table.complain(f"`{key}`: {error}", key)
                continue
            for field in fields:
                _verify(table, field, key)
    for pattern in step.keep:
        try:
            re.compile(pattern)
        except re.error as error:
            table.complain(f"`keep` is not a regular expression: {error}", "keep")
    for command in step.do:
        if re.search(r"0xffff|[0-9a-f]{8}", command):
            table.complain(f"`{command}` holds an address, which changes with every build: name a symbol in quotes",
                           "do")
    if not step.do:
        table.complain("a step types at least one command", "do")
    return step


def _verify(table: Table, expression: str, key: str) -> None:
    try:
        tour_values.parse(expression)
    except tour_values.Unclear as error:
        table.complain(f"`{key}`: {error}", key)
