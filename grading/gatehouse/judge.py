"""Judge one lab in one emulator.

All tests that return share a boot, or one for each CPU that they want.  When one of them ends the
machine, it has lost its own points, and the kernel is booted again without it, until a boot reaches
its end.  Only that boot counts: no end, no points, and it is the end at which the outside probe
looks.  Where the kernel dies while it is being set up, no end can come: then the tests that ran
before (early.py) keep what they got, and all others share what happened.  A test that must end in a
panic gets a boot of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from . import early, hints
from .boot import Bench, Boot
from .disagreements import reason
from .labs import Hint, Test
from .machine import Ending
from .outcome import Outcome, Verdict
from .probe_facts import Finding
from .probe_image import CHECK as IMAGE
from .safe import escape
from .spoken import last_lines, panicked, said

SLOW_MOST = 2        # boots that end by the wall clock; then the lab has had its time
SHOWN = 4            # findings of one kind


@dataclass
class Judgement:
    """What one emulator says about one lab."""

    emulator: str
    verdicts: dict[str, Verdict] = field(default_factory=dict)   # in the plan's order when done
    notes: list[str] = field(default_factory=list)
    forged: list[str] = field(default_factory=list)              # what the probe saw and no test said
    boots: list[Boot] = field(default_factory=list)
    seconds: float = 0.0                                         # for all of it, boots included


def judge(bench: Bench, tests: Sequence[Test], known: Sequence[Hint]) -> Judgement:
    """Verdicts for TESTS, a part of the lab's plan in its order; KNOWN hints are tried in order."""
    work = _Work(bench, tests, known)
    work.set_aside()
    work.together()
    work.alone()
    work.finish()
    return work.out


class _Work:
    def __init__(self, bench: Bench, tests: Sequence[Test], known: Sequence[Hint]) -> None:
        self.bench = bench
        self.tests = list(tests)
        self.known = known
        self.early = early.tests(bench.lab)
        self.out = Judgement(bench.emulator.name)

    def set_aside(self) -> None:
        """Tests that this emulator cannot judge."""
        for test in self.tests:
            if row := test.not_on.get(self.out.emulator):
                self.give(test.name, Outcome.NOT_JUDGED, [reason(row)])

    def together(self) -> None:
        """Boot until a boot reaches its end; each that does not costs one test."""
        while waiting := [test for test in self.waiting() if test.ends == "returns"]:
            waiting = [test for test in waiting if test.cpu == waiting[0].cpu]
            boot = self.boot(waiting)
            if boot.crash is None:
                self.settle(boot)
            elif boot.said.ended and (self.bench.lab.probe is None or boot.run.seen is not None):
                self.settle(boot)
                self.after_the_end(boot)
            elif boot.crash.outcome == Outcome.EMULATOR:
                self.lose(self.waiting(), boot)
            elif culprit := self.culprit(boot):
                self.lose([test for test in waiting if test.name == culprit], boot)
            else:
                self.died_early(boot)
            if self.slow() >= SLOW_MOST:
                self.lose(self.waiting(), boot)

    def slow(self) -> int:
        """How many boots took this computer more than a kernel may, whatever it does."""
        return sum(boot.run.ending == Ending.SLOW for boot in self.out.boots)

    def culprit(self, boot: Boot) -> str | None:
        """The test that ended the machine; None if that was the kernel's own initialisation."""
        last = boot.said.last
        if boot.said.unfinished or last not in self.early:
            return last
        return None

    def died_early(self, boot: Boot) -> None:
        """Early tests that came to a result keep it; all that should have followed shares the crash."""
        for test in boot.tests:
            if test.name in self.early and boot.said.sections[test.name].ok is not None:
                self.hear(test, boot)
        self.lose(self.waiting(), boot)
        self.seen_in_the_image(boot)

    def after_the_end(self, boot: Boot) -> None:
        """The machine reached its end and then died of something else: that costs the lab's last test."""
        crash = boot.crash
        assert crash is not None
        if self.bench.lab.tests[-1] in boot.tests:
            self.lose([self.bench.lab.tests[-1]], boot)
        else:
            self.out.notes.append(f"after the END line: {crash.detail[0]}")

    def alone(self) -> None:
        """Tests that pass by a panic."""
        for test in self.tests:
            if test in self.waiting():
                boot = self.boot([test])
                self.give(test.name, *panicked(test, boot), boot)
                self.out.verdicts[test.name].raised = boot.run.since
                self.seen_in_the_image(boot)
                if self.slow() >= SLOW_MOST:
                    self.lose(self.waiting(), boot)

    def waiting(self) -> list[Test]:
        """The tests without a verdict, after those that lack what they need got theirs."""
        for test in self.tests:
            if test.name not in self.out.verdicts and (lacking := self.lacking(test)):
                self.give(test.name, Outcome.NOT_RUN, [f"needs {lacking}"])
        return [test for test in self.tests if test.name not in self.out.verdicts]

    def lacking(self, test: Test) -> str | None:
        """The first test that this one needs and that did not pass."""
        needed = (self.out.verdicts.get(name) for name in test.needs)
        return next((verdict.test for verdict in needed if verdict and not verdict.fine), None)

    def boot(self, tests: Sequence[Test]) -> Boot:
        boot = self.bench.boot(tests)
        self.out.boots.append(boot)
        return boot

    def lose(self, tests: Sequence[Test], boot: Boot) -> None:
        """These tests get what ended the boot."""
        crash = boot.crash
        assert crash is not None
        for test in tests:
            self.give(test.name, crash.outcome, crash.detail, boot)

    def settle(self, boot: Boot) -> None:
        """Verdicts from a boot that reached its end, then what the probe saw at that end."""
        for test in boot.tests:
            self.hear(test, boot)
        if not boot.said.ended:
            self.without_end(boot)
        self.seen_in_the_image(boot)
        probe = self.bench.lab.probe
        if boot.run.seen is None and (probe or boot.crash is None):
            self.unseen(boot)
        if boot.run.seen is None or probe is None:
            return
        seen: dict[str, list[Finding]] = {}
        for finding in boot.run.seen:
            if finding.check != IMAGE:
                seen.setdefault(finding.check, []).append(finding)
        for check, found in seen.items():
            texts = [finding.text for finding in found]
            more = [f"and {len(texts) - SHOWN} more of this kind"] if len(texts) > SHOWN else []
            unset = all(finding.unset for finding in found)
            self.weigh([*texts[:SHOWN], *more], probe.noticed_by(check), boot, unset=unset)

    def hear(self, test: Test, boot: Boot) -> None:
        """The verdict by what the test said."""
        self.give(test.name, *said(test, boot, self.bench.seed, self.bench.place), boot)
        verdict = self.out.verdicts[test.name]
        verdict.checked, verdict.raised = boot.said.sections[test.name].checked, boot.run.raised.get(test.name)

    def without_end(self, boot: Boot) -> None:
        """The END line was lost on its way, which costs the lab's last test."""
        last = self.bench.lab.tests[-1]
        verdict = self.out.verdicts.get(last.name)
        if last in boot.tests and verdict and verdict.outcome == Outcome.PASS:
            self.give(last.name, Outcome.MISSING, ["the END line did not arrive whole"], boot)

    def seen_in_the_image(self, boot: Boot) -> None:
        """Code that was written to at run time, results that the kernel has not counted: nothing that this boot said
        can be believed.
        """
        texts = [found.text for found in boot.run.seen or () if found.check == IMAGE]
        if boot.made_up and not texts:
            texts.append(f"printed as passed, and not so counted by the kernel: {', '.join(boot.made_up[:SHOWN])}"
                         + (f" and {len(boot.made_up) - SHOWN} more" if len(boot.made_up) > SHOWN else ""))
        self.out.forged += texts
        self.out.notes += texts
        for test in boot.tests if texts else ():
            if self.out.verdicts[test.name].outcome == Outcome.PASS:
                self.give(test.name, Outcome.FORGED,
                          [f"printed: ok {test.name}", *(f"the machine showed: {text}" for text in texts)], boot)

    def weigh(self, texts: list[str], noticed_by: list[str], boot: Boot, *, unset: bool) -> None:
        """Set what the probe saw against the tests of which one should have noticed."""
        verdicts = [self.out.verdicts.get(name) for name in noticed_by]
        failed = next((verdict for verdict in verdicts if verdict and not verdict.fine), None)
        said_ok = [verdict for verdict in verdicts if verdict and verdict.outcome in (Outcome.PASS, Outcome.FORGED)]
        if noticed_by and len(said_ok) == len(noticed_by):
            self.out.forged += texts
            for verdict in said_ok:
                printed = verdict.detail or [f"printed: ok {verdict.test}"]
                detail = [*printed, *(f"the machine showed: {text}" for text in texts)]
                self.give(verdict.test, Outcome.FORGED, detail, boot)
        elif failed:
            detail = [*failed.detail, *(f"from outside: {text}" for text in texts)]
            self.give(failed.test, failed.outcome, detail, boot)
        elif not unset:
            self.out.notes += [f"from outside: {text}" for text in texts]

    def unseen(self, boot: Boot) -> None:
        """The machine was switched off before the probe could look, so nothing confirms its words."""
        for test in boot.tests:
            if self.out.verdicts[test.name].outcome == Outcome.PASS:
                self.give(test.name, Outcome.MISSING,
                          ["the machine ended by a way of its own, before the grader could look at it"], boot)

    def give(self, test: str, outcome: Outcome, detail: list[str], boot: Boot | None = None) -> None:
        detail = [escape(line) for line in detail]
        verdict = Verdict(test, outcome, detail)
        if not verdict.fine and outcome != Outcome.NOT_RUN:
            if advice := hints.advise(self.known, test, outcome, "\n".join(detail)):
                verdict.hint, verdict.cause = advice.text, advice.cause
            if boot:
                verdict.directory = boot.run.directory
                verdict.tail = last_lines(test, outcome, boot)
        self.out.verdicts[test] = verdict

    def finish(self) -> None:
        """What needs a test that failed in the same boot was not run; order, notes, directories."""
        for test in self.tests:
            lost = self.out.verdicts[test.name].outcome == Outcome.EMULATOR
            if (lacking := self.lacking(test)) and not lost:
                self.give(test.name, Outcome.NOT_RUN, [f"needs {lacking}"])
        self.out.verdicts = {test.name: self.out.verdicts[test.name] for test in self.tests}
        kept = {verdict.directory for verdict in self.out.verdicts.values()}
        for boot in self.out.boots:
            self.out.notes += [f"ignored: {note}" + (f" ({count} times)" if count > 1 else "")
                               for note, count in boot.said.notes.items()]
            if boot.run.directory in kept:
                self.bench.runs.trim(boot.run.directory)
            else:
                self.bench.runs.drop(boot.run.directory)
        self.out.notes = list(dict.fromkeys(self.out.notes))

