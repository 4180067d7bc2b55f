"""grades.csv: a line for each student."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from . import atomic
from .record import Record

FILE = "grades.csv"
FORMULA = ("=", "+", "-", "@", "\t", "\r")      # a spreadsheet would compute what begins so


def write(out: Path, tests: Sequence[str], records: Iterable[Record]) -> None:
    """Write the sheet of those RECORDS to OUT, whole or not at all. OSError."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["student", "score", "points", "status", "remark", *tests])
    for record in sorted(records, key=lambda one: (one.student.casefold(), one.slug)):
        earned = [str(record.tests.get(test, 0)) if record.status == "judged" else "" for test in tests]
        score = record.score if record.status != "trouble" else ""
        writer.writerow([cell(record.student), score, record.points, record.status, cell(remark(record)), *earned])
    atomic.write(out / FILE, text.getvalue())


def remark(record: Record) -> str:
    """The one thing to know besides the points."""
    if record.reason:
        return record.reason
    if record.forged:
        return "forged: what was printed is not what the machine showed"
    if record.unfilled:
        return f"holes left empty: {', '.join(record.unfilled)}"
    return next(iter([*record.blame, *record.remarks]), "")


def cell(text: str) -> str:
    """TEXT that no spreadsheet takes for a formula, in one line."""
    line = " ".join(text.split())
    return f"'{line}" if line.startswith(FORMULA) else line
