"""The report for a person: short when all is well, and when not, all that is needed to go on."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from .disagreements import VENDORS
from .failures import Group, explained, groups
from .labs import Lab, Test
from .outcome import Outcome, Verdict
from .result import LabResult
from .runs import place_of

WIDTH = 100
MOST_FACTS = 8           # lines of a failure's detail; the JSON report has them all
MOST_NOTES = 6
SHOWN_AS = {"qemu": "QEMU", "bochs": "Bochs"}
QUIET = {Outcome.PASS: "pass", Outcome.NOT_JUDGED: "-", Outcome.SKIPPED: "skip", Outcome.NOT_RUN: "not run"}
COLOURS = {Outcome.PASS: "32", Outcome.NOT_RUN: "33", Outcome.NOT_JUDGED: "2", Outcome.SKIPPED: "2"}
RED, BOLD, DIM, YELLOW = "31", "1", "2", "33"


@dataclass(frozen=True)
class Again:
    """How to repeat the run that is reported: what a command must say besides lab, test and emulator."""

    seed: int = 1
    tree: Path | None = None
    earlier: str = "reference"

    def grade(self, lab: Lab, test: str, emulator: str) -> str:
        if self.tree is None:
            return f"make grade LAB={lab.tag} EMU={emulator} TEST={test} SEED={self.seed}"
        own = " --earlier own" if self.earlier == "own" else ""
        which = f"--lab {lab.tag} --emu {emulator} --test {test} --seed {self.seed}"
        return f"grading/grade --tree {self.tree}{own} {which}"

    def debug(self, lab: Lab, test: str, emulator: str) -> str:
        target = "qemu-gdb" if emulator == "qemu" else "bochs-debug"
        line = f"make {target} LAB={lab.tag} TEST={test} SEED={self.seed}"
        if self.tree is None:
            return line
        place = place_of(self.tree, lab, self.earlier)
        return f"{line} OVERLAY={place}/overlay OUT={place}/out"


class Report:
    """Writes to a stream; in colour only where a terminal wants it. Paths are told from PLACE, or else from here."""

    def __init__(self, stream: TextIO, again: Again, colour: bool | None = None, place: Path | None = None) -> None:
        self.stream = stream
        self.again = again
        self.place = place
        self.colour = stream.isatty() and not os.environ.get("NO_COLOR") if colour is None else colour

    def lab(self, result: LabResult) -> None:
        """One lab: a line per test, then what failed and what to do about it."""
        emulators = [judgement.emulator for judgement in result.judgements]
        names = max((len(test.name) for test in result.tests), default=0)
        head = "".join(f"{SHOWN_AS[name]:<15}" for name in emulators)
        title = f"lab {result.lab.id}  {result.lab.title}"
        self.say(self.paint(title, BOLD))
        self.say(f"  {'':<{names}}  {head} points")
        for test in result.tests:
            self.test(result, test, names)
        notes = [f"{SHOWN_AS[judged.emulator]}: {note}" for judged in result.judgements for note in judged.notes]
        for note in cut([*result.warnings, *notes], MOST_NOTES):
            self.say(f"  {self.paint('note:', YELLOW)} {note}")
        failures = groups(result)
        self.holes([group for group in failures if group.outcome == Outcome.HOLE])
        for group, others in explained([group for group in failures if group.outcome != Outcome.HOLE]):
            self.failure(result, group, others)
        if result.forged:
            self.say()
            self.say(self.paint("  This lab scores 0: what was printed is not what the machine showed.", RED))
        self.say()

    def test(self, result: LabResult, test: Test, width: int) -> None:
        verdicts = result.verdicts(test)
        cells = "".join(self.cell(verdict) for verdict in verdicts.values())
        points = f"{result.earned(test):>2}/{test.points}" if result.judged(test) else " -"
        remarks = dict.fromkeys(self.remark(name, verdict) for name, verdict in verdicts.items())
        if test.cpu != VENDORS[0]:
            remarks = {f"on a CPU of {test.cpu.upper()}'s": None, **remarks}
        self.say(f"  {test.name:<{width}}  {cells} {points:<7} {'; '.join(filter(None, remarks))}".rstrip())

    def cell(self, verdict: Verdict) -> str:
        text = QUIET.get(verdict.outcome, verdict.outcome.upper())
        return self.paint(text, COLOURS.get(verdict.outcome, RED)) + " " * max(1, 15 - len(text))

    def remark(self, emulator: str, verdict: Verdict) -> str | None:
        """Why a test has no verdict, where a word in a column cannot say it."""
        if verdict.outcome == Outcome.NOT_JUDGED:
            return f"not judged on {SHOWN_AS[emulator]}: {verdict.detail[0]}"
        if verdict.outcome == Outcome.NOT_RUN:
            return f"not run: {verdict.detail[0]}"
        if verdict.outcome == Outcome.SKIPPED:
            return f"skipped: {verdict.detail[0]}"
        return None

    def holes(self, reached: Sequence[Group]) -> None:
        """The holes that are still empty, each with the tests that stopped there; they explain themselves."""
        if not reached:
            return
        self.say()
        self.say(f"  {self.paint('unfilled hole', RED)}, named when the kernel reached it:")
        for group in reached:
            line = group.members[0][1].detail[0]
            self.say(f"    {line.removesuffix(', which is not filled yet')}: {', '.join(group.tests)}")
            for line, emulators in group.remarks.items():
                self.say(f"      {' and '.join(map(SHOWN_AS.__getitem__, emulators))}: {line}")
        for hint in dict.fromkeys(hint for group in reached for hint in group.hints):
            self.hint(hint)

    def hint(self, text: str) -> None:
        self.say(textwrap.fill(text, WIDTH, initial_indent="    hint: ", subsequent_indent="          "))

    def failure(self, result: LabResult, group: Group, others: Sequence[Group]) -> None:
        """What happened, what it may mean, what else it explains, where to look and how to see it again."""
        outcome = group.outcome
        where = "" if outcome == Outcome.BUILD else f" in {' and '.join(map(SHOWN_AS.__getitem__, group.emulators))}"
        every = len(group.tests) == sum(map(result.judged, result.tests)) > 1
        self.say()
        self.say(f"  {self.paint(outcome, RED)}{where}: {'every test' if every else ', '.join(group.tests)}")
        for detail, emulator in group.details.items():
            if len(group.details) > 1:
                self.say(f"    {SHOWN_AS[emulator]}:")
            for line in cut(detail, MOST_FACTS):
                self.say(f"    {line}")
        for hint in group.hints:
            self.hint(hint)
        if others:
            self.say("    the same hint for:")
        for other in others:
            self.say(f"      {', '.join(other.tests)}: {other.outcome}: {other.members[0][1].detail[0]}")
        if outcome != Outcome.BUILD:
            self.again_and_where(result.lab, group)

    def again_and_where(self, lab: Lab, group: Group) -> None:
        """The end of the output, where the run lies, and the commands that repeat it."""
        emulator, verdict = group.members[0]
        if group.tail:
            self.say(self.paint("    last serial lines:", DIM))
            for line in group.tail:
                self.say(self.paint(f"      | {line}", DIM))
        if verdict.directory:
            self.say(self.paint(f"    kept:  {shown(verdict.directory, self.place or Path.cwd())}", DIM))
        self.say(f"    again: {self.again.grade(lab, verdict.test, emulator)}")
        self.say(f"    debug: {self.again.debug(lab, verdict.test, emulator)}")

    def end(self, results: Sequence[LabResult]) -> None:
        """A table where there are several labs, and the score."""
        if len(results) > 1:
            for result in results:
                mark = f"{result.score:>4}/{result.points:<4}"
                fine = result.score == result.points and not result.failures
                self.say(f"  {self.paint(mark, '32' if fine else RED)} {result.lab.id}")
            self.say()
        score, points = sum(result.score for result in results), sum(result.points for result in results)
        self.say(self.paint(f"Score: {score}/{points}", BOLD))

    def paint(self, text: str, code: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self.colour and text else text

    def say(self, line: str = "") -> None:
        self.stream.write(line + "\n")


def cut(lines: Sequence[str], most: int) -> list[str]:
    """The first of LINES, each once, and how many more there are."""
    once = list(dict.fromkeys(lines))
    if len(once) <= most + 1:
        return once
    return [*once[:most], f"... and {len(once) - most} more"]


def shown(path: Path, place: Path) -> str:
    """PATH as one would type it in PLACE."""
    try:
        return path.relative_to(place).as_posix()
    except ValueError:
        return path.as_posix()
