"""A class graded on a real Slurm, of one node: and tasks that are lost on the way."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import slurm_cluster
from gatehouse.build import CannotJudge
from gatehouse.cohort import record, slurm, stamp
from gatehouse.cohort.intake import Entry
from gatehouse.cohort.plan import Plan
from gatehouse.cohort.record import Record
from test_class import COMMAND, ROOT, rows, student

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="Slurm's daemons are started as root")
CLASS = 2 * slurm.CHUNK + 1         # would be three tasks, but
ARRAY = 3                           # this cluster's arrays have fewer than that


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    assert not slurm_cluster.missing()
    with ExitStack() as stack:
        try:
            variables = stack.enter_context(slurm_cluster.cluster(tmp_path_factory.mktemp("s"), ARRAY))
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


def until_judging(out: Path) -> None:
    deadline = time.monotonic() + 60
    while not list(out.glob("students/*/record.json")) and time.monotonic() < deadline:
        time.sleep(0.1)


def test_lost_and_requeued_tasks_lose_nothing(environment: dict[str, str], handins: Path, tmp_path: Path) -> None:
    out = tmp_path / "marks"
    grading = subprocess.Popen(words(handins, out), env=environment, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    done: list[str] = []

    def running() -> list[str]:
        listed = subprocess.run(["squeue", "-h", "-r", "-t", "R", "-o", "%i"], env=environment,
                                capture_output=True, text=True)
        return listed.stdout.split()

    until_judging(out)
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


def test_ctrl_c_cancels_the_array_and_a_lost_node_comes_back(environment: dict[str, str], handins: Path,
                                                             tmp_path: Path) -> None:
    out = tmp_path / "marks"
    with subprocess.Popen(words(handins, out), env=environment, stderr=subprocess.PIPE, text=True) as grading:
        until_judging(out)
        grading.send_signal(signal.SIGINT)
        assert grading.communicate()[1].endswith("interrupted; the same command goes on from here\n")
    deadline = time.monotonic() + 60
    while asked(environment, "squeue", "-h") and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not asked(environment, "squeue", "-h")
    before = {path: path.stat().st_mtime_ns for path in out.glob("students/*/record.json")}
    assert 0 < len(before) < CLASS
    node = asked(environment, "sinfo", "-h", "-o", "%n").strip()
    with subprocess.Popen(words(handins, out), env=environment, stdout=subprocess.PIPE, text=True) as grading:
        while not asked(environment, "squeue", "-h", "-t", "R"):
            time.sleep(0.1)
        asked(environment, "scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=test")
        # It may have come back by itself.
        subprocess.run(["scontrol", "update", f"NodeName={node}", "State=RESUME"], env=environment, capture_output=True)
        assert grading.communicate()[0].startswith(f"{CLASS} judged, ")
    assert {path: path.stat().st_mtime_ns for path in before} == before


def asked(environment: dict[str, str], *command: str) -> str:
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def test_what_the_cluster_holds_is_told(environment: dict[str, str], tmp_path: Path) -> None:
    """And goes on when it is let go."""
    student(tmp_path / "handins", "ada")
    node = asked(environment, "sinfo", "-h", "-o", "%n").strip()
    asked(environment, "scontrol", "update", f"NodeName={node}", "State=DRAIN", "Reason=test")
    with subprocess.Popen(words(tmp_path / "handins", tmp_path / "marks"), env=environment, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as grading:
        try:
            while not (job := asked(environment, "squeue", "-h", "-o", "%F").strip()):
                time.sleep(0.1)
            asked(environment, "scontrol", "hold", job)
            assert grading.stderr is not None
            told = ""
            while "JobHeld" not in told:
                told = grading.stderr.readline()
                assert told, "grade-class has ended"
            asked(environment, "scontrol", "release", job)
        finally:
            asked(environment, "scontrol", "update", f"NodeName={node}", "State=RESUME")
        said = grading.communicate(timeout=120)[0]
    assert told.startswith(f"the cluster does not begin job {job}: JobHeld") and f"`scontrol show job {job}`" in told
    assert said.startswith("1 judged, 0 unusable")


def test_sbatch_refuses(environment: dict[str, str], handins: Path, tmp_path: Path) -> None:
    done = subprocess.run(words(handins, tmp_path / "marks"), env=environment | {"SBATCH_PARTITION": "nowhere"},
                          capture_output=True, text=True)
    assert done.returncode == 2 and "invalid partition" in done.stderr and done.stderr.count("\n") == 1


class FakeShop:
    """Judges by name: `deadly` ends its task."""

    def __init__(self, plan: Plan, *_: object) -> None:
        self.plan = plan

    def __enter__(self) -> FakeShop:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def process(self, entry: Entry) -> None:
        if entry.student == "deadly":
            raise SystemExit(137)
        folder = self.plan.folder(entry)
        folder.mkdir(parents=True)
        Record(entry.student, entry.slug, "", self.plan.lab, self.plan.policy, 1, "", "judged", score=100).write(folder)
        with stamp.turn(folder) as stamped:
            stamped.put(self.plan)


def test_what_ends_its_task_stops_nobody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does a controller that does not answer for a while."""
    arrays: list[int] = []
    silence = iter([True, False] * 100)

    def fake(*command: str) -> str:
        if command[0] == "squeue" and next(silence):
            raise CannotJudge("slurm_load_jobs error: Unable to contact slurm controller")
        if command[0] == "sbatch":
            last = re.search(r"--array=0-(\d+)%2 ", " ".join(command))
            tasks = int(last[1]) + 1 if last else 0
            arrays.append(tasks)
            for number in range(tasks):
                monkeypatch.setenv(slurm.TASK, str(number))
                monkeypatch.setenv("SLURM_ARRAY_TASK_COUNT", str(tasks))
                with suppress(SystemExit):
                    slurm.task(tmp_path)
        return {"scontrol": "MaxArraySize = 1001\n", "sbatch": "7\n"}.get(command[0], "")

    monkeypatch.setattr(slurm, "_slurm", fake)
    monkeypatch.setattr(slurm, "Workshop", FakeShop)
    monkeypatch.setattr(slurm, "POLL_SECONDS", 0)
    names = ["deadly", *(f"s{number:02}" for number in range(CLASS))]
    entries = tuple(Entry(name, name, tmp_path / name) for name in names)
    plan = Plan(ROOT, tmp_path, "00", "isolated", 1, ("qemu",), entries)
    plan.write()
    found = {kept.student: kept for kept in slurm.run(plan, 2)}
    assert [name for name, kept in found.items() if kept.status != "judged"] == ["deadly"]
    assert "no task of the job array has judged it" in found["deadly"].reason
    assert arrays[0] == 3 and len(arrays) <= 6


def test_without_slurm(handins: Path, tmp_path: Path) -> None:
    done = subprocess.run(words(handins, tmp_path / "marks"), env={**os.environ, "PATH": str(tmp_path)},
                          capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "grade-class: scontrol is not installed: apt-get install slurm-client\n"


def test_a_task_is_slurms_alone(tmp_path: Path) -> None:
    done = subprocess.run([COMMAND, "--task", tmp_path], capture_output=True, text=True)
    assert done.returncode == 2 and "holds no class that was graded" in done.stderr and done.stderr.count("\n") == 1


def test_names_that_a_shell_would_obey(environment: dict[str, str], tmp_path: Path) -> None:
    """They lie in plan.json, not on the command line of a job; what is built there is in the sandbox as here."""
    names = ["a\nb", "$(touch made)", "`touch made`; touch made", "it's \"so\"", "--help", "\x1b[2J"]
    for name in names:
        student(tmp_path / "handins", name, ("void", "vojd"))
    student(tmp_path / "handins", "bomb", ("#include", 'asm(".fill 1 << 40");\n#include'))
    done = subprocess.run(words(tmp_path / "handins", tmp_path / "marks"), env=environment,
                          capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (done.stdout + done.stderr).replace("\n", "").isprintable()
    kept = [record.read(path) for path in (tmp_path / "marks/students").iterdir()]
    marks = {one.student: (one.status, one.score) for one in kept if one}
    assert marks == {name: ("judged", 0) for name in [*names, "bomb"]}
    assert not list(tmp_path.rglob("made"))
    assert "16 MiB on the disk" in (tmp_path / "marks/students/bomb/report.txt").read_text()
