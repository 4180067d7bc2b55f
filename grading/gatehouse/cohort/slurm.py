"""The class on a cluster: a Slurm job array, whose tasks judge a few submissions each.

OUT lies on a file system that all nodes share, as does this tree. What a task has judged has its record in OUT, so a
task that is lost or begun again loses nothing: whatever lacks a record when the array has ended is submitted again.
Partition, account and the like come from sbatch's own variables (SBATCH_PARTITION=...).
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from ..build import CannotJudge
from ..labs import LabError
from . import atomic, local, pages, record
from . import plan as plans
from .intake import Entry
from .plan import Plan
from .record import Record
from .stamp import seen
from .worker import Workshop

PACKAGES = "apt-get install slurm-client"
FOLDER, LEFT = "slurm", "left"
CHUNK = 10              # submissions of one task: what a task prepares must be worth it
FRUITLESS = 3           # rounds without one record; then something is wrong that trying again does not mend
POLL_SECONDS = 2
PATIENCE = 600          # seconds for a controller that does not answer: it is begun again, or too busy
TASK = "SLURM_ARRAY_TASK_ID"
WAITS = "PENDING "
SHORTLY = ("None", "Resources", "Priority", "JobArrayTaskLimit", "BeginTime", "Cleaning")
ARRAY_MOST = re.compile(r"^MaxArraySize\s*=\s*(\d+)", re.MULTILINE)


def run(plan: Plan, jobs: int) -> list[Record]:
    """Judge the class, JOBS tasks at a time. Raises CannotJudge, OSError."""
    (plan.out / FOLDER).mkdir(exist_ok=True)
    most = _array_most()
    rate = local.Rate(sys.stderr, len(plan.entries))
    left, fruitless = list(plan.entries), 0
    while left and fruitless < FRUITLESS:
        # A submission that ends its task, however it may, must not keep the others from their turn.
        chunk = 1 if fruitless else CHUNK
        rest = _round(plan, left, min(-(-len(left) // chunk), most), jobs, rate)
        fruitless = fruitless + 1 if len(rest) == len(left) else 0
        left = rest
    records = [_gathered(plan, entry) for entry in plan.entries]
    pages.write(plan, records)
    return records


def _array_most() -> int:
    """Tasks that one array may have here."""
    found = ARRAY_MOST.search(_slurm("scontrol", "show", "config"))
    return max(int(found[1]) - 1, 1) if found else 1000


def _round(plan: Plan, left: list[Entry], tasks: int, jobs: int, rate: local.Rate) -> list[Entry]:
    """Submit an array of so many TASKS for what is LEFT, and wait for its end; what is then left."""
    atomic.write(plan.out / FOLDER / LEFT, "".join(f"{entry.slug}\n" for entry in left))
    command = [sys.executable, str(plan.root / "grading" / "grade-class"), "--task", str(plan.out)]
    job = _slurm("sbatch", "--parsable", "--requeue", f"--array=0-{tasks - 1}%{jobs}", "--job-name=gatehouse",
                 f"--output={plan.out}/{FOLDER}/%A_%a.log", f"--chdir={plan.out}",
                 "--wrap", f"exec {shlex.join(command)}").strip().split(";")[0]
    told: set[str] = set()
    try:
        alive, heard = True, time.monotonic()
        while alive:
            time.sleep(POLL_SECONDS)
            try:
                states, heard = _states(job), time.monotonic()
            except CannotJudge:
                if time.monotonic() - heard > PATIENCE:
                    raise
            else:
                alive = bool(states)
                for reason in sorted(_held(states) - told):
                    told.add(reason)
                    rate.say(f"the cluster does not begin job {job}: {reason}; `scontrol show job {job}` says more")
            before, left = len(left), [entry for entry in left if not seen(plan, entry)]
            rate.tell(len(plan.entries) - len(left), before - len(left))
    except BaseException:
        subprocess.run(["scancel", job], check=False)
        raise
    return left


def _states(job: str) -> list[str]:
    """State and reason of each task that waits or runs; Slurm forgets old jobs.

    Raises CannotJudge if it does not answer.
    """
    try:
        return _slurm("squeue", "--noheader", "--array", f"--jobs={job}", "--format=%T %r").splitlines()
    except CannotJudge as error:
        if "Invalid job id" in str(error):
            return []
        raise


def _held(states: Sequence[str]) -> set[str]:
    """Why no task runs, where that is for somebody to mend and not for time."""
    if not all(state.startswith(WAITS) for state in states):
        return set()
    return {state.removeprefix(WAITS) for state in states} - set(SHORTLY)


def _slurm(*words: str) -> str:
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise CannotJudge(f"{words[0]} is not installed: {PACKAGES}") from None
    if done.returncode:
        said = " ".join(done.stderr.split()) or f"status {done.returncode}"
        raise CannotJudge(said if said.startswith(words[0]) else f"{words[0]}: {said}")
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
    # What Slurm sends before it kills: the node is left clean.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    left = (out / FOLDER / LEFT).read_text("utf-8").split()
    mine = set(left[number::tasks])
    if entries := [entry for entry in plan.entries if entry.slug in mine and not seen(plan, entry)]:
        with tempfile.TemporaryDirectory(prefix="gatehouse-") as place, Workshop(plan, 1, Path(place) / "work") as shop:
            for entry in entries:
                shop.process(entry)
    return 0
