"""The class that `make bench-class` makes up, in small; and that the same submission gets the same verdict."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from gatehouse import labs
from gatehouse.cohort.bench_class import solutions

ROOT = Path(__file__).resolve().parents[2]
COMMAND = ROOT / "grading/bench-class"


def run(*words: str) -> str:
    done = subprocess.run([COMMAND, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_small_class() -> None:
    first, second, each, parts, marks = run("--count", "8").split("\n")[:5]
    assert first.startswith("2 submissions: ") and second.startswith("8 submissions: ")
    assert "two idle processors judge" in each
    assert [part.split()[0] for part in parts.split(", ")] == ["building", "booting", "judging"]
    assert marks == "full marks: 4, judged: 4"


def test_equal_verdicts_under_load() -> None:
    assert run("--repeat", "3", "--load") == "correct: 3 times, 1 verdict\nwrong: 3 times, 1 verdict\n"


def test_a_lab_without_assembly() -> None:
    known = labs.load(ROOT)
    assert len(list(solutions(ROOT, known, labs.find(known, "00")))) > 8


@pytest.mark.parametrize("words, line", [
    (["--lab", "11"], "lab 11-tasks is announced only"), (["--count", "1"], "what one more takes is seen in 2 or more"),
    (["--load"], "--load goes with --repeat"), (["--repeat", "0"], "'0' is not a number from 1 on"),
])
def test_bad_words_get_one_line(words: list[str], line: str) -> None:
    done = subprocess.run([COMMAND, *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and line in done.stderr and done.stderr.count("\n") == 1
