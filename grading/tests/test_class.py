"""A class is graded: marks, restarts, kills, and that one bad submission is its own affair."""

from __future__ import annotations

import csv
import json
import os
import shlex
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from gatehouse.cohort import record, sheet

ROOT = Path(__file__).resolve().parents[2]
COMMAND = ROOT / "grading/grade-class"
SERIAL = "arch/x86_64/serial/serial.c"


def grade(folder: Path, out: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMMAND, "--dir", folder, "--out", out, "--lab", "0", *words], capture_output=True,
                          text=True)


def student(folder: Path, name: str, change: tuple[str, str] | None = None) -> Path:
    """A tree with lab 00 as the reference has it, or with one piece of it changed."""
    text = (ROOT / SERIAL).read_text()
    if change:
        assert change[0] in text
        text = text.replace(*change)
    path = folder / name / SERIAL
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def rows(out: Path) -> dict[str, dict[str, str]]:
    with (out / sheet.FILE).open(newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    top = tmp_path_factory.mktemp("class")
    folder, out = top / "handins", top / "marks"
    student(folder, "ada")
    student(folder, "=cmd|'calc'!A0")
    student(folder, "wrong", ("& LSR_THRE)", "& 1)"))
    student(folder, "no compiler likes it", ("void", "vojd"))
    (folder / "empty").mkdir()
    (folder / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0" * 100)
    few = ["prlimit", "--nofile=24:4096"]
    done = subprocess.run([*few, COMMAND, "--dir", folder, "--out", out, "--lab", "0"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder, out


def test_marks(graded: tuple[Path, Path]) -> None:
    found = rows(graded[1])
    assert found["ada"]["score"] == "100" and found["ada"]["status"] == "judged"
    assert int(found["wrong"]["score"]) < 100
    assert found["no compiler likes it"]["score"] == "0" and found["no compiler likes it"]["status"] == "judged"
    assert found["empty"]["status"] == found["photo.jpg"]["status"] == "unusable"
    assert found["photo.jpg"]["remark"] == ("photo.jpg is no folder, tar, zip or git bundle; "
                                            "`make handin` packs what is wanted")


def test_a_spreadsheet_computes_nothing(graded: tuple[Path, Path]) -> None:
    assert "'=cmd|'calc'!A0" in rows(graded[1])


def test_each_has_a_report(graded: tuple[Path, Path]) -> None:
    out = graded[1]
    for folder in (out / "students").iterdir():
        kept = record.read(folder)
        assert kept and f"Score: {kept.score}/{kept.points}" in (folder / "report.txt").read_text()
    wrong = out / "students" / "wrong"
    assert json.loads((wrong / "report.json").read_text())["score"] == int(rows(out)["wrong"]["score"])
    told = (wrong / "report.txt").read_text()
    kept_runs = [line.split()[-1] for line in told.split("\n") if line.strip().startswith("kept:")]
    assert kept_runs and all((wrong / place / "serial.log").is_file() for place in kept_runs)
    assert "again: make grade LAB=00 EMU=" in told and str(out.parent) not in told
    assert "build failure: arch/x86_64/serial/serial.c" in rows(out)["no compiler likes it"]["remark"]


def test_what_is_known_is_not_judged_again(graded: tuple[Path, Path]) -> None:
    folder, out = graded
    before = {path: record.read(path) for path in (out / "students").iterdir()}
    shutil.copytree(folder, folder.parent / "more", dirs_exist_ok=True)
    student(folder.parent / "more", "new")
    shutil.copytree(out, out.parent / "again", dirs_exist_ok=True)
    done = grade(folder.parent / "more", out.parent / "again")
    assert done.returncode == 0, done.stderr
    for path, old in before.items():
        now = record.read(out.parent / "again" / "students" / path.name)
        assert now and old and (now.judged_at == old.judged_at or old.status == "unusable")
    assert rows(out.parent / "again")["new"]["score"] == "100"


def test_another_seed_is_another_judgement(graded: tuple[Path, Path]) -> None:
    folder, out = graded
    kept = record.read(out / "students" / "ada")
    shutil.copytree(out, out.parent / "seed")
    assert grade(folder, out.parent / "seed", "--seed", "2").returncode == 0
    now = record.read(out.parent / "seed" / "students" / "ada")
    assert kept and now and now.key != kept.key and now.judged_at > kept.judged_at and now.score == 100


def children_of(group: str) -> list[str]:
    """Processes whose command line names a folder."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if group.encode() in place.read_bytes():
                found.append(place.parent.name)
        except OSError:
            continue
    return found


def test_killed_at_any_moment_it_goes_on(tmp_path: Path) -> None:
    folder, out = tmp_path / "handins", tmp_path / "marks"
    for number in range(6):
        student(folder, f"s{number}")
    known = 0
    for delay in (2.0, 3.0):
        started = subprocess.Popen([COMMAND, "--dir", folder, "--out", out, "--lab", "0", "--jobs", "1"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(delay)
        started.send_signal(signal.SIGKILL)
        started.wait()
        deadline = time.monotonic() + 10
        while (left := children_of(str(out))) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not left
        if (out / sheet.FILE).exists():
            assert set(rows(out)) <= {f"s{number}" for number in range(6)}
        done = [path for path in (out / "students").glob("*/record.json")] if out.exists() else []
        assert len(done) >= known
        known = len(done)
    before = {path: path.stat().st_mtime_ns for path in (out / "students").glob("*/record.json")}
    assert grade(folder, out).returncode == 0
    assert all(path.stat().st_mtime_ns == written for path, written in before.items())
    assert [row["score"] for row in rows(out).values()] == ["100"] * 6


def test_two_graders_do_not_mix(tmp_path: Path) -> None:
    import fcntl
    student(tmp_path / "handins", "ada")
    (tmp_path / "marks").mkdir()
    with (tmp_path / "marks" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = grade(tmp_path / "handins", tmp_path / "marks")
    assert done.returncode == 2 and done.stderr.endswith(f"another grade-class is at work in {tmp_path}/marks\n")


@pytest.mark.parametrize("words, line", [
    (["--dir", "nowhere", "--out", "x"], "argument --dir: nowhere is not a directory"),
    (["--dir", ".", "--out", "x", "--lab", "99"], "99"),
    (["--dir", "{empty}", "--out", "x", "--lab", "0"], "is empty; it holds one tree or archive for each student"),
    (["--dir", "{full}", "--out", "{full}/marks", "--lab", "0"], "OUT lies in DIR"),
    (["--dir", "{full}", "--out", "{empty}/../full/marks", "--lab", "0"], "OUT lies in DIR"),
    (["--dir", "{full}", "--out", "{file}", "--lab", "0"], "file cannot be a folder for the marks: File exists"),
    (["--dir", "{full}", "--out", "/proc/x", "--lab", "0"], "/proc/x cannot be a folder for the marks: No such file"),
    (["--dir", "{full}", "--out", "{other}", "--lab", "0"],
     "other holds other files; OUT is a new folder, or one that has"),
    (["--dir", "{full}", "--out", "x", "--lab", "3", "--labs", "00,04"], "lab 03 is none of LABS=00,04"),
    (["--dir", "{full}", "--out", "", "--lab", "0"], "argument --out: no folder is named"),
    (["--dir", "", "--out", "x", "--lab", "0"], "argument --dir: no folder is named"),
    (["--dir", "{empty}", "--out", "x"], "is empty; it holds one tree or archive for each student"),
    (["--dir", "{full}", "--out", "x"], "say which lab with LAB=; no archive's name says which"),
    (["--dir", "{full}", "--out", "x", "--lab", "0", "--jobs", "0"], "not a number from 1 on"),
    (["--dir", "{full}", "--out", "x", "--lab", "0", "--jobs", "99999"], "99999 at the same time are too many"),
    (["--dir", "{full}", "--out", "x y", "--lab", "0"], "x y: choose an OUT whose path has no ' '"),
    (["--dir", "{full}", "--out", "x$(touch x)", "--lab", "0"], "choose an OUT whose path has no '$'"),
    (["--dir", "{marks}", "--out", "x", "--lab", "0"], "marks has the marks of a class; DIR is the folder with what"),
    (["--dir", "{marks}/students", "--out", "{marks}", "--lab", "0"], "DIR lies in OUT, where marks are"),
    (["--dir", "{tree}", "--out", "x", "--lab", "0"], "tree is one student's tree; DIR is the folder that holds those"),
])
def test_bad_words_get_one_line(tmp_path: Path, words: list[str], line: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "full/ada").mkdir(parents=True)
    (tmp_path / "other/work").mkdir(parents=True)
    (tmp_path / "file").touch()
    (tmp_path / "marks/students/ada").mkdir(parents=True)
    (tmp_path / "marks/plan.json").write_text('{"lab": "00"}')
    student(tmp_path, "tree")
    places = {name: tmp_path / name for name in ("empty", "full", "other", "file", "marks", "tree")}
    done = subprocess.run([COMMAND, *(word.format(**places) for word in words)], capture_output=True, text=True,
                          cwd=tmp_path)
    assert done.returncode == 2 and line in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "x").exists()
    assert list((tmp_path / "other").iterdir()) == [tmp_path / "other/work"]


def test_another_lab_keeps_out_of_the_marks(graded: tuple[Path, Path]) -> None:
    folder, out = graded
    done = subprocess.run([COMMAND, "--dir", folder, "--out", out, "--lab", "1"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == f"grade-class: {out} has the marks of lab 00; choose another OUT for lab 01\n"


def test_make_says_the_same(tmp_path: Path) -> None:
    student(tmp_path / "Dr. O'Brien's class", "ada")
    done = subprocess.run(["make", "-s", "-C", ROOT, "grade-class", f"DIR={tmp_path}/Dr. O'Brien's class",
                           f"OUT={tmp_path}/marks", "LAB=00", "LABS=00,02"],
                          capture_output=True, text=True, env={**os.environ, "MAKEFLAGS": ""})
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"1 judged, 0 unusable, 0 to be judged again: {tmp_path}/marks/grades.csv\n"
    assert not (tmp_path / "marks" / "overlay").exists()


@pytest.mark.parametrize("words, line", [
    ("grade-class POLCY=both", "POLCY= is no option of make grade-class; "
                               "there are DIR= OUT= LAB= JOBS= SEED= POLICY= ENGINE= LABS="),
    ("handout DIR=x UP=01", "UP= is no option of make handout; there are DIR= LABS= UPTO="),
    ("grade-class OUT=x", "argument --dir: no folder is named"),
    ("grade-class DIR={empty} LAB=03", "argument --out: no folder is named"),
    ("regrade", "argument submission: no folder is named"), ("similar", "argument --dir: no folder is named"),
    ("gradescope", "say which lab with LAB="),
    ("grade-class DIR={class} OUT=x LAB=01 LABS=00,02", "lab 01 is none of LABS=00,02"),
    ("grade-class DIR={class} OUT=x LAB=01 LABS=00,xy", "no lab is called 'xy'; there are 00-serial, "),
    ("grade-class DIR={class} OUT=x 'LAB=01 02'", "no lab is called '01 02'; there are 00-serial, "),
    ("grade-class DIR={class} OUT=x LAB=01 'JOBS=1 2'", "argument --jobs: '1 2' is not a number from 1 on"),
    ("grade-class DIR={class} OUT=x LAB=01 JOBS=²", "argument --jobs: '²' is not a number from 1 on"),
])
def test_make_says_what_is_missing_or_misspelt(tmp_path: Path, words: str, line: str) -> None:
    student(tmp_path / "class", "ada")
    places = {"empty": tmp_path, "class": tmp_path / "class"}
    done = subprocess.run(["make", "-s", "-C", ROOT, *shlex.split(words.format(**places))],
                          capture_output=True, text=True, env={**os.environ, "MAKEFLAGS": ""})
    assert done.returncode == 2 and not done.stdout
    assert line in done.stderr.splitlines()[0]


def test_make_says_that_it_cannot_build_below_a_space(tmp_path: Path) -> None:
    tree = tmp_path / "my tree"
    tree.mkdir()
    shutil.copy(ROOT / "Makefile", tree)
    done = subprocess.run(["make", "help"], capture_output=True, text=True, cwd=tree,
                          env={**os.environ, "MAKEFLAGS": ""})
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert f"make cannot build where the name of a folder has a space: move or rename {tree}" in done.stderr
