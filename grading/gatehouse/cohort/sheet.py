"""grades.csv: a line for each student."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..outcome import Outcome
from ..safe import named
from . import atomic
from .record import Record

FILE = "grades.csv"
# A spreadsheet computes what begins so, some with wide signs, too; and where a comma is in numbers, cells end at `;`.
FORMULA = re.compile("(^|; *)([=+\\-@\uff1d\uff0b\uff0d\uff20])")


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
    """What there is to know besides the points."""
    said = [record.reason] if record.reason else []
    if record.forged:
        said.append("forged: what was printed is not what the machine showed")
    if unbuilt := build_failure(record):
        said.append(unbuilt)
    elif record.unfilled:
        said.append(f"holes left empty: {', '.join(record.unfilled)}")
    for lines in (record.look, record.blame, record.remarks):
        if lines:
            said.append(lines[0] + (f" (and {len(lines) - 1} more)" if lines[1:] else ""))
    return "; ".join(said)


def build_failure(record: Record) -> str:
    """What the compiler says first, if it says anything: then no test can pass."""
    return next((text for text in record.symptoms.values() if text.startswith(f"{Outcome.BUILD}: ")), "")


def cell(text: str) -> str:
    """TEXT that no spreadsheet takes for a formula, in one line, without what a terminal would obey."""
    return FORMULA.sub(r"\1'\2", named(text))
