"""Hints by symptom: the first one that fits, the lab's own before those of every lab."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .labs import Hint, Lab, load_hints
from .outcome import Outcome

# No symptoms of a wrong solution: a hint for these names them.
UNLIKE_OTHERS = frozenset({Outcome.HOLE, Outcome.BUILD, Outcome.FORGED, Outcome.EMULATOR})

GENERIC = Path(__file__).parent.parent / "hints.toml"


def of_lab(lab: Lab) -> list[Hint]:
    """All hints that may answer a failure in LAB, in the order in which they are tried."""
    return [*lab.hints, *load_hints(GENERIC)]


@dataclass(frozen=True)
class Advice:
    """What is said, and what it was made from: two failures with one `cause` need one explanation."""

    text: str
    cause: str


def choose(hints: Iterable[Hint], test: str, outcome: Outcome, symptom: str) -> str | None:
    """What the first fitting hint says, `\\1` replaced by the first group of its `match`."""
    advice = advise(hints, test, outcome, symptom)
    return advice.text if advice else None


def advise(hints: Iterable[Hint], test: str, outcome: Outcome, symptom: str) -> Advice | None:
    """The same, and by which hint."""
    for hint in hints:
        if hint.test not in (None, test) or hint.outcome not in (None, outcome):
            continue
        if hint.outcome is None and outcome in UNLIKE_OTHERS:
            continue
        if hint.match is None:
            return Advice(hint.say, hint.say)
        if found := re.search(hint.match, symptom, re.MULTILINE):
            return Advice(_filled(hint.say, found), hint.say)
    return None


def _filled(say: str, found: re.Match[str]) -> str:
    return re.sub(r"\\(\d)", lambda group: found[int(group[1])] or "", say)
