"""What a lab is worth, from what every emulator said about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from .disagreements import reason
from .judge import Judgement
from .labs import Lab, Test
from .outcome import COSTS_NOTHING, Outcome, Verdict


@dataclass
class LabResult:
    """One lab, judged: the tests that were asked for, and a judgement for each emulator."""

    lab: Lab
    tests: list[Test]
    judgements: list[Judgement] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)    # files not taken, flagged code
    unfilled: list[str] = field(default_factory=list)

    def verdicts(self, test: Test) -> dict[str, Verdict]:
        """What TEST got, by emulator."""
        return {judgement.emulator: judgement.verdicts[test.name] for judgement in self.judgements}

    @property
    def forged(self) -> list[str]:
        return [text for judgement in self.judgements for text in judgement.forged]

    def judged(self, test: Test) -> bool:
        """Whether any emulator could judge the test; its points count only then."""
        return any(verdict.outcome not in COSTS_NOTHING for verdict in self.verdicts(test).values())

    def passed(self, test: Test) -> bool:
        """Whether every emulator that judges the test lets it pass."""
        return self.judged(test) and all(verdict.fine for verdict in self.verdicts(test).values())

    def earned(self, test: Test) -> int:
        """The test's points, or none; a lab whose probe disagrees is worth nothing."""
        return test.points if self.passed(test) and not self.forged else 0

    @property
    def score(self) -> int:
        return sum(self.earned(test) for test in self.tests)

    @property
    def points(self) -> int:
        return sum(test.points for test in self.tests if self.judged(test))

    @property
    def failures(self) -> list[Verdict]:
        return [verdict for test in self.tests for verdict in self.verdicts(test).values() if not verdict.fine]

    @property
    def trouble(self) -> str | None:
        """Why the lab could not be judged whole, if an emulator let us down."""
        return next((f"{self.lab.id}: {verdict.detail[0]}" for verdict in self.failures
                     if verdict.outcome == Outcome.EMULATOR), None)


def unbuilt(lab: Lab, tests: list[Test], emulators: Iterable[str], error: list[str], hint: str | None) -> LabResult:
    """A lab that did not build: every test fails for the one reason."""
    result = LabResult(lab, tests)
    for emulator in emulators:
        verdicts = {test.name: Verdict(test.name, Outcome.NOT_JUDGED, [reason(test.not_on[emulator])])
                    if emulator in test.not_on else Verdict(test.name, Outcome.BUILD, error, hint) for test in tests}
        result.judgements.append(Judgement(emulator, verdicts))
    return result


def status(results: Iterable[LabResult]) -> int:
    """The exit status: 0 all passed, 1 something failed, 2 something could not be judged."""
    results = list(results)
    if any(result.trouble for result in results):
        return 2
    return 1 if any(result.failures for result in results) else 0
