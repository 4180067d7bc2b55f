"""Policies and complaints: whose bug it is, and whether a verdict stands."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from gatehouse import labs
from gatehouse.cohort import record

ROOT = Path(__file__).resolve().parents[2]
LABS = labs.load(ROOT)
BROKEN = {"ada": None, "bob": "02-idt/mutants/trap-gates.patch", "dan": "03-exceptions/mutants/call-misaligned.patch",
          "eve": None}
NORMAL = "arch/x86_64/entry/normal.asm"


def run(command: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ROOT / "grading" / command, *words], capture_output=True, text=True)


@pytest.fixture(scope="module")
def handins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Students who have done labs 00 to 03, each with one mistake at most."""
    top = tmp_path_factory.mktemp("class") / "handins"
    for name, patch in BROKEN.items():
        for file in [file for lab in LABS if lab.number <= 3 for file in lab.hole_files]:
            (top / name / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / file, top / name / file)
        if patch:
            subprocess.run(["git", "apply", ROOT / "labs" / patch], cwd=top / name, check=True,
                           env={"GIT_CEILING_DIRECTORIES": str(top)})
    (top / "eve" / NORMAL).unlink()
    return top


def graded(handins: Path, policy: str) -> dict[str, record.Record]:
    out = handins.parent / policy
    done = run("grade-class", "--dir", handins, "--out", out, "--lab", "3", "--policy", policy)
    assert done.returncode == 0, done.stderr
    found = {name: record.read(out / "students" / name) for name in BROKEN}
    return {name: one for name, one in found.items() if one}


@pytest.fixture(scope="module")
def both(handins: Path) -> dict[str, record.Record]:
    return graded(handins, "both")


def test_both_gives_the_isolated_mark_and_says_whose_bug_it_is(handins: Path, both: dict[str, record.Record]) -> None:
    assert both["ada"].score == 100 and not both["ada"].blame
    assert both["bob"].score == 100
    assert both["bob"].blame and all(line.endswith("passes with the reference's lab 02: the bug is there")
                                     for line in both["bob"].blame)
    assert not any("not run" in line for line in both["bob"].blame)
    assert 0 < both["dan"].score < 100 and not both["dan"].blame
    told = " ".join((handins.parent / "both/students/bob/report.txt").read_text().split())
    assert "fails on your own earlier labs" in told and "the bug is there" in told and told.endswith("Score: 100/100")


def test_what_is_not_there_is_in_the_sheet(both: dict[str, record.Record]) -> None:
    assert both["eve"].score < 100
    assert both["eve"].remarks == [f"{NORMAL} is not there: judged as the untouched skeleton"]


def test_carry_gives_the_mark_of_the_whole_kernel(handins: Path, both: dict[str, record.Record]) -> None:
    carried = graded(handins, "carry")
    assert carried["ada"].score == 100 and carried["bob"].score < 100
    assert carried["dan"].score == both["dan"].score


def test_a_verdict_stands(handins: Path, both: dict[str, record.Record]) -> None:
    done = run("regrade", handins.parent / "both/students/dan")
    assert done.returncode == 0, done.stderr
    first, *rest = done.stdout.splitlines()
    assert first.startswith("dan, lab 03-exceptions, judged on ")
    assert first.endswith(f"with seed 1: {both['dan'].score}/100")
    assert rest == ["the verdict stands"]
    done = run("regrade", handins.parent / "both/students/dan", "--test", "frame")
    assert done.returncode == 0 and done.stdout.endswith("the verdict stands: frame\n")


def test_a_verdict_that_does_not_stand(handins: Path, both: dict[str, record.Record]) -> None:
    folder = handins.parent / "both/students/ada"
    data = json.loads((folder / record.FILE).read_text())
    data["tests"]["frame"], data["versions"]["gcc"], data["pristine"] = 0, "gcc 1.0", "another"
    (folder / record.FILE).write_text(json.dumps(data))
    done = run("regrade", folder)
    assert done.returncode == 1
    assert done.stdout.splitlines()[1:] == [
        "the verdict does not stand:", "  frame: 0 points then, 10 now (pass)",
        f"  another gcc: gcc 1.0 then, {record.versions()['gcc']} now",
        "  the tree that judges has changed since (kernel, labs or grader)"]


def test_what_was_kept_and_is_no_longer(handins: Path, both: dict[str, record.Record], tmp_path: Path) -> None:
    shutil.copytree(handins.parent / "both", tmp_path / "marks")
    dan = tmp_path / "marks/students/dan"
    (dan / "files/notes").write_text("mine\n")
    done = run("regrade", dan, "--test", "frame")
    assert done.stdout.endswith(f"\n  {dan}/files no longer holds what was judged then\n")
    shutil.rmtree(dan / "files")
    done = run("regrade", dan)
    assert done.returncode == 2 and done.stderr == f"regrade: {dan}/files is gone, where the judged files were kept\n"


@pytest.mark.parametrize("words, line", [
    (["."], "is no student's folder of a graded class; it looks like OUT/students/NAME"),
    (["nowhere"], "argument submission: nowhere is not a directory"),
    (["{dan}", "--test", "nothing"], "no test is called 'nothing'; there are reaches_c, frame, "),
])
def test_bad_words_get_one_line(handins: Path, both: dict[str, record.Record], words: list[str], line: str) -> None:
    done = run("regrade", *(word.format(dan=handins.parent / "both/students/dan") for word in words))
    assert done.returncode == 2 and line in done.stderr and done.stderr.count("\n") == 1
