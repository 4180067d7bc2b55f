"""A command that is broken off by Ctrl-C ends at once, in a line, with all that its threads are at."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from gatehouse import crew, hostile, supervise
from gatehouse.hostile import ENOUGH
from gatehouse.hostile_boot import Boot, Model
from gatehouse.sweep_run import Bench, CannotSweep
from gatehouse.sweep_run import Model as Swept

GRADING = Path(__file__).resolve().parents[1]
COMMAND = f"""
import sys
sys.path.insert(0, {str(GRADING)!r})
from pathlib import Path
from gatehouse.cli import said_in_a_line
from gatehouse.crew import crew
from gatehouse.supervise import Child

def wait(_):
    with Child(["sleep", "1000"], Path("/"), 1000) as child:
        print("begun", flush=True)
        child.until(lambda: False)

def work():
    try:
        with crew(2) as pool:
            list(pool.map(wait, range(4)))
    finally:
        print("cleaned up", flush=True)

sys.exit(said_in_a_line("command", work))
"""


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c(times: int) -> None:
    with subprocess.Popen([sys.executable, "-c", COMMAND], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as command:
        assert command.stdout and [command.stdout.readline() for _ in range(2)] == ["begun\n"] * 2
        for _ in range(times):
            command.send_signal(signal.SIGINT)
        said, told = command.communicate(timeout=60)
    assert (command.returncode, said, told) == (130, "cleaned up\n", "\ncommand: interrupted\n")


def test_who_never_ends_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "PATIENCE", 0.2)
    end = threading.Event()
    with pytest.raises(KeyError), crew.crew(1) as pool:
        pool.submit(end.wait)
        raise KeyError
    end.set()


def test_an_emulator_that_always_dies_is_not_begun_for_every_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does when its grader is broken off."""
    monkeypatch.setattr(hostile, "boot", lambda kernel, model, seed, count: Boot(seed, count, "", "QEMU dies", True))
    tally = hostile.throw(Path("/"), Model("qemu", "intel"), 1, 100 * ENOUGH)
    assert len(tally.spoilt) == ENOUGH and not tally.failures


def test_a_sweep_that_is_broken_off_begins_no_machine() -> None:
    bench = Bench(Path("/"), None, Path("/"), 1.0, 1, (), "")        # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt), bench.until_broken_off():
        raise KeyboardInterrupt
    with pytest.raises(CannotSweep), bench.machine(Swept("qemu")):
        pass


def test_children_may_begin_and_end_while_all_are_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []

    class Alive(list[supervise.Child]):
        def __iter__(self):                              # type: ignore[no-untyped-def]
            looked.append(supervise._lock.locked())
            return super().__iter__()

    monkeypatch.setattr(supervise, "_alive", Alive())
    supervise.end_all()
    assert looked == [True]
