"""The table of disagreements as data: what the manuals demand, what each model of a CPU was seen to do.

grading/emulators/rows.toml is written by hand, observed.toml beside it by `make emulators`. Mistakes are noted, as
(path, line, text), for whoever reads the labs; a tree without the files has an empty table.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from .toml_table import Source, Table

FOLDER = "grading/emulators"
ROWS, OBSERVED = f"{FOLDER}/rows.toml", f"{FOLDER}/observed.toml"
# Of the models; the grader judges with the first, unless a test wants another.
VENDORS = ("intel", "amd")
MODELS = ("qemu-intel", "qemu-amd", "bochs-intel", "bochs-amd")
ABSENT = "not there"                                        # what is observed where the CPU lacks the feature
PREFIX = "row:"                                             # in a lab.toml's not_on


class Verdict(StrEnum):
    """An observation held against the manuals."""

    RIGHT = "as the manual demands"
    WRONG = "not as the manual demands"
    LACKING = "not there"
    OPEN = "left open by the manual"


@dataclass(frozen=True)
class Row:
    """One behaviour."""

    name: str
    group: str
    behaviour: str
    manual: str
    demand: dict[str, tuple[str, ...]]      # by vendor: observations, each of which is right
    open: bool
    outside: bool                           # observed by the host alone
    used: str                               # what labs do about it, where none of their tests names the row

    @property
    def test(self) -> str:
        """The kernel's name for the row."""
        return self.name.replace("-", "_")


def reason(row: str) -> str:
    """Why a test is not judged, in the words of every report."""
    return f"row {row}"


@dataclass
class Disagreements:
    """All rows in the order of the file, and what was observed."""

    rows: dict[str, Row] = field(default_factory=dict)
    observed: dict[str, dict[str, str]] = field(default_factory=dict)       # row -> model -> observation
    versions: dict[str, str] = field(default_factory=dict)                  # emulator -> version
    mistakes: list[tuple[str, int, str]] = field(default_factory=list)

    def verdict(self, row: str, model: str) -> Verdict | None:
        """None for a row that has not been observed yet."""
        seen = self.observed.get(row, {}).get(model)
        return None if seen is None else judge(self.rows[row], model, seen)

    def departs(self, row: str) -> bool:
        """Whether any model does otherwise than the manual demands, or where that is open, than another model."""
        verdicts = [self.verdict(row, model) for model in MODELS]
        return Verdict.WRONG in verdicts or len(set(self.observed.get(row, {}).values())) > 1

    def excuse(self, emulator: str, words: str, cpu: str) -> str | None:
        """What is wrong with `not_on = { EMULATOR = "WORDS" }`; None if it names a row that explains it for CPU."""
        name = words.removeprefix(PREFIX)
        if not words.startswith(PREFIX):
            return f'`not_on` names a row of docs/emulators.md: {emulator} = "{PREFIX}NAME", not {words!r}'
        if name not in self.rows:
            close = difflib.get_close_matches(name, self.rows, n=3, cutoff=0.4)
            meant = f"; do you mean {' or '.join(close)}?" if close else ""
            return f"{name!r} is no row of docs/emulators.md{meant}"
        model = f"{emulator}-{cpu}"
        verdict = self.verdict(name, model)
        if verdict is None:
            return f"row {name} has not been observed; run `make emulators`"
        if verdict is Verdict.RIGHT:
            seen = self.observed[name][model]
            return f"row {name} says that {emulator} does as the manual demands ({seen}), so it can judge"
        return None


def judge(row: Row, model: str, seen: str) -> Verdict:
    """What SEEN means for a row."""
    if seen == ABSENT:
        return Verdict.LACKING
    if row.open:
        return Verdict.OPEN
    return Verdict.RIGHT if seen in row.demand[model.partition("-")[2]] else Verdict.WRONG


def load(root: Path) -> Disagreements:
    """The table of the tree at ROOT."""
    table = Disagreements()
    if (root / ROWS).is_file():
        source = Source(root / ROWS)
        _rows(source, table)
        table.mistakes += [(ROWS, line, text) for line, text in sorted(source.mistakes)]
    if (root / OBSERVED).is_file():
        source = Source(root / OBSERVED)
        _observed(source, table)
        table.mistakes += [(OBSERVED, line, text) for line, text in sorted(source.mistakes)]
    return table


def _rows(source: Source, out: Disagreements) -> None:
    top = source.root()
    for table in top.tables("row"):
        row = Row(table.string("name"), table.string("group"), table.string("behaviour"), table.string("manual"),
                  _demand(table), table.flag("open", False), table.flag("outside", False), table.string("used", ""))
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", row.name):
            table.complain(f"row {row.name!r} is not in kebab-case", "name")
        elif row.name in out.rows:
            table.complain(f"row {row.name} is there twice", "name")
        if row.open == all(row.demand.values()):
            table.complain("a row demands something of both vendors, or is `open`", "name")
        table.finish()
        out.rows.setdefault(row.name, row)
    top.finish()


def _demand(table: Table) -> dict[str, tuple[str, ...]]:
    both = table.strings("demand", ())
    return {vendor: table.strings(f"demand_{vendor}", both) for vendor in VENDORS}


def _observed(source: Source, out: Disagreements) -> None:
    top = source.root()
    out.versions = top.words("versions")
    for name, row in out.rows.items():
        seen = top.words(name, {})
        for model in seen:
            if model not in MODELS:
                source.complain(f"{model!r} is no model; known: {', '.join(MODELS)}", name, model)
        if seen:
            out.observed[row.name] = seen
    top.finish()
