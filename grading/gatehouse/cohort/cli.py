"""grading/grade-class: the command line.

Exit status: 0 every submission has a mark, 1 some could not be judged for a reason of ours, 2 nothing was done (one
line on stderr says why), 130 interrupted.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .. import labs
from ..build import CannotJudge
from ..cli import CANNOT_JUDGE, EMULATORS, Parser, chosen_labs, directory, in_a_line, jobs, number, place
from ..crew import ctrl_c_ends
from ..labs import Lab, LabError
from ..safe import named
from . import intake, local, slurm
from . import plan as plans
from .intake import Entry
from .plan import POLICIES, Plan, pristine_digest
from .record import Record

UNMAKEABLE = re.compile(r"[\s'\"#$%:;=()&|<>\\`]")      # make and its shell would read more than a path
JOBS_MOST = 16                                          # on each processor of this machine
ENGINES: dict[str, Callable[[Plan, int], list[Record]]] = {"local": local.run, "slurm": slurm.run}


def parser() -> argparse.ArgumentParser:
    out = Parser(prog="grade-class", description="Judge a folder of submissions.", allow_abbrev=False)
    out.add_argument("--dir", type=directory, required=True, help="holds one tree or archive for each student")
    out.add_argument("--out", type=place, required=True, help="receives grades.csv and a report for each student")
    out.add_argument("--lab", help="3, 03 or 03-exceptions; by default what `make handin` named the archives by")
    out.add_argument("--labs", metavar="02,03,...", help="the labs of the course; those left out are the reference's")
    out.add_argument("--engine", choices=ENGINES, default="local", help="this machine, or a Slurm cluster")
    out.add_argument("--policy", choices=POLICIES, default="isolated", help="whose earlier labs a lab stands on")
    out.add_argument("--seed", type=number, default=1, metavar="S")
    out.add_argument("--jobs", type=jobs, default=os.cpu_count() or 1, metavar="N", help="at the same time")
    return out


def named_lab(folder: Path) -> str:
    """The lab for which the archives in FOLDER were packed. Raises LabError unless they agree."""
    found = intake.labs_of(folder)
    if len(found) != 1:
        said = f"the archives were packed for the labs {', '.join(sorted(found))}" if found else \
            "no archive's name says which"
        raise LabError("", 0, f"say which lab with LAB=; {said}")
    return found.pop()


def handed_in(folder: Path) -> tuple[Entry, ...]:
    """The class in DIR. Raises CannotJudge if it is none, OSError."""
    entries = tuple(intake.entries(folder))
    if (folder / plans.FILE).is_file():
        raise CannotJudge(f"{folder} has the marks of a class; DIR is the folder with what students handed in")
    if not entries:
        raise CannotJudge(f"{folder} is empty; it holds one tree or archive for each student")
    return entries


def receiving(out: Path, lab: Lab, handins: Path) -> Path:
    """OUT, absolute, which holds nothing that is not of this lab's marks. Raises CannotJudge, LabError."""
    place = out.resolve()
    if place == handins or handins in place.parents:
        raise CannotJudge("OUT lies in DIR, where submissions are; choose another place")
    if place in handins.parents and (place / plans.FILE).is_file():
        raise CannotJudge("DIR lies in OUT, where marks are; DIR is the folder with what students handed in")
    if found := UNMAKEABLE.search(str(place)):
        raise CannotJudge(f"make cannot build in {place}: choose an OUT whose path has no {found[0]!r}")
    try:
        place.mkdir(parents=True, exist_ok=True)
        others = [path for path in place.iterdir() if not path.name.startswith(".")]
    except OSError as error:
        raise CannotJudge(f"{out} cannot be a folder for the marks: {error.strerror}") from None
    if not (place / plans.FILE).is_file():
        if others:
            raise CannotJudge(f"{out} holds other files; OUT is a new folder, or one that has this lab's marks")
    elif (there := plans.lab_of(place)) != lab.tag:
        raise CannotJudge(f"{out} has the marks of lab {there}; choose another OUT for lab {lab.tag}")
    return place


def left_out(known: Sequence[Lab], lab: Lab, course: str | None) -> tuple[int, ...]:
    """The numbers of the labs before LAB that are not in the COURSE, "02,03". Raises LabError."""
    if not course:
        return ()
    chosen = chosen_labs(list(known), [course])
    if lab not in chosen:
        raise LabError("", 0, f"lab {lab.tag} is none of LABS={course}")
    return tuple(other.number for other in known if other.number < lab.number and other not in chosen)


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """One grader in OUT. Raises CannotJudge if there is another."""
    with (out / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotJudge(f"another grade-class is at work in {out}") from None
        yield


def work(arguments: argparse.Namespace, root: Path) -> int:
    """Plan, judge, report."""
    entries = handed_in(arguments.dir)
    known = labs.load(root)
    lab = labs.find_judged(known, arguments.lab or named_lab(arguments.dir))
    if any((arguments.dir / name).exists() for name in lab.hole_files):
        raise CannotJudge(f"{arguments.dir} is one student's tree; DIR is the folder that holds those of all")
    most = JOBS_MOST * (os.cpu_count() or 1)
    if arguments.engine == "local" and arguments.jobs > most:
        raise CannotJudge(f"{arguments.jobs} at the same time are too many for this machine; JOBS={most} is the most")
    solved = left_out(known, lab, arguments.labs)
    out = receiving(arguments.out, lab, arguments.dir)
    with alone(out):
        plan = Plan(root, out, lab.tag, arguments.policy, arguments.seed, tuple(EMULATORS), entries,
                    pristine_digest(root), solved)
        plan.write()
        records = ENGINES[arguments.engine](plan, arguments.jobs)
    return told(records, arguments.out)


def told(records: Sequence[Record], out: Path) -> int:
    """The last lines, and the exit status."""
    marks = [record.score for record in records if record.status == "judged"]
    trouble = [record for record in records if record.status == "trouble"]
    unusable = sum(record.status == "unusable" for record in records)
    print(f"{len(marks)} judged, {unusable} unusable, {len(trouble)} to be judged again: {out}/grades.csv")
    for record in trouble[:3]:
        print(f"  {record.slug}: {named(record.reason)}")
    return 1 if trouble else 0


@ctrl_c_ends("grade-class: interrupted; the same command goes on from here")
def main(words: Sequence[str], here: Path) -> int:
    """Do what the words say with the tree HERE; the exit status."""
    try:
        if len(words) == 2 and words[0] == "--task":        # Slurm's; see slurm.py
            return slurm.task(Path(words[1]))
        return work(parser().parse_args(words), here)
    except (CannotJudge, LabError, OSError) as error:
        print(f"grade-class: {in_a_line(error)}", file=sys.stderr)
        return CANNOT_JUDGE
