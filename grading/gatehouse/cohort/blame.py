"""Whose bug is it: of tests that fail only on a student's own earlier labs, which of those labs is to blame."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from ..labs import Lab, Test
from ..outcome import Outcome
from ..result import LabResult

# The tests on the student's own earlier labs, but for those of the numbers given, which are the reference's.
Judge = Callable[[Sequence[Test], Collection[int]], LabResult]


@dataclass(frozen=True)
class Blame:
    """A test that passes on the reference's earlier labs and not on the student's."""

    test: str
    symptom: str
    lab: Lab | None         # with the reference's of this one it passes; None: with no single one

    def __str__(self) -> str:
        if self.lab is None:
            return (f"{self.test}: fails on your own earlier labs ({self.symptom}) and passes on the reference's; no "
                    "single one of them is to blame")
        return (f"{self.test}: fails on your own earlier labs ({self.symptom}); passes with the reference's lab "
                f"{self.lab.tag}: the bug is there")


def blamed(lab: Lab, earlier: Sequence[Lab], isolated: LabResult, own: LabResult, judge: Judge) -> Iterator[Blame]:
    """What the student's EARLIER labs break in LAB, by results on the reference's and on the student's OWN."""
    open_ = [test for test in lab.tests if isolated.passed(test) and not own.passed(test) and not _not_run(own, test)]
    symptoms = {test.name: _symptom(own, test) for test in open_}
    for suspect in reversed(earlier):           # the latest first: it stands nearest
        if not open_ or not suspect.holes:
            continue
        repaired = judge(with_needs(lab, open_), [suspect.number])
        for test in [test for test in open_ if repaired.passed(test)]:
            open_.remove(test)
            yield Blame(test.name, symptoms[test.name], suspect)
    for test in open_:
        yield Blame(test.name, symptoms[test.name], None)


def _not_run(result: LabResult, test: Test) -> bool:
    """Whether it only lacks another test, whose failure says all."""
    return all(verdict.fine or verdict.outcome == Outcome.NOT_RUN for verdict in result.verdicts(test).values())


def with_needs(lab: Lab, tests: Sequence[Test]) -> list[Test]:
    """TESTS and all that they need, in the plan's order."""
    names = {test.name for test in tests}
    for test in reversed(lab.tests):
        if test.name in names:
            names |= set(test.needs)
    return [test for test in lab.tests if test.name in names]


def _symptom(result: LabResult, test: Test) -> str:
    verdict = next(verdict for verdict in result.verdicts(test).values() if not verdict.fine)
    return f"{verdict.outcome}: {verdict.detail[0]}" if verdict.detail else str(verdict.outcome)
