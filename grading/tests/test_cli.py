"""Bad arguments are one line that says what is right; exit status 2."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatehouse import cli, hints
from gatehouse.labs import Hint
from gatehouse.outcome import Outcome
from gatehouse.progress import Progress
from gatehouse.runs import Runs

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("words, said", [
    (["--lab", "77"], "grade: no lab is called '77'; there are 00-serial, "),
    (["--lab", "2", "--emu", "vmware"], "grade: no emulator is called 'vmware'; there are qemu and bochs"),
    (["--lab", "2", "--test", "nosuch"], "grade: no test is called 'nosuch'; there are "),
    (["--tree", "/nowhere"],
     "grade: argument --tree: /nowhere is not a directory; `grading/grade --help` lists what is right"),
    (["--seed", "x"], "grade: argument --seed: 'x' is not a number from 0 to 2^64-1; "),
    (["--seed", "-1"], "grade: argument --seed: '-1' is not a number from 0 to 2^64-1; "),
    (["--nonce", "12"], "grade: argument --nonce: '12' is not 16 lower-case hex digits; "),
    (["--jobs", "0"], "grade: argument --jobs: '0' is not a number from 1 on; "),
    (["--earlier", "none"], "grade: argument --earlier: invalid choice: 'none' (choose from 'reference', 'own'); "),
    (["--frobnicate"], "grade: unrecognized arguments: --frobnicate; "),
])
def test_one_line_that_says_what_is_right(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        status = cli.main(words, ROOT)
    except SystemExit as error:
        status = error.code
    out, err = capsys.readouterr()
    assert status == 2 and out == "" and err.startswith(said) and err.count("\n") == 1


def test_the_tools_outcomes_are_those_of_lab_toml() -> None:
    from gatehouse.lab_toml import OUTCOMES
    assert [outcome.value for outcome in Outcome] == list(OUTCOMES)


@pytest.fixture
def generic() -> Iterator[list[Hint]]:
    yield hints.load_hints(hints.GENERIC)


@pytest.mark.parametrize("outcome, symptom, says", [
    (Outcome.HOLE, "reached hole 2.3, which is not filled yet", "`make holes` shows file and line"),
    (Outcome.PANIC, "PANIC: #GP\n  rip    0000000000000010  cs 4a10", "rip holds a selector (0x10)"),
    (Outcome.TRIPLE, "the CPU reset\ntrail: #BP(3) #GP(13) #DF(8)", "the handler of #GP could not be entered"),
    (Outcome.TRIPLE, "the CPU reset\ntrail: #PF(14) #DF(8)", "an address was not mapped"),
    (Outcome.TRIPLE, "the CPU reset\ntrail: #NP(11) #DF(8)", "found it not present"),
    (Outcome.TRIPLE, "the CPU reset", "no handler could be reached"),
    (Outcome.LOOP, "#PF(14) at f+0x1 again and again, 9 times", "#PF returns to the instruction that raised it"),
    (Outcome.LOOP, "#BP(3) at f+0x1 again and again, 9 times", "#BP is a trap"),
    (Outcome.HANG, "no end within the time of a test; the CPU was at serial_write+0x12", "waits for the UART"),
    (Outcome.HANG, "the CPU sleeps for ever at f: hlt with interrupts off, or none to come", "nothing may wake it"),
    (Outcome.HANG, "the CPU sleeps for ever at f: hlt with interrupts on", "the one that would wake the CPU"),
    (Outcome.HANG, "no end within the time of a test; the CPU was at f\ntrail: #BP(3) vector 52 vector 52 vector 52",
     "interrupt after interrupt on vector 52"),
    (Outcome.PANIC, "PANIC: vector 8, #DF double fault: the NMI stack has overflowed, 0x1 is in its guard page",
     "the NMI stack is full"),
    (Outcome.PANIC, "PANIC: page fault: read of an unmapped page at 0x10, supervisor", "never set"),
    (Outcome.PANIC, "PANIC: page fault: read of an unmapped page at 0x1000, supervisor", "the kernel caught it"),
    (Outcome.PANIC, "PANIC: page fault: write to a user page (SMAP) at 0x0000000000400010, supervisor",
     "copy routines"),
    (Outcome.PANIC, "PANIC: page fault: fetch from a no-execute page at 0xffff888000000010, supervisor",
     "was overwritten"),
    (Outcome.PANIC, "PANIC: page fault: write to a read-only page at 0xffffffff80101010, supervisor", "gone too far"),
    (Outcome.WRONG, "the kernel knocked on the injector at f, and the test's `inject` has no line for that knock",
     "come once"),
    (Outcome.MISSING, "serial: 301 bytes arrived, all below 0x20: only the low five bits of each character",
     "five-bit"),
    (Outcome.MISSING, "serial: nothing arrived", "DLAB"),
    (Outcome.WRONG, "bytes that arrived: expected 9, got 8: 1 were lost", "wait for room"),
    (Outcome.BUILD, "undefined reference to `my_gate'", "the linker looked for my_gate"),
])
def test_symptoms_have_hints(generic: list[Hint], outcome: Outcome, symptom: str, says: str) -> None:
    assert says in (hints.choose(generic, "any", outcome, symptom) or "")


def test_the_first_fitting_hint_wins() -> None:
    known = [Hint("other", None, None, "no"), Hint(None, "hang", None, "no"),
             Hint("table", None, r"got (\w+)(x)?", "it is \\1\\2"),
             Hint(None, None, None, "late")]
    assert hints.choose(known, "table", Outcome.WRONG, "expected 1, got 0x8f") == "it is 0x8f"
    assert hints.choose(known, "table", Outcome.WRONG, "nothing") == "late"
    assert hints.choose(known[:2], "table", Outcome.WRONG, "nothing") is None


def test_progress_is_for_terminals_only() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True
    for stream, shown in ((Terminal(), True), (io.StringIO(), False)):
        progress = Progress(stream)
        progress.begin("02 qemu", "booting")
        progress.teller("02 qemu")("7 tests")
        progress.finish("02 qemu")
        with progress.aside():
            stream.write("")
        assert ("02 qemu: 7 tests" in stream.getvalue()) == shown and bool(stream.getvalue()) == shown


def test_runs_are_dropped_or_kept(tmp_path: Path) -> None:
    import os
    runs = Runs(tmp_path / "runs")
    one, two = runs.new("02-qemu"), runs.new("02-qemu")
    assert one != two
    runs.drop(one)
    os.utime(two, (0, 0))
    runs.forget_old()
    assert not one.exists() and not two.exists()
    kept = Runs(tmp_path / "kept", keep_all=True)
    directory = kept.new("02-qemu")
    kept.drop(directory)
    assert directory.exists()
