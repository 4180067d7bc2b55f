"""docs/emulators.md from the table of disagreements, the labs and the hand-written text around both."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from . import labs
from .bochs import MODELS as BOCHS_MODELS
from .disagreements import FOLDER, MODELS, Disagreements, Row, Verdict
from .qemu import MODELS as QEMU_MODELS

PAGE = "docs/emulators.md"
TEXT = f"{FOLDER}/page.md"
CODE = "kernel/emulators"
HERE = "grading/gatehouse/emulator_rows.py"
ROW = re.compile(r"^ROW(?:_IN_RING_3)?\((\w+)\)", re.MULTILINE)
GROUPS = {"exceptions": "Exceptions and the fast ways in", "debug": "Debug exceptions", "nmi": "NMI and machine check",
          "memory": "Memory", "interrupts": "Interrupts", "features": "Features", "devices": "Devices"}
COLUMNS = ("QEMU, Intel", "QEMU, AMD", "Bochs, Intel", "Bochs, AMD")
FORMS = {Verdict.RIGHT: "{}", Verdict.WRONG: "**{}**", Verdict.LACKING: "–", Verdict.OPEN: "*{}*"}


def page(root: Path, table: Disagreements) -> str:
    """The whole page."""
    text = (root / TEXT).read_text("utf-8")
    shown = shown_by(root, table.rows.values())
    tests = tests_of(root)
    departing = [row for row in table.rows.values() if table.departs(row.name)]
    agreeing = [row for row in table.rows.values() if not table.departs(row.name)]
    judges = "with which the grader judges, and for tests that want a CPU of AMD's"
    models = "\n".join([
        f"- QEMU {table.versions['qemu']}, TCG: `-cpu {QEMU_MODELS['intel']}`, {judges} `{QEMU_MODELS['amd']}`",
        f"- Bochs {table.versions['bochs']}: `{BOCHS_MODELS['intel']}`, {judges} `{BOCHS_MODELS['amd']}`"])
    return text.format(models=models,
                       departures="\n".join(_departures(departing, table, shown, tests)).strip(),
                       agreements="\n".join(_agreements(agreeing, table, shown)).strip())


def shown_by(root: Path, rows: Iterable[Row]) -> dict[str, str]:
    """The file that shows each row."""
    files = {name: path.name for path in sorted((root / CODE).glob("*.c"))
             for name in ROW.findall(path.read_text("utf-8"))}
    return {row.name: HERE if row.outside else f"{CODE}/{files[row.test]}" for row in rows}


def tests_of(root: Path) -> dict[str, list[str]]:
    """The labs' tests that name a row."""
    found: dict[str, list[str]] = {}
    for lab in labs.read(root)[0]:
        for test in lab.tests:
            for row in dict.fromkeys(test.not_on.values()):
                found.setdefault(row, []).append(f"lab {lab.tag} `{test.name}`")
    return found


def _departures(rows: list[Row], table: Disagreements, shown: dict[str, str], tests: dict[str, list[str]]
                ) -> Iterator[str]:
    for group, title in GROUPS.items():
        of_group = [row for row in rows if row.group == group]
        if not of_group:
            continue
        yield f"### {title}\n"
        yield _line(["row", "behaviour", "the manual", *COLUMNS, "seen by"])
        yield _line(["---"] * 8)
        for row in of_group:
            cells = [FORMS[verdict].format(_code(table.observed[row.name][model]))
                     for model in MODELS if (verdict := table.verdict(row.name, model)) is not None]
            seen = "; ".join(filter(None, [f"`{Path(shown[row.name]).name}`", *tests.get(row.name, []), row.used]))
            yield _line([f"`{row.name}`", row.behaviour, row.manual, *cells, seen])
        yield ""


def _agreements(rows: list[Row], table: Disagreements, shown: dict[str, str]) -> Iterator[str]:
    yield _line(["row", "behaviour", "the manual", "seen", "in"])
    yield _line(["---"] * 5)
    for row in rows:
        seen = " / ".join(dict.fromkeys(table.observed[row.name].values()))
        yield _line([f"`{row.name}`", row.behaviour, row.manual, _code(seen), f"`{Path(shown[row.name]).name}`"])


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _code(seen: str) -> str:
    return seen.replace("*", "\\*")
