"""All that a graded class leaves beside the students' folders."""

from __future__ import annotations

from collections.abc import Sequence

from .. import labs
from . import junit, sheet, summary
from .plan import Plan
from .record import Record


def write(plan: Plan, records: Sequence[Record]) -> None:
    """The sheet, the page, JUnit. OSError."""
    lab = labs.find(labs.load(plan.root), plan.lab)
    sheet.write(plan.out, [test.name for test in lab.tests], records)
    summary.write(plan.out, lab, records)
    junit.write(plan.out, records)
