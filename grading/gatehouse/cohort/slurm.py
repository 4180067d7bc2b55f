"""The class on a cluster: a Slurm job array, whose tasks judge a few submissions each.

OUT lies on a file system that all nodes share, as does this tree. What a task has judged has its record in OUT, so a
task that is lost or begun again loses nothing: whatever lacks a record when the array has ended is submitted again.
Partition, account and the like come from sbatch's own variables (SBATCH_PARTITION=...).
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from ..build import CannotJudge
from ..labs import LabError
from . import local, pages, record
from . import plan as plans
from .intake import Entry
from .plan import Plan
from .record import Record
from .stamp import seen
from .worker import Workshop

PACKAGES = "apt-get install slurm-client"
FOLDER = "slurm"
CHUNK = 10              # submissions of one task: what a task prepares must be worth it
ROUNDS = 3              # then something is wrong that trying again does not mend
POLL_SECONDS = 1
TASK = "SLURM_ARRAY_TASK_ID"


def run(plan: Plan, jobs: int) -> list[Record]:
    """Judge the class, JOBS tasks at a time. Raises CannotJudge, OSError."""
    (plan.out / FOLDER).mkdir(exist_ok=True)
    rate = local.Rate(sys.stderr, len(plan.entries))
    for number in range(ROUNDS):
        left = [entry for entry in plan.entries if not seen(plan, entry)]
        if not left:
            break
        _round(plan, left, jobs, number, rate)
    records = [_gathered(plan, entry) for entry in plan.entries]
    pages.write(plan, records)
    return records


def _round(plan: Plan, left: Sequence[Entry], jobs: int, number: int, rate: local.Rate) -> None:
    """Submit an array for what is left, and wait for its end."""
    tasks = -(-len(left) // CHUNK)
    command = [sys.executable, str(plan.root / "grading" / "grade-class"), "--task", str(plan.out)]
    job = _slurm("sbatch", "--parsable", "--requeue", f"--array=0-{tasks - 1}%{jobs}", "--job-name=gatehouse",
                 f"--output={plan.out}/{FOLDER}/%A_%a.log", f"--chdir={plan.out}",
                 "--wrap", f"exec {shlex.join(command)}").strip().split(";")[0]
    try:
        while _alive(job):
            done = sum(seen(plan, entry) for entry in plan.entries)
            rate.tell(done, done - (len(plan.entries) - len(left)) - rate.judged)
            time.sleep(POLL_SECONDS)
    except BaseException:
        subprocess.run(["scancel", job], check=False)
        raise
    done = sum(seen(plan, entry) for entry in plan.entries)
    rate.tell(done, done - (len(plan.entries) - len(left)) - rate.judged)


def _alive(job: str) -> bool:
    """Whether any task of the array waits or runs; Slurm forgets old jobs."""
    try:
        return bool(_slurm("squeue", "--noheader", "--array", f"--jobs={job}", "--format=%T").strip())
    except CannotJudge as error:
        if "Invalid job id" in str(error):
            return False
        raise


def _slurm(*words: str) -> str:
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise CannotJudge(f"{words[0]} is not installed: {PACKAGES}") from None
    if done.returncode:
        raise CannotJudge(f"{words[0]}: {done.stderr.strip() or f'status {done.returncode}'}")
    return done.stdout


def _gathered(plan: Plan, entry: Entry) -> Record:
    kept = record.read(plan.folder(entry)) if seen(plan, entry) else None
    return kept or Record(entry.student, entry.slug, str(entry.path), plan.lab, plan.policy, plan.seed, "", "trouble",
                          reason=f"no task of the job array has judged it; {plan.out}/{FOLDER} has their logs")


def task(out: Path) -> int:
    """One task of an array: every so many-th submission that is left. Raises LabError, CannotJudge, OSError."""
    plan = plans.read(out)
    try:
        number, tasks = int(os.environ[TASK]), int(os.environ["SLURM_ARRAY_TASK_COUNT"])
    except (KeyError, ValueError):
        raise LabError("", 0, f"--task is for Slurm's job arrays: {TASK} is not set") from None
    mine = [entry for entry in plan.entries[number::tasks] if not seen(plan, entry)]
    if mine:
        with tempfile.TemporaryDirectory(prefix="gatehouse-") as place, Workshop(plan, 1, Path(place) / "work") as shop:
            for entry in mine:
                shop.process(entry)
    return 0
