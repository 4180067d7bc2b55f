"""Failures as a person wants to hear of them: each explanation once."""

from __future__ import annotations

from dataclasses import dataclass

from .outcome import Outcome, Verdict
from .result import LabResult


@dataclass
class Group:
    """Failures that one explanation serves: the same outcome and the same advice."""

    members: list[tuple[str, Verdict]]

    @property
    def outcome(self) -> Outcome:
        return self.members[0][1].outcome

    @property
    def tests(self) -> list[str]:
        return list(dict.fromkeys(verdict.test for _, verdict in self.members))

    @property
    def emulators(self) -> list[str]:
        return list(dict.fromkeys(emulator for emulator, _ in self.members))

    @property
    def details(self) -> dict[tuple[str, ...], str]:
        """What was seen, each with the emulator that said so first."""
        seen: dict[tuple[str, ...], str] = {}
        for emulator, verdict in self.members:
            seen.setdefault(tuple(verdict.detail), emulator)
        return seen

    @property
    def hints(self) -> list[str]:
        return list(dict.fromkeys(verdict.hint for _, verdict in self.members if verdict.hint))


def groups(result: LabResult) -> list[Group]:
    """The failures of a lab: one test in two emulators is one, and so are tests that died the same death."""
    found: dict[tuple[str, ...], Group] = {}
    for test in result.tests:
        for emulator, verdict in result.verdicts(test).items():
            if verdict.fine or verdict.outcome == Outcome.NOT_RUN:
                continue
            same = [("detail", verdict.outcome, verdict.hint or "", *verdict.detail)]
            if verdict.outcome != Outcome.HOLE:      # a hole is known by its number alone
                same.append(("test", verdict.outcome, test.name))
            group = next((found[key] for key in same if key in found), Group([]))
            group.members.append((emulator, verdict))
            found.update((key, group) for key in same)
    return list({id(group): group for group in found.values()}.values())
