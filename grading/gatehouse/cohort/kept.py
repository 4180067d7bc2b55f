"""A student's folder in OUT: the files that were judged, the report, the runs that failed, and the record of it all.

The record comes last and goes first. So a folder with a record is whole, however an earlier grader has ended; and one
without is judged again.
"""

from __future__ import annotations

import io
import shutil
import textwrap
from collections.abc import Sequence
from pathlib import Path

from .. import json_report
from ..report import WIDTH, Again, Report
from ..result import LabResult
from ..safe import named
from . import atomic, record
from .record import Record
from .workshop import Earlier

FILES, REPORT, DATA, RUNS = "files", "report.txt", "report.json", "runs"
NEW = f"{FILES}.new"            # what was handed in, until it is known whether it is what was judged


def known(folder: Path, student: str, key: str) -> Record | None:
    """The record of a judgement of what this STUDENT handed in that had this KEY; what is new is then as the old."""
    found = record.read(folder)
    if not found or not found.final or (found.student, found.key) != (student, key) or not (folder / REPORT).is_file():
        return None
    shutil.rmtree(folder / NEW)
    return found


def forget(folder: Path) -> None:
    """Remove what was judged before, and all about it. OSError."""
    for name in (record.FILE, DATA, REPORT):
        (folder / name).unlink(missing_ok=True)
    for name in (FILES, RUNS):
        if (folder / name).exists():
            shutil.rmtree(folder / name)


def renew(folder: Path) -> None:
    """What is new takes the place of what was judged before. OSError."""
    forget(folder)
    (folder / NEW).rename(folder / FILES)


def explain(folder: Path, result: LabResult, blame: Sequence[str], seed: int, earlier: Earlier) -> None:
    """Keep the runs that failed, and the report: for programs, and for the student, by a handout's commands.

    Raises OSError.
    """
    _keep_runs(folder, result)
    text = io.StringIO()
    report = Report(text, Again(seed), colour=False, place=folder)
    report.lab(result)
    for line in blame:
        report.say(_filled(line, "    "))
    if blame:
        report.say()
    report.end([result])
    atomic.write(folder / REPORT, text.getvalue())
    json_report.write(folder / DATA, [result], Again(seed, folder / FILES, earlier))


def excuse(folder: Path, out: Record) -> None:
    """A report of a submission without a mark. OSError."""
    shutil.rmtree(folder / NEW, ignore_errors=True)
    end = f"Score: 0/{out.points}" if out.final else "This is not your doing; it will be judged again."
    atomic.write(folder / REPORT, f"lab {out.lab}: not judged\n{_filled(named(out.reason), '  ')}\n{end}\n")


def _filled(line: str, indent: str) -> str:
    return textwrap.fill(line, WIDTH, initial_indent="  ", subsequent_indent=indent, break_on_hyphens=False)


def _keep_runs(folder: Path, result: LabResult) -> None:
    for verdict in result.failures:
        if verdict.directory:
            place = folder / RUNS / verdict.directory.name
            if not place.exists():
                place.parent.mkdir(exist_ok=True)
                shutil.move(verdict.directory, place)
            verdict.directory = place
