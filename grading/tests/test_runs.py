"""What stays of a run: enough to read, little to store, and not for ever."""

from __future__ import annotations

import os
import time
from pathlib import Path

from gatehouse.runs import IN_USE_SECONDS, KEPT_MOST, KEPT_SECONDS, LOG_MOST, Runs


def age(directory: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(directory, (then, then))


def a_run(runs: Runs) -> Path:
    directory = runs.new("00-bochs")
    (directory / "again").mkdir()
    for name, size in (("serial.log", 3), ("bochs.log", LOG_MOST + 1), ("disk.img", 9), ("again/disk.img", 9)):
        (directory / name).write_bytes(b"x" * size)
    (directory / "kernel").symlink_to(directory / "gone")
    return directory


def test_what_is_kept_of_a_failed_run(tmp_path: Path) -> None:
    runs = Runs(tmp_path / "runs")
    directory = a_run(runs)
    runs.trim(directory)
    assert {path.name: path.stat().st_size for path in directory.iterdir()} == {"serial.log": 3, "bochs.log": LOG_MOST}
    all_of_it = Runs(tmp_path / "all", keep_all=True)
    directory = a_run(all_of_it)
    all_of_it.trim(directory)
    assert len(list(directory.iterdir())) == 5


def test_old_runs_go_and_so_do_many(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    old, young = runs.new("old"), [runs.new(f"{number:03d}") for number in range(KEPT_MOST + 2)]
    age(old, KEPT_SECONDS + 60)
    for number, directory in enumerate(young):
        age(directory, IN_USE_SECONDS - 200 + number)
    runs.forget_old(KEPT_MOST)
    assert sorted(tmp_path.iterdir()) == young, "those of the last hour may be in use"
    for number, directory in enumerate(young):
        age(directory, IN_USE_SECONDS + 60 + number)
    runs.forget_old(KEPT_MOST)
    assert sorted(tmp_path.iterdir()) == young[:KEPT_MOST]
