"""A class graded on a real Slurm, of one node: and tasks that are lost on the way."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import slurm_cluster
from gatehouse.cohort import record, slurm
from test_class import COMMAND, rows, student

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="Slurm's daemons are started as root")
CLASS = 2 * slurm.CHUNK + 1         # three tasks, of which two run at a time


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    assert not slurm_cluster.missing()
    with ExitStack() as stack:
        try:
            variables = stack.enter_context(slurm_cluster.cluster(tmp_path_factory.mktemp("s")))
        except TimeoutError as error:
            pytest.skip(f"Slurm does not start on this machine: {error}")
        yield variables


@pytest.fixture
def handins(tmp_path: Path) -> Path:
    for number in range(CLASS):
        student(tmp_path / "handins", f"s{number:02}", ("void", "vojd") if number % 4 else None)
    return tmp_path / "handins"


def words(handins: Path, out: Path) -> list[str | Path]:
    return [COMMAND, "--dir", handins, "--out", out, "--lab", "0", "--engine", "slurm", "--jobs", "2"]


def test_lost_and_requeued_tasks_lose_nothing(environment: dict[str, str], handins: Path, tmp_path: Path) -> None:
    out = tmp_path / "marks"
    grading = subprocess.Popen(words(handins, out), env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    done: list[str] = []

    def running() -> list[str]:
        listed = subprocess.run(["squeue", "-h", "-r", "-t", "R", "-o", "%i"], env=environment, capture_output=True, text=True)
        return listed.stdout.split()

    deadline = time.monotonic() + 60
    while not (out.exists() and list(out.glob("students/*/record.json"))) and time.monotonic() < deadline:
        time.sleep(0.1)
    for command, job in zip((["scontrol", "requeue"], ["scancel", "--signal=KILL", "--full"]), running()):
        if subprocess.run([*command, job], env=environment, capture_output=True).returncode == 0:
            done.append(job)
    said, told = grading.communicate(timeout=240)
    assert grading.returncode == 0, told
    assert done, "no task was running when one was to be lost"
    assert said.startswith(f"{CLASS} judged, 0 unusable, 0 to be judged again: ")
    assert re.search(rf"{CLASS} of {CLASS} done", told)
    assert {name: int(row["score"]) for name, row in rows(out).items()} == \
        {f"s{number:02}": 0 if number % 4 else 100 for number in range(CLASS)}
    assert (out / "summary.html").is_file() and (out / "junit.xml").is_file()
    assert not list(out.glob("work*"))


def test_without_slurm(handins: Path, tmp_path: Path) -> None:
    done = subprocess.run(words(handins, tmp_path / "marks"), env={**os.environ, "PATH": str(tmp_path)}, capture_output=True,
                          text=True)
    assert done.returncode == 2
    assert done.stderr == "grade-class: sbatch is not installed: apt-get install slurm-client\n"


def test_a_task_is_slurms_alone(tmp_path: Path) -> None:
    done = subprocess.run([COMMAND, "--task", tmp_path], capture_output=True, text=True)
    assert done.returncode == 2 and "holds no class that was graded" in done.stderr and done.stderr.count("\n") == 1


def test_names_that_a_shell_would_obey(environment: dict[str, str], tmp_path: Path) -> None:
    """They lie in plan.json, not on the command line of a job; what is built there is in the sandbox as here."""
    names = ["a\nb", "$(touch made)", "`touch made`; touch made", "it's \"so\"", "--help", "\x1b[2J"]
    for name in names:
        student(tmp_path / "handins", name, ("void", "vojd"))
    student(tmp_path / "handins", "bomb", ("#include", 'asm(".fill 1 << 40");\n#include'))
    done = subprocess.run(words(tmp_path / "handins", tmp_path / "marks"), env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (done.stdout + done.stderr).replace("\n", "").isprintable()
    kept = [record.read(path) for path in (tmp_path / "marks/students").iterdir()]
    assert {one.student: (one.status, one.score) for one in kept if one} == {name: ("judged", 0) for name in [*names, "bomb"]}
    assert not list(tmp_path.rglob("made"))
    assert "16 MiB on the disk" in (tmp_path / "marks/students/bomb/report.txt").read_text()
