"""Mutants: wrong solutions that must be caught, by the tests they name and with the hint they ask for.

A mutant is labs/NN-name/mutants/NAME.patch (or one of the instructor's own in private/mutants): a head of `Key: value`
lines and free text, then a unified diff of the lab's files with holes.

    Fails: table, limit       the tests that must fail
    On: bochs                 where; both emulators if left out
    Hint: limit is the last   what the hint must contain, for each of these tests

Where the tests need different hints, each has a line of its own in the head: every test's hint must say one of
the texts, and every text must be said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from . import overlay
from .build import Source, locked
from .labs import PRIVATE, Lab, LabError
from .outcome import COSTS_NOTHING, Outcome, Verdict
from .report import SHOWN_AS
from .result import LabResult
from .session import Pending, Session
from .trial import Trial, run

HEAD = re.compile(r"(Fails|On|Hint): *(.*\S)")
DIFF = re.compile(r"(?:diff --git|---) ")
PROVES_NOTHING = COSTS_NOTHING | {Outcome.PASS, Outcome.NOT_RUN, Outcome.EMULATOR, Outcome.BUILD}


@dataclass(frozen=True)
class Mutant:
    """One wrong solution."""

    lab: Lab
    path: Path
    fails: tuple[str, ...]
    on: tuple[str, ...]
    hints: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.lab.id}/{self.path.stem}"


def read(lab: Lab, path: Path) -> Mutant:
    """The mutant at PATH.  LabError for a head that says nothing, or names what is not there."""
    head: dict[str, str] = {}
    hints: list[str] = []
    where = path.relative_to(lab.root).as_posix()
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        if DIFF.match(line):
            break
        if not (found := HEAD.fullmatch(line)):
            continue
        if found[1] == "Hint":
            hints.append(found[2])
            continue
        if found[1] in head:
            raise LabError(where, number, f"a second {found[1]}: line")
        head[found[1]] = found[2]
        known = [test.name for test in lab.tests] if found[1] == "Fails" else list(SHOWN_AS)
        if unknown := [word for word in _words(found[2]) if word not in known]:
            raise LabError(where, number, f"{found[1]}: {unknown[0]} is not one of {', '.join(known)}")
    if missing := [key for key, there in (("Fails", "Fails" in head), ("Hint", hints)) if not there]:
        raise LabError(where, 1, f"the head has no {missing[0]}: line")
    return Mutant(lab, path, _words(head["Fails"]), _words(head.get("On", "qemu, bochs")), tuple(hints))


def _words(text: str) -> tuple[str, ...]:
    return tuple(filter(None, re.split(r"[,\s]+", text)))


def of_labs(labs: Sequence[Lab], name: str | None) -> list[Mutant]:
    """The mutants of the labs, or those called NAME.  LabError if there is none of that name."""
    found = [read(lab, path) for lab in labs for folder in (lab.dir, lab.dir / PRIVATE)
             for path in sorted((folder / "mutants").glob("*.patch"))]
    chosen = [mutant for mutant in found if name in (None, mutant.name, mutant.path.stem, mutant.path.name)]
    if name and not chosen:
        raise LabError("", 0, f"no mutant is called {name!r}; there are {', '.join(mutant.name for mutant in found)}")
    return chosen


def check(session: Session, labs: Sequence[Lab], name: str | None) -> int:
    """Judge the mutants, a line for each; the exit status."""
    return run(session, _trials(session, of_labs(labs, name)))


def _trials(session: Session, mutants: Sequence[Mutant]) -> Iterator[Trial]:
    for mutant in mutants:
        emulators = [emulator for emulator in session.emulators if emulator.name in mutant.on]
        if emulators:
            yield Trial(mutant.name, _start(replace(session, emulators=emulators), mutant), partial(missed, mutant))


def _start(session: Session, mutant: Mutant) -> Pending:
    place = session.root / "build" / "mutants" / mutant.name
    with locked(place):
        taken = overlay.from_patch(session.root, list(session.labs), mutant.lab, mutant.path, place / "overlay")
    return session.start(mutant.lab, list(mutant.lab.tests), Source(taken.dir), place / "out")


def missed(mutant: Mutant, result: LabResult) -> str | None:
    """Why the mutant was not caught as it must be; None if it was."""
    for judgement in result.judgements:
        where = SHOWN_AS[judgement.emulator]
        named = [judgement.verdicts[test] for test in mutant.fails]
        if built := next((verdict for verdict in named if verdict.outcome == Outcome.BUILD), None):
            return f"does not build: {built.detail[0]}"
        if alive := next((verdict for verdict in named if verdict.outcome in PROVES_NOTHING), None):
            return f"{alive.test} does not fail in {where}: {alive.outcome}"
        for verdict in named:
            if not any(_says(verdict, text) for text in mutant.hints):
                texts = " or ".join(map(repr, mutant.hints))
                return f"the hint for {verdict.test} in {where} does not say {texts}; it is: {verdict.hint or 'none'}"
    said = [verdict for judgement in result.judgements for verdict in judgement.verdicts.values()]
    unsaid = [text for text in mutant.hints if not any(_says(verdict, text) for verdict in said)]
    return f"no hint says {unsaid[0]!r}" if unsaid else None


def _says(verdict: Verdict, text: str) -> bool:
    return text.lower() in (verdict.hint or "").lower()
