"""What a test's own words on the serial line come to, before the outside probe's are set against them."""

from __future__ import annotations

import re

from . import bulk
from .boot import Boot
from .labs import Test
from .outcome import Crash, Outcome, Place, silence
from .safe import tail

SHORT_TAIL = 3
LONG_TAIL = 8
EXPECTED = re.compile(r": expected .*, got ")


def said(test: Test, boot: Boot, seed: int, place: Place) -> tuple[Outcome, list[str]]:
    """The verdict for a test of a boot that reached its end."""
    section = boot.said.sections[test.name]
    damage: list[str] = []
    if test.data and section.skip is None and (section.ok is not None or section.data):
        damage = bulk.compare(test.data, section.data, seed, boot.nonce)
    if section.ok is None:
        why = silence(boot.run.serial, boot.said) or ["the machine ran on, but no result of this test arrived"]
        return Outcome.MISSING, [*why, *section.facts, *damage]
    if not section.ok:
        return Outcome.WRONG, section.facts + damage or ["it says `not ok` and no reason"]
    if damage:
        return Outcome.WRONG, damage
    if section.skip is not None:
        return Outcome.SKIPPED, [section.skip]
    if denied := [fact for fact in section.facts if EXPECTED.search(fact)]:
        return Outcome.WRONG, ["it says `ok` although", *denied]
    if (meddler := boot.run.meddled.get(test.name)) is not None:
        return Outcome.WRONG, [f"it says `ok`, and its count of facts and failures was written to at {place(meddler)}"]
    if section.checked == 0 and not test.data:
        return Outcome.WRONG, ["it says `ok` and has not looked at a single fact"]
    return Outcome.PASS, []


def panicked(test: Test, boot: Boot) -> tuple[Outcome, list[str]]:
    """The verdict for a test that passes by a panic whose text matches `says`."""
    crash: Crash | None = boot.crash
    if crash is None and not boot.said.plan:
        return Outcome.MISSING, silence(boot.run.serial, boot.said)
    if crash is None:
        return Outcome.WRONG, [f"expected a panic that says /{test.says}/, got none: the test came back"]
    if crash.outcome != Outcome.PANIC or not (boot.said.banner and boot.said.sections[test.name].begun):
        return crash.outcome, crash.detail
    text = "\n".join([boot.said.panic or "", *boot.said.panic_lines])
    if test.by:
        text = text.rpartition("\nPANIC: ")[2]          # the one that has ended the machine
    if re.search(test.says or "", text):
        if test.by not in (None, boot.panicker):
            return Outcome.WRONG, [f"this panic was to come from {test.by}, and did not", *crash.detail]
        return Outcome.PASS, []
    return Outcome.WRONG, [f"expected a panic that says /{test.says}/, got \"{boot.said.panic}\"", *crash.detail[1:]]


def last_lines(test: str, outcome: Outcome, boot: Boot) -> list[str]:
    """The last serial lines that concern this failure."""
    if outcome == Outcome.WRONG and boot.said.sections[test].lines:
        return tail("\n".join(boot.said.sections[test].lines).encode("latin-1"), SHORT_TAIL)
    return tail(boot.run.serial, LONG_TAIL)
