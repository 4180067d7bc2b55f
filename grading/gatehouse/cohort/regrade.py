"""grading/regrade: a complaint. The kept files are judged again, and what differs is said.

Exit status: 0 the verdict stands, 1 it does not, 2 nothing was judged (one line on stderr says why).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ..build import CannotJudge
from ..cli import Parser, directory, said_in_a_line
from ..labs import Lab, LabError, Test
from ..result import LabResult
from ..safe import named
from . import plan as plans
from . import record
from .blame import with_needs
from .kept import FILES
from .plan import pristine_digest
from .record import Record
from .worker import Workshop, symptoms


def parser() -> argparse.ArgumentParser:
    out = Parser(prog="regrade", description="Judge a kept submission again.", allow_abbrev=False,
                 epilog="Ends with 0 if the verdict stands, with 1 if not, with 2 if there is none to judge again.")
    out.add_argument("submission", type=directory, help="the student's folder in OUT: OUT/students/NAME")
    out.add_argument("--test", help="only this test, and what it needs")
    return out


def work(arguments: argparse.Namespace, root: Path) -> int:
    """Judge again and compare."""
    folder: Path = arguments.submission
    kept = record.read(folder)
    if kept is None or not folder.parent.parent.joinpath(plans.FILE).is_file():
        raise LabError("", 0, f"{folder} is no student's folder of a graded class; it looks like OUT/students/NAME")
    if kept.status != "judged":
        raise CannotJudge(f"{kept.student} has no verdict, so each grade-class looks again: {kept.reason}")
    if not (folder / FILES).is_dir():
        raise CannotJudge(f"{folder / FILES} is gone, where the judged files were kept")
    plan = replace(plans.read(folder.parent.parent), root=root, entries=(), policy=first_of(kept), seed=kept.seed,
                   lab=kept.lab)
    with tempfile.TemporaryDirectory(prefix="regrade-") as place, Workshop(plan, 1, Path(place) / "work") as shop:
        tests = chosen(shop.lab, arguments.test)
        result = shop.judge_again(folder / FILES, tests)
        if result.trouble:
            raise CannotJudge(result.trouble)
        wanted = [test for test in tests if arguments.test in (None, test.name)]
        changed = list(differences(kept, result, wanted))
    others = list(other_conditions(kept, root, folder / FILES))
    when = time.strftime("%Y-%m-%d", time.localtime(kept.judged_at))
    print(f"{named(kept.student)}, lab {kept.lab}, judged on {when} with seed {kept.seed}: {kept.score}/{kept.points}")
    if changed:
        print("the verdict does not stand:")
    else:
        print(f"the verdict stands: {', '.join(sorted({test.name for test in wanted}))}" if arguments.test else
              "the verdict stands")
    for line in [*changed, *others]:
        print(f"  {named(line)}")
    return 1 if changed else 0


def first_of(kept: Record) -> plans.Policy:
    """The policy that gave the mark."""
    return "carry" if kept.policy == "carry" else "isolated"


def chosen(lab: Lab, name: str | None) -> list[Test]:
    """The test of that name with what it needs; all without one. Raises LabError."""
    if name is None:
        return list(lab.tests)
    these = [test for test in lab.tests if test.name == name]
    if not these:
        raise LabError("", 0, f"no test is called {name!r}; there are {', '.join(test.name for test in lab.tests)}")
    return with_needs(lab, these)


def differences(kept: Record, result: LabResult, tests: Sequence[Test]) -> Iterator[str]:
    """A line for each of TESTS whose points or symptom are others now."""
    now = symptoms(result)
    for test in tests:
        before, after = kept.tests.get(test.name, 0), result.earned(test)
        if before != after:
            yield f"{test.name}: {before} points then, {after} now ({now.get(test.name, 'pass')})"
        elif kept.symptoms.get(test.name) != now.get(test.name):
            yield f"{test.name}: then {kept.symptoms.get(test.name, 'pass')}, now {now.get(test.name, 'pass')}"


def other_conditions(kept: Record, root: Path, files: Path) -> Iterator[str]:
    """What is not as it was when the mark was given."""
    if kept.files and kept.files != record.digest_of(files):
        yield f"{files} no longer holds what was judged then"
    for name, now in record.versions().items():
        if (before := kept.versions.get(name, "")) != now:
            yield f"another {name}: {before or 'none'} then, {now or 'none'} now"
    if kept.pristine and kept.pristine != pristine_digest(root):
        yield "the tree that judges has changed since (kernel, labs or grader)"


def main(words: Sequence[str], here: Path) -> int:
    """Do what the words say with the tree HERE; the exit status."""
    arguments = parser().parse_args(words)
    return said_in_a_line("regrade", lambda: work(arguments, here))
