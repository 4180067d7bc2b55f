"""Skeletons: what a student starts from must build, boot and name the hole that it reaches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from . import overlay
from .build import Source, locked
from .labs import Lab
from .outcome import COSTS_NOTHING, Outcome
from .report import SHOWN_AS
from .result import LabResult
from .session import Pending, Session
from .trial import Trial, run

ENDS_BY_NAME = COSTS_NOTHING | {Outcome.HOLE, Outcome.PASS, Outcome.NOT_RUN}


def check(session: Session, labs: Sequence[Lab]) -> int:
    """Judge the skeletons, a line for each; the exit status."""
    return run(session, _trials(session, labs))


def _trials(session: Session, labs: Sequence[Lab]) -> Iterator[Trial]:
    for lab in labs:
        yield Trial(f"{lab.id} skeleton", _start(session, lab), complaint)


def _start(session: Session, lab: Lab) -> Pending:
    place = session.root / "build" / "skeletons" / lab.id
    with locked(place):
        taken = overlay.from_skeleton(session.root, list(session.labs), lab, place / "overlay")
    return session.start(lab, list(lab.tests), Source(taken.dir), place / "out")


def complaint(result: LabResult) -> str | None:
    """What is wrong with a skeleton; None if nothing is."""
    for judgement in result.judgements:
        where = SHOWN_AS[judgement.emulator]
        for verdict in judgement.verdicts.values():
            if verdict.outcome not in ENDS_BY_NAME:
                return f"{verdict.test} in {where}: {verdict.outcome}: {verdict.detail[0]}"
        if all(verdict.outcome != Outcome.HOLE for verdict in judgement.verdicts.values()):
            return f"no hole is reached in {where}"
    return None
