"""Read what a lab's kernel said on its serial port, and believe as little as possible.

The student's code runs in ring 0 and owns the wire, so every byte here may be rubbish, a flood, a
recording of another run or a lie.  A result counts only if it carries this run's nonce, stands in
the plan's order, comes after the right plan and, if it is `ok`, after the line with which its test
begins; whatever else looks like a result is noted and gains nothing.  A test that says both `ok` and
`not ok` has failed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

LONGEST_LINE = 1024          # a longer line is no line of ours
MOST_LINES = 200             # kept per test: facts beyond that help nobody
LARGEST_DATA = 1 << 24

BANNER = re.compile(r"Gatehouse lab (\S+), seed (\S+), nonce ([0-9a-f]{16})")
PLAN = re.compile(r"1\.\.(\d{1,6})")
BEGIN = re.compile(r"# begin (\d{1,6}) (\w+)")
RESULT = re.compile(r"(ok|not ok) (\d{1,6}) (\w+) \[([0-9a-f]{16})\](?: # (?:SKIP ?(.*)|(\d{1,9}) facts))?")
END = re.compile(r"# END \[([0-9a-f]{16})\] (\d{1,6}) passed, (\d{1,6}) failed, (\d{1,6}) skipped")
FACT = re.compile(r"# (\w+): (.*)")
DATA = re.compile(r"# data (\w+) (\d{1,9})")
PANIC = re.compile(r"PANIC: (.*)")


@dataclass(frozen=True)
class Data:
    """Bulk bytes that a test sent: what its header promised, and what arrived."""

    name: str
    promised: int
    got: bytes


@dataclass
class Section:
    """Everything between `# begin N name` and the next one."""

    begun: bool = False
    ok: bool | None = None           # None: no result that counts
    skip: str | None = None          # the reason, if the kernel skipped the test
    checked: int | None = None       # how many facts it has looked at, if it says so
    facts: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    data: Data | None = None


@dataclass
class Transcript:
    """One boot, as far as it can be believed."""

    tests: list[str]
    banner: bool = False
    plan: bool = False
    sections: dict[str, Section] = field(default_factory=dict)
    last: str | None = None          # the test that began or reported last
    ended: bool = False              # the END line with this run's nonce came
    panic: str | None = None
    panic_lines: list[str] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)

    def says_passed(self, test: str) -> bool:
        """Whether it says `ok`, and not that it was skipped."""
        return bool(self.sections[test].ok) and self.sections[test].skip is None

    @property
    def unfinished(self) -> str | None:
        """The test during which the output stopped."""
        if self.last and self.sections[self.last].ok is None:
            return self.last
        return None


def parse(serial: bytes, tests: Sequence[str], nonce: str) -> Transcript:
    """The transcript of a boot that was asked to run TESTS, in this order, under NONCE."""
    reader = _Reader(Transcript(list(tests), sections={name: Section() for name in tests}), nonce)
    place = 0
    while place < len(serial):
        stop = serial.find(b"\n", place)
        stop = len(serial) if stop < 0 else stop
        line = serial[place:stop].decode("latin-1")
        place = stop + 1
        if len(line) > LONGEST_LINE:
            reader.out.notes["a line of more than 1024 characters"] += 1
            continue
        if header := DATA.fullmatch(line):
            place = reader.data(serial, place, header[1], int(header[2]))
        else:
            reader.line(line)
    return reader.out


class _Reader:
    """The state between two lines."""

    def __init__(self, out: Transcript, nonce: str) -> None:
        self.out = out
        self.nonce = nonce
        self.reported = 0            # number of the last result that counted

    def line(self, line: str) -> None:
        out = self.out
        if out.panic is not None and len(out.panic_lines) < MOST_LINES:
            out.panic_lines.append(line)
        if found := RESULT.fullmatch(line):
            self.result(found)
        elif found := END.fullmatch(line):
            self.end(found)
        elif found := BANNER.fullmatch(line):
            if found[3] == self.nonce:
                out.banner = True
            else:
                out.notes["a banner with the nonce of another run"] += 1
        elif found := PLAN.fullmatch(line):
            self.plan(int(found[1]))
        elif found := BEGIN.fullmatch(line):
            self.begin(int(found[1]), found[2])
        elif (found := PANIC.fullmatch(line)) and out.panic is None:
            out.panic = found[1]
        elif (found := FACT.fullmatch(line)) and found[1] in out.sections:
            facts = out.sections[found[1]].facts
            if len(facts) < MOST_LINES:
                facts.append(found[2])
        self.keep(line)

    def keep(self, line: str) -> None:
        if self.out.last:
            lines = self.out.sections[self.out.last].lines
            lines.append(line)
            del lines[:-MOST_LINES]

    def plan(self, count: int) -> None:
        if self.out.plan:
            self.out.notes["a second plan"] += 1
        elif count != len(self.out.tests):
            self.out.notes[f"a plan of {count} tests, when {len(self.out.tests)} were asked for"] += 1
        else:
            self.out.plan = True

    def begin(self, number: int, name: str) -> None:
        if not self.in_plan(number, name) or self.out.ended:
            self.out.notes["the begin of a test that is not in the plan"] += 1
            return
        section = self.out.sections[name]
        if section.begun or number <= self.reported:
            self.out.notes[f"a second begin of {name}"] += 1
            return
        section.begun = True
        self.out.last = name

    def in_plan(self, number: int, name: str) -> bool:
        return self.out.plan and 1 <= number <= len(self.out.tests) and self.out.tests[number - 1] == name

    def result(self, found: re.Match[str]) -> None:
        word, number, name, nonce, skip = found[1], int(found[2]), found[3], found[4], found[5]
        if nonce != self.nonce:
            self.out.notes["a result with the nonce of another run"] += 1
        elif not self.in_plan(number, name):
            self.out.notes["a result that is not in the plan"] += 1
        elif self.out.ended:
            self.out.notes["a result after the END line"] += 1
        elif number <= self.reported:
            self.out.notes[f"a repeated or late result of {name}"] += 1
            if word == "not ok":
                self.out.sections[name].ok = False
        elif word == "ok" and not self.out.sections[name].begun:
            self.out.notes[f"a result of {name}, which had not begun"] += 1
        else:
            section = self.out.sections[name]
            section.ok = word == "ok"
            section.skip = skip if section.ok else None
            section.checked = int(found[6]) if found[6] else None
            self.reported = number
            self.out.last = name

    def end(self, found: re.Match[str]) -> None:
        if found[1] != self.nonce:
            self.out.notes["an END line with the nonce of another run"] += 1
            return
        if self.out.ended:
            self.out.notes["a second END line"] += 1
            return
        self.out.ended = True
        seen = [section for section in self.out.sections.values() if section.ok is not None]
        skipped = sum(section.skip is not None for section in seen)
        passed = sum(bool(section.ok) for section in seen) - skipped
        counts = (passed, len(seen) - passed - skipped, skipped)
        if counts != (int(found[2]), int(found[3]), int(found[4])):
            self.out.notes["an END line whose counts differ from the results before it"] += 1

    def data(self, serial: bytes, place: int, name: str, promised: int) -> int:
        """Take the bytes after a data header; the place where lines go on.

        Bytes may be lost or added on the way, so the end mark decides; without one the bytes are
        read as lines again, because results may still follow.
        """
        mark = f"\n# data end {name}\n".encode()
        promised = min(promised, LARGEST_DATA)
        if serial.startswith(mark, place + promised):
            stop = place + promised
        else:
            stop = serial.find(mark, place)
        got = serial[place:place + promised] if stop < 0 else serial[place:stop]
        owner = self.out.sections.get(self.out.last or "")
        if owner is None or owner.data is not None:
            self.out.notes["data outside the test that sends them"] += 1
        else:
            owner.data = Data(name, promised, got)
        self.keep(f"# data {name} {promised}")
        return place if stop < 0 else stop + len(mark)
