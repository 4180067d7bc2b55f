"""A class whose grader is killed, stopped, left without room: nothing is lost, and nothing else comes out."""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from gatehouse import labs
from gatehouse.build import CannotJudge
from gatehouse.cohort import kept, plan, record, sheet
from gatehouse.cohort.workshop import Workbench
from gatehouse.result import unbuilt
from replayed_class import BEGUN, FILE, ROOT

COMMAND = [sys.executable, str(Path(__file__).with_name("replayed_class.py"))]
STUDENTS = ["ada", "bob", "cy", "dan", "eve"]
KILLS = 25
SPREAD = 0.2                    # seconds, about what a whole class takes


def grading(folder: Path, out: Path) -> list[str]:
    return [*COMMAND, "--dir", str(folder), "--out", str(out), "--lab", "0", "--jobs", "2"]


def graded(folder: Path, out: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(grading(folder, out), capture_output=True, text=True)


def hand_in(folder: Path, who: str, text: str) -> None:
    """A tree; for what is broken one without a file of the lab's."""
    shutil.rmtree(folder / who, ignore_errors=True)
    path = folder / who / (FILE if text != "broken" else "photo.jpg")
    path.parent.mkdir(parents=True)
    path.write_text(text)


def rows(out: Path) -> list[dict[str, str]]:
    with (out / sheet.FILE).open(newline="") as file:
        return list(csv.DictReader(file, strict=True))


def whole(folder: Path) -> None:
    """A folder with a record holds all that the record speaks of, and nothing else."""
    found = record.read(folder)
    if not found:
        return
    assert f"Score: {found.score}/100" in (folder / kept.REPORT).read_text()
    if found.status == "judged":
        assert plan.read(folder.parents[1]).key(record.digest_of(folder / kept.FILES)) == found.key
        assert json.loads((folder / kept.DATA).read_text())["score"] == found.score
        assert (folder / kept.RUNS).exists() == (found.score < 100)
    else:
        assert not [name for name in (kept.DATA, kept.RUNS, kept.FILES) if (folder / name).exists()]


def left_behind(out: Path) -> dict[str, Any]:
    """All files in OUT by path, without times and OUT's own name; of the plan, whose number is drawn, nothing."""
    files: dict[str, Any] = {}
    for path in sorted(out.rglob("*")):
        name = path.relative_to(out).as_posix()
        if path.is_file() and name != plan.FILE and path.name != ".plan":
            files[name] = text = path.read_text().replace(str(out), "OUT")
            if path.name == record.FILE:
                files[name] = json.loads(text) | {"seconds": {}, "judged_at": 0}
    return files


def test_killed_at_any_moment(tmp_path: Path) -> None:
    chance = random.Random(1)
    folder, out = tmp_path / "handins", tmp_path / "marks"
    for who in STUDENTS:
        hand_in(folder, who, f"first of {who}")
    assert graded(folder, out).returncode == 0
    for number in range(KILLS):
        for who in chance.sample(STUDENTS, 3):
            hand_in(folder, who, chance.choice(["right", "wrong", "wrong twice", "broken", f"right, {number}"]))
        with subprocess.Popen(grading(folder, out), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True) as started:
            assert started.stdout and started.stdout.readline() == BEGUN
            time.sleep(chance.uniform(0, SPREAD))
            started.send_signal(signal.SIGKILL)
        assert [row["student"] for row in rows(out)] == STUDENTS and all(None not in row.values() for row in rows(out))
        for who in STUDENTS:
            whole(out / "students" / who)
    assert graded(folder, out).returncode == 0
    assert graded(folder, tmp_path / "undisturbed").returncode == 0
    assert left_behind(out) == left_behind(tmp_path / "undisturbed")


def test_what_was_handed_in_again_replaces_all(tmp_path: Path) -> None:
    folder, out = tmp_path / "handins", tmp_path / "marks"
    for text in ("wrong", "right", "broken", "wrong", "broken", "right"):
        hand_in(folder, "ada", text)
        assert graded(folder, out).returncode == 0
        whole(out / "students/ada")
        assert rows(out)[0]["score"] == {"wrong": rows(out)[0]["score"], "right": "100", "broken": "0"}[text]
        assert rows(out)[0]["status"] == ("unusable" if text == "broken" else "judged")


def test_one_name_for_two_students(tmp_path: Path) -> None:
    """Who has a folder depends on who else hands in; the mark goes with the student."""
    folder, out = tmp_path / "handins", tmp_path / "marks"
    hand_in(folder, f"{'x' * 90}-ada", "right")
    assert graded(folder, out).returncode == 0
    (folder / f"{'x' * 90}-ada").rename(folder / f"{'x' * 90}-bob")
    assert graded(folder, out).returncode == 0
    assert [row["student"] for row in rows(out)] == [f"{'x' * 90}-bob"]


def test_who_is_gone_has_no_row(tmp_path: Path) -> None:
    folder, out = tmp_path / "handins", tmp_path / "marks"
    for who in STUDENTS:
        hand_in(folder, who, "right")
    assert graded(folder, out).returncode == 0
    shutil.rmtree(folder / "cy")
    assert graded(folder, out).returncode == 0
    assert [row["student"] for row in rows(out)] == [who for who in STUDENTS if who != "cy"]
    assert (out / "students/cy" / record.FILE).exists()


def test_moved_and_of_another_version(tmp_path: Path) -> None:
    """What was judged is known in another place; a record that this version cannot read is none."""
    folder, out = tmp_path / "handins", tmp_path / "marks"
    for who in STUDENTS:
        hand_in(folder, who, "right")
    assert graded(folder, out).returncode == 0
    before = {who: record.read(out / "students" / who) for who in STUDENTS}
    data = json.loads((out / "students/bob" / record.FILE).read_text())
    (out / "students/bob" / record.FILE).write_text(json.dumps(data | {"version": 0}))
    (out / "students/cy" / record.FILE).write_text("{")
    older = json.loads((out / plan.FILE).read_text())
    del older["solved"]
    (out / plan.FILE).write_text(json.dumps(older))
    shutil.move(out, tmp_path / "elsewhere")
    shutil.move(folder, tmp_path / "there")
    assert graded(tmp_path / "there", tmp_path / "elsewhere").returncode == 0
    after = {who: record.read(tmp_path / "elsewhere/students" / who) for who in STUDENTS}
    assert {who for who in STUDENTS if before[who] != after[who]} == {"bob", "cy"}
    assert [row["score"] for row in rows(tmp_path / "elsewhere")] == ["100"] * 5


@pytest.mark.parametrize("gone", [None, "view/Makefile", "clean/standins.a", "overlay"])
def test_a_build_without_what_it_needs_is_nobodys_failure(tmp_path: Path, gone: str | None) -> None:
    """Somebody clears away OUT/work while a submission is built."""
    known = labs.load(ROOT)
    lab = labs.find(known, "0")
    error = ["error: no such file"]

    def build(*_: object) -> object:
        if gone:
            subprocess.run(["rm", "-r", tmp_path / gone], check=True)
        return SimpleNamespace(wait=lambda: unbuilt(lab, list(lab.tests), ["qemu"], error, None))

    hand_in(tmp_path, "ada", "void")
    for name in ("view/Makefile", "clean/standins.a", "out/x", "overlay/x"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    bench = Workbench.__new__(Workbench)
    bench.__dict__.update(
        _session=SimpleNamespace(root=ROOT, labs=known, start=build), _lab=lab, _earlier="reference", _builder=None,
        _overlay=tmp_path / "overlay", _out=tmp_path / "out", _clean=tmp_path / "clean",
        _needed=[tmp_path / "view/Makefile", tmp_path / "clean/standins.a"])
    if gone:
        with pytest.raises(CannotJudge, match="was removed while it was needed"):
            bench.judge(tmp_path / "ada")
    else:
        assert bench.judge(tmp_path / "ada").result.failures[0].detail == error


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", place], capture_output=True).returncode:
        pytest.skip("only root mounts a file system")
    yield place
    subprocess.run(["umount", place], check=True)


def test_no_room_on_the_disk(tmp_path: Path, small_disk: Path) -> None:
    """A build that fails because the disk is full is nobody's failure, and the class ends in one line."""
    folder, out = tmp_path / "handins", small_disk / "marks"
    for who in STUDENTS[:4]:
        hand_in(folder, who, f"wrong, {who}")
    assert graded(folder, out).returncode == 0
    before, marks = left_behind(out), rows(out)
    hand_in(folder, "eve", f"fills {small_disk}/film")
    for _ in ("while it works", "before it begins"):
        done = graded(folder, out)
        assert done.returncode == 2 and not done.stdout.removeprefix(BEGUN)
        assert done.stderr.split("\n")[-2].startswith(f"grade-class: {out}") and "the disk is full" in done.stderr
        assert not record.read(out / "students/eve")
        assert {name: text for name, text in left_behind(out).items() if "eve" not in name} | {sheet.FILE: ""} == \
            before | {sheet.FILE: ""}
        assert rows(out)[:4] == marks
    (small_disk / "film").unlink()
    hand_in(folder, "eve", "right")
    assert graded(folder, out).returncode == 0
    assert len(rows(out)) == 5


def test_ctrl_c(tmp_path: Path) -> None:
    """It ends at once, and what was at work has no mark."""
    folder, out = tmp_path / "handins", tmp_path / "marks"
    hand_in(folder, "ada", "right")
    assert graded(folder, out).returncode == 0
    for who in STUDENTS:
        hand_in(folder, who, "waits" if who != "ada" else "right")
    with subprocess.Popen(grading(folder, out), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as started:
        assert started.stdout and started.stdout.readline() == BEGUN
        deadline = time.monotonic() + 30
        while not (out / "students/cy" / kept.FILES).exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        started.send_signal(signal.SIGINT)
        told = started.communicate(timeout=60)[1]
    assert started.returncode == 130
    assert told.endswith("\ngrade-class: interrupted; the same command goes on from here\n")
    marks = [(row["student"], row["score"]) for row in rows(out)]
    assert marks == [("ada", "100"), *((who, "") for who in STUDENTS[1:])]
    assert not [path for path in (out / "students").glob("*/record.json") if path.parent.name != "ada"]
    assert not (out / "work").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_nothing_may_be_written(tmp_path: Path) -> None:
    folder, out = tmp_path / "handins", tmp_path / "marks"
    hand_in(folder, "ada", "right")
    out.mkdir(mode=0o555)
    done = graded(folder, out)
    assert done.returncode == 2 and "ermission denied" in done.stderr and done.stderr.count("\n") == 1
