"""The grammar of lab.toml: each table as a dataclass, and what must hold inside the one file.

private/lab.toml, of the instructor's own tests, has [[test]] and [[hint]] tables only.

Names of tests, outcomes and numbers of points are checked here, where the line is known; what needs other files
(sources, tests.c, other labs) is check-labs' business. Mistakes are noted in the Source.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from .disagreements import PREFIX, VENDORS, Disagreements
from .toml_table import Source, Table

OUTCOMES = ("pass", "wrong value", "missing result", "panic", "unfilled hole", "triple fault", "fault loop", "hang",
            "build failure", "emulator failure", "not run", "skipped", "not judged", "forged")
EMULATORS = ("qemu", "bochs")
INJECTIONS = ("mce", "nmi")      # what QEMU's monitor may be told to do to a guest that knocks
POINTS = 100

_PATH = re.compile(r"(?!.*(?:^|/)\.\.?(?:/|$))[\w+.-]+(?:/[\w+.-]+)*")
_GROUP = re.compile(r"\\(\d+)")


@dataclass(frozen=True)
class NamedHole:
    id: str
    turns_green: tuple[str, ...]


@dataclass(frozen=True)
class Test:
    """One test of the plan."""

    name: str
    points: int
    needs: tuple[str, ...]
    ends: str                   # "returns" or "panic"
    says: str | None            # what the panic must match
    not_on: dict[str, str]      # emulator -> the row of docs/emulators.md that says why it cannot judge
    data: str | None            # the name of the bytes that the grader compares
    inject: tuple[str, ...] = ()    # what to tell QEMU's monitor at each knock, <arch/injector.h>
    cpu: str = VENDORS[0]           # whose CPU the machine has
    by: str | None = None           # which given function is to panic, where no hole may


@dataclass(frozen=True)
class Hint:
    """What to say about a symptom; a field that is None fits everything."""

    test: str | None
    outcome: str | None
    match: str | None
    say: str


@dataclass(frozen=True)
class Probe:
    """What is looked at from outside the machine, and which test should have noticed."""

    kind: str
    checks: dict[str, str]      # check -> test, or several with commas between, one of which must notice
    doors: tuple[str, ...]
    ist: bool

    def noticed_by(self, check: str) -> list[str]:
        """The tests of which one must fail if the check does."""
        return [name.strip() for name in self.checks.get(check, "").split(",") if name.strip()]


@dataclass(frozen=True)
class StandIn:
    """A path that an announced lab will add, with its reason."""

    path: str
    why: str


@dataclass(frozen=True)
class LabToml:
    number: int
    title: str
    hours: str
    lines: int
    optional: bool
    announced: bool
    adds: tuple[str, ...]
    holes: tuple[NamedHole, ...]
    tests: tuple[Test, ...]
    hints: tuple[Hint, ...]
    probe: Probe | None
    standins: tuple[StandIn, ...]


def read(source: Source, table: Disagreements) -> LabToml:
    """What the file says; a part that is wrong is noted and read as empty. TABLE holds the rows that it may name."""
    top = source.root()
    announced = top.flag("announced", False)
    tests = _tests(top, table)
    names = [test.name for test in tests]
    lab = LabToml(
        number=top.number("number"),
        title=top.string("title"),
        hours=top.string("hours", "" if announced else None),
        lines=top.number("lines", 0 if announced else None),
        optional=top.flag("optional", False),
        announced=announced,
        adds=_paths(top, "adds"),
        tests=tests,
        holes=_holes(top, names),
        hints=hints(top, names),
        probe=_probe(top, names),
        standins=_standins(top),
    )
    top.finish()
    if announced and (lab.adds or tests or lab.holes):
        top.complain("an announced lab has no adds, holes and tests yet", "announced")
    total = sum(test.points for test in tests)
    if not announced and total != POINTS:
        top.complain(f"the points of the tests add up to {total}, not {POINTS}", "test" if tests else None)
    return lab


def read_private(source: Source, table: Disagreements, tests: tuple[Test, ...]
                 ) -> tuple[tuple[Test, ...], tuple[Hint, ...]]:
    """The instructor's own tests and hints, beside the lab's TESTS; mistakes as in read()."""
    top = source.root()
    own = _tests(top, table, tests)
    found = hints(top, [test.name for test in (*tests, *own)])
    top.finish()
    return own, found


def _paths(top: Table, key: str) -> tuple[str, ...]:
    paths = top.strings(key)
    for index, path in enumerate(paths):
        if not _PATH.fullmatch(path):
            top.complain(f"{path!r} is not a plain path from the root", key, path)
        elif path in paths[:index]:
            top.complain(f"{path} is listed twice", key, path)
    return tuple(path for path in dict.fromkeys(paths) if _PATH.fullmatch(path))


def _tests(top: Table, rows: Disagreements, before: tuple[Test, ...] = ()) -> tuple[Test, ...]:
    """The [[test]] tables; BEFORE are those that come before them in the plan."""
    tests: list[Test] = []
    for table in top.tables("test"):
        inject, cpu = table.optional("inject"), table.string("cpu", VENDORS[0])
        _known(table, "cpu", [cpu], VENDORS, "a CPU")
        test = Test(table.string("name"), table.number("points"), table.strings("needs", ()),
                    table.string("ends", "returns"), table.pattern("says"), _not_on(table, rows, cpu),
                    table.optional("data"), tuple((inject or "").splitlines()), cpu, table.optional("by"))
        earlier = [other.name for other in (*before, *tests)]
        _known(table, "needs", test.needs, earlier, "an earlier test")
        _known(table, "not_on", test.not_on, EMULATORS, "an emulator")
        _known(table, "ends", [test.ends], ("returns", "panic"), "an end")
        if test.name in earlier:
            table.complain(f"test {test.name} is there twice", "name")
        if test.points < 0:
            table.complain("points are not negative", "points")
        if (test.ends == "panic") != (test.says is not None) or test.by and test.ends != "panic":
            table.complain('`says` belongs to `ends = "panic"` and is needed there; `by` belongs there, too', "ends")
        if inject is not None:
            _injections(table, test)
        table.finish()
        tests.append(test)
    return tuple(tests)


def _not_on(table: Table, rows: Disagreements, cpu: str) -> dict[str, str]:
    """`{ qemu = "row:NAME" }` as emulator and NAME; each row must be there and say that the emulator departs."""
    words = table.words("not_on", {})
    for emulator, row in words.items():
        if emulator in EMULATORS and cpu in VENDORS and (wrong := rows.excuse(emulator, row, cpu)):
            table.complain(wrong, "not_on")
    return {emulator: row.removeprefix(PREFIX) for emulator, row in words.items()}


def _injections(table: Table, test: Test) -> None:
    """A line for each knock, of the commands that do nothing but that; only QEMU hears a knock."""
    if not test.inject or not all(re.fullmatch(r"[a-z]+( (0x[0-9a-f]+|\d+))*", line) for line in test.inject):
        table.complain(f"`inject` is lines such as {INJECTIONS[0]} 0 5 0xb200000000000000 0x4 0x0 0x0", "inject")
    _known(table, "inject", [line.split(" ")[0] for line in test.inject if line], INJECTIONS, "an injection")
    if "bochs" not in test.not_on:
        table.complain("a test with `inject` is `not_on` bochs, which has no injector", "inject")


def _holes(top: Table, tests: list[str]) -> tuple[NamedHole, ...]:
    named: list[NamedHole] = []
    for table in top.tables("hole"):
        hole = NamedHole(table.string("id"), table.strings("turns_green"))
        _known(table, "turns_green", hole.turns_green, tests, "a test of this lab")
        if not re.fullmatch(r"\d+\.\d+", hole.id):
            table.complain(f"hole {hole.id!r} is not called LAB.NUMBER", "id")
        elif hole.id in [other.id for other in named]:
            table.complain(f"hole {hole.id} is there twice", "id")
        table.finish()
        named.append(hole)
    return tuple(named)


def hints(top: Table, tests: list[str] | None) -> tuple[Hint, ...]:
    """The [[hint]] tables; `tests` is None where hints are for every lab and name no test."""
    found: list[Hint] = []
    for table in top.tables("hint"):
        hint = Hint(None if tests is None else table.optional("test"), table.optional("outcome"),
                    table.pattern("match"), table.string("say"))
        if hint.test is not None:
            _known(table, "test", [hint.test], tests or [], "a test of this lab")
        if hint.outcome is not None:
            _known(table, "outcome", [hint.outcome], OUTCOMES, "an outcome")
        groups = re.compile(hint.match or "").groups
        for group in _GROUP.findall(hint.say):
            if int(group) > groups:
                table.complain(f"`say` uses \\{group}, but `match` has {groups} groups", "say")
        table.finish()
        found.append(hint)
    return tuple(found)


def _probe(top: Table, tests: list[str]) -> Probe | None:
    table = top.table("probe")
    if table is None:
        return None
    probe = Probe(table.string("kind"), table.words("checks"), table.strings("doors", ()), table.flag("ist", False))
    for check in probe.checks:
        for test in probe.noticed_by(check):
            if test not in tests:
                top.source.complain(f"{test!r} is not a test of this lab; known: {', '.join(tests)}",
                                    "probe", "checks", check)
    table.finish()
    return probe


def _standins(top: Table) -> tuple[StandIn, ...]:
    found: list[StandIn] = []
    for table in top.tables("standin"):
        found.append(StandIn(table.string("path"), table.string("why", "")))
        table.finish()
    return tuple(found)


def _known(table: Table, key: str, names: Iterable[str], known: Collection[str], what: str) -> None:
    """Note each name that is not among the known ones."""
    for name in names:
        if name not in known:
            table.complain(f"{name!r} is not {what}; known: {', '.join(known) or 'none'}", key, name)
