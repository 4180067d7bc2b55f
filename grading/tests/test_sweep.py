"""make sweep: what it tries and what not, what it says of a kernel that does not stand it, and that ours does."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatehouse import sweep, sweep_strip, sweep_table
from gatehouse.places import Places
from gatehouse.sweep_machine import Names, Step, Verdict
from gatehouse.sweep_plan import CHECK, DEBUG, HIDDEN, Exclusions, plan
from gatehouse.sweep_run import Bench, Cell, Failure, Model, Sweeper
from gatehouse.sweep_trial import EVENTS, Door, Trial, Way, attempt, judged

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS")}
SHARE = 0.06                 # of all boundaries: with it the sampled sweep takes about 20 seconds
PLAIN = Verdict(0, 0, 0, 0, 0, 0, 0, 0)
KERNEL_GS = 0x9000
ENTRY = range(0x1000, 0x2000)
NAMES = Names(1, 2, 3, 4, 5, 6, ENTRY, {}, frozenset({0x1500}), {}, KERNEL_GS, frozenset())


def make(*words: str) -> subprocess.CompletedProcess[str]:
    # Called from a recipe, make must not take that one's jobs and variables for its own.
    return subprocess.run(["make", "-s", "-C", str(ROOT), *words], text=True, capture_output=True, env=ENVIRONMENT)


@pytest.fixture(scope="module")
def built() -> Path:
    done = make("kernel", "LAB=sweep")
    assert done.returncode == 0, done.stderr
    return ROOT / "build/sweep"


@pytest.fixture
def bench(built: Path, tmp_path: Path) -> Bench:
    return Bench(built, Names.of(built / "kernel"), tmp_path, 1.0, 1, [*EVENTS], "")


def step(rip: int, gs: int = KERNEL_GS, **more: bool) -> Step:
    flags = {"debug_cleared": False, "check_cleared": False, "calls": 0, "hidden": False} | more
    return Step(rip, 1, 1, True, gs, gs != KERNEL_GS, **flags)


def way(name: str, *steps: Step, verdict: Verdict = PLAIN) -> Way:
    return Way(Door(0, None, name), steps, verdict)


def tried(ways: list[Way], which: int, event: str) -> list[int]:
    made = plan(Exclusions(ways, NAMES), ways[which], event, 1.0, 1)
    assert not made.forgotten
    return [trial.step.rip for trial in made.trials]


# ---- what is tried ---------------------------------------------------------------------------------------


def test_every_boundary_is_tried_or_has_a_reason() -> None:
    ways = [way("#UD, ring 3", step(0x1000), step(0x1001), step(0x1002)),
            way("#DB, ring 0", step(0x1001), step(0x1003, debug_cleared=True)),
            way("#MC, ring 0", step(0x1004), step(0x1005, check_cleared=True)),
            way("interrupt, ring 3", step(0x1006, hidden=True), step(0x1007))]
    assert tried(ways, 0, "NMI") == [0x1000, 0x1001, 0x1002]
    assert tried(ways, 0, "#DB") == [0x1000, 0x1002]         # 1001 is on the path of #DB, too
    assert tried(ways, 1, "#DB") == [0x1003]
    assert tried(ways, 1, "#MC") == [0x1001, 0x1003]
    assert tried(ways, 2, "#MC") == [0x1005]
    assert tried(ways, 3, "NMI NMI") == [0x1007]
    assert tried(ways, 3, "#DB") == [0x1006, 0x1007]
    reasons = {plan(Exclusions(ways, NAMES), ways[which], event, 1.0, 1).excluded[ways[which].steps[0]]
               for which, event in ((1, "#DB"), (2, "#MC"), (3, "NMI"))}
    assert reasons == {DEBUG, CHECK, HIDDEN}


def test_boundary_that_nobody_tried_is_a_failure() -> None:
    one = way("#UD, ring 3", step(0x1000), step(0x1001))
    made = plan(Exclusions([one], NAMES), one, "NMI", 1.0, 1)
    whole = Cell(Model("qemu"), made, [])
    assert sweep_table.verdict([whole], whole=True)[0]
    made.trials.pop()
    sound, line = sweep_table.verdict([whole], whole=True)
    assert not sound and "1 neither tried nor excluded" in line
    assert sweep_table.verdict([whole], whole=False)[0]


def test_sample_is_the_same_for_the_same_seed() -> None:
    one = way("#UD, ring 3", *(step(0x1000 + number) for number in range(200)))

    def sample(share: float, seed: int) -> list[int]:
        return [trial.step.rip for trial in plan(Exclusions([one], NAMES), one, "NMI", share, seed).trials]

    assert sample(0.1, 1) == sample(0.1, 1) != sample(0.1, 2)
    assert 5 < len(sample(0.1, 1)) < 50


# ---- what is said of it ----------------------------------------------------------------------------------


@pytest.mark.parametrize("event, got, said", [
    ("NMI", Verdict(0, 1, 0, 0, 1, 0x1000, 0, 0), None),
    ("NMI", PLAIN, "NMI was handled 0 times, not once"),
    ("NMI", Verdict(0, 2, 0, 0, 2, 0x1000, 0, 0), "NMI was handled twice, not once"),
    ("NMI", Verdict(0, 1, 0, 0, 0, 0x1000, 0, 0), "of 1 handlers of NMIs 0 came to their end"),
    ("NMI", Verdict(0, 1, 0, 0, 1, 0x1001, 0, 0), "the event struck at 0x1001 (lower half), not where it should"),
    ("NMI NMI", Verdict(0, 2, 0, 0, 2, 0x1000, 0, 0), None),
    ("#DB", Verdict(0, 0, 1, 0, 0, 0, 0x1000, 0), None),
    ("#DB NMI", Verdict(0, 0, 1, 0, 0, 0, 0x1000, 0), "NMI was handled 0 times, not once"),
    ("#MC", Verdict(1 << 4, 0, 0, 1, 0, 0, 0, 0x1000), "wrong: GS in a handler"),
])
def test_verdict(event: str, got: Verdict, said: str | None) -> None:
    one = way("#UD, ring 3", step(0x1000))
    assert judged(Trial(one, one.steps[0], event), got) == said


def test_table_and_report() -> None:
    one, two = way("#UD, ring 3", step(0x1000), step(0x1001, gs=5)), way("#DB, ring 0", step(0x1001), step(0x1002))
    exclusions = Exclusions([one, two], NAMES)
    cells = [Cell(Model("qemu"), plan(exclusions, each, event, 1.0, 1), [])
             for each in (one, two) for event in ("NMI", "#DB")]
    trial = cells[0].plan.trials[1]
    cells[0] = Cell(Model("qemu"), cells[0].plan, [Failure(trial, "wrong: GS in a handler", None)])
    assert [line.split() for line in sweep_table.table(cells)] == [
        ["qemu", "NMI", "#DB"], ["#UD,", "ring", "3", "1/2", "1", "(1)"], ["#DB,", "ring", "0", "2", "0", "(2)"],
        ["all", "4", "1"]]
    assert "  2 #DB at #DB, ring 0, qemu".split() in [line.split() for line in sweep_table.exclusions(cells)]
    told = sweep_table.failures(cells, hex, 3)
    assert told[0] == ("qemu: NMI at #UD, ring 3, before 0x1001, where CS is the kernel's and GS the user's: "
                       "wrong: GS in a handler")
    assert "alone on a fresh machine it survives" in told[1]


# ---- the kernel ------------------------------------------------------------------------------------------


def test_sampled_sweep(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sweep.main(["--built", str(built), "--share", str(SHARE)]) == 0, capsys.readouterr().out
    said = capsys.readouterr().out
    for door in ("#UD, ring 3", "NMI, ring 0", "interrupt, ring 3", "SYSCALL, back by SYSRET", "int 0x80, 32-bit code",
                 "SYSENTER", "SYSCALL, 32-bit code", "IRETQ that faults", "first entry"):
        assert said.count(f"\n{door} ") == (2 if door == "SYSCALL, 32-bit code" else 4), said
    assert said.count("not tried: ") >= 3
    assert " 0 failed, " in said.splitlines()[-1]


def test_wrong_words(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sweep.main(["--built", str(built), "--door", "no such door"]) == 2
    assert "no door's name has 'no such door' in it" in capsys.readouterr().err
    assert sweep.main(["--built", str(built.parent / "kernel-that-is-not")]) == 2


@pytest.fixture(scope="module", params=["paranoid", "nmi"])
def trusting(request: pytest.FixtureRequest) -> Iterator[tuple[Path, list[str]]]:
    """A kernel in which one of the doors believes CS, and the events that come by that door."""
    with sweep_strip.mutant(ROOT, f"cs-test-of-{request.param}") as kernel:
        yield kernel, ["NMI"] if request.param == "nmi" else ["#DB", "#MC"]


@pytest.mark.parametrize("emulator", ["qemu", "bochs"])
def test_door_that_believes_cs(trusting: tuple[Path, list[str]], emulator: str, tmp_path: Path) -> None:
    """It fails exactly where CS is the kernel's and GS the user's."""
    kernel, events = trusting
    bench = Bench(kernel, Names.of(kernel / "kernel"), tmp_path, 1.0, 1, events, "")
    sweeper = Sweeper(bench, Model(emulator))
    doors = [door for door in sweeper.doors() if door.name in
             ("#UD, ring 3", "#GP, ring 0", "IRETQ that faults", "SYSCALL, back by SYSRET", "SYSENTER", "first entry")]
    place = Places(kernel / "kernel").describe
    with bench.machine(Model(emulator)) as (machine, _):
        for one in sweeper.traced(doors):
            lying = [place(step.rip) for step in one.steps if step.lying]
            assert bool(lying) == (one.door.name != "#GP, ring 0")
            for event in events:
                if event == "#MC" and emulator == "bochs":
                    continue
                failed = [place(step.rip) for step in one.steps if attempt(machine, Trial(one, step, event))]
                assert failed == lying, f"{event} at {one.door.name}"


def test_failing_trial_is_tried_alone(trusting: tuple[Path, list[str]], tmp_path: Path,
                                      capsys: pytest.CaptureFixture[str]) -> None:
    kernel, events = trusting
    assert sweep.main(["--built", str(kernel), "--emu", "qemu", "--door", "first entry", "--event", events[0]]) == 1
    said = capsys.readouterr().out
    assert "where CS is the kernel's and GS the user's: wrong: GS in a handler" in said
    assert "alone on a fresh machine it survives" not in said


def test_strip_in_the_readme() -> None:
    """It is what a run shows."""
    readme = (ROOT / "labs/10-paranoid/README.md").read_text()
    with sweep_strip.mutant(ROOT, "cs-test-of-nmi") as kernel:
        lines = sweep_strip.strips(kernel)
    assert sweep_strip.page(readme, lines) == readme, "grading/sweep --strip draws it anew"
    rows = [line.split(None, 1)[1] for line in lines[::3]]
    assert all(row.rstrip().endswith("x") and "." in row for row in rows)
