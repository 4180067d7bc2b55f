"""Failures as a person wants to hear of them: each explanation once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .outcome import Outcome, Verdict
from .result import LabResult

RF = 1 << 16             # emulators differ in when they set it, and it is never the cause
NUMBER = re.compile(r"\b(?:0x)?[0-9a-f]+\b")      # flags; in a frame that is a slot off, of any name
# Lines that came as they should: how far the run got is said in other words.
_PROTOCOL = re.compile(r"Gatehouse lab .* nonce [0-9a-f]{16}|# \d+ KiB of memory free, .*|KTAP version 1|1\.\.\d+"
                       r"|# begin \d+ \w+|(?:not )?ok \d+ \w+ \[[0-9a-f]{16}\](?: # SKIP .*)?|# END \[.*\] .* skipped")
_FACT = re.compile(r"# (\w+): (.*)")


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
        seen: dict[tuple[str, ...], tuple[tuple[str, ...], str]] = {}
        for emulator, verdict in self.members:
            seen.setdefault(tuple(map(_without_rf, verdict.detail)), (tuple(verdict.detail), emulator))
        return dict(seen.values())

    @property
    def remarks(self) -> dict[str, list[str]]:
        """What was seen besides the first line of each, and the emulators that saw it."""
        seen: dict[str, list[str]] = {}
        for emulator, verdict in self.members:
            for line in verdict.detail[1:]:
                seen.setdefault(line, []).append(emulator)
        return {line: list(dict.fromkeys(emulators)) for line, emulators in seen.items()}

    @property
    def tail(self) -> list[str]:
        """The last serial lines of the first, as far as they say what the report has not said yet."""
        said = {line for _, verdict in self.members for line in verdict.detail}
        return [line for line in self.members[0][1].tail
                if not (_PROTOCOL.fullmatch(line) or line in said or self._is_told(line, said))]

    def _is_told(self, line: str, said: set[str]) -> bool:
        """Whether the line is a fact of these tests that was printed, or a fact of another test."""
        fact = _FACT.fullmatch(line)
        return fact is not None and (fact[2] in said or fact[1] not in self.tests and ": expected " in fact[2])

    @property
    def hints(self) -> list[str]:
        return list(dict.fromkeys(verdict.hint for _, verdict in self.members if verdict.hint))

    @property
    def causes(self) -> frozenset[str | None]:
        return frozenset(verdict.cause for _, verdict in self.members)


def _without_rf(line: str) -> str:
    return NUMBER.sub(lambda found: f"{int(found[0], 16) & ~RF:x}", line)


def explained(found: Sequence[Group]) -> list[tuple[Group, list[Group]]]:
    """The failures that need an explanation, each with the later ones for which the same has been said."""
    first: dict[str | None, list[Group]] = {}
    told: list[tuple[Group, list[Group]]] = []
    for group in found:
        if None not in group.causes and group.causes <= first.keys():
            first[min(filter(None, group.causes))].append(group)
            continue
        others: list[Group] = []
        told.append((group, others))
        for cause in group.causes:
            first.setdefault(cause, others)
    return told


def groups(result: LabResult) -> list[Group]:
    """The failures of a lab: one test in two emulators is one, and so are tests that died the same death."""
    found: dict[tuple[str, ...], Group] = {}
    for test in result.tests:
        for emulator, verdict in result.verdicts(test).items():
            if verdict.fine or verdict.outcome == Outcome.NOT_RUN:
                continue
            same: list[tuple[str, ...]] = [("hole", verdict.detail[0])]      # known by its number alone
            if verdict.outcome != Outcome.HOLE:
                same = [("detail", verdict.outcome, verdict.hint or "", *verdict.detail),
                        ("test", verdict.outcome, test.name)]
            group = next((found[key] for key in same if key in found), Group([]))
            group.members.append((emulator, verdict))
            found.update((key, group) for key in same)
    return list({id(group): group for group in found.values()}.values())
