"""grading/grade: the command line, and grading itself.

Exit status: 0 all passed, 1 something failed, 2 it could not judge (one line on stderr says why).
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

from . import json_report, junit, labs, mutants, pristine, skeletons, student
from .bochs import Bochs
from .build import Builder, CannotJudge, Source
from .crew import ctrl_c_ends
from .git import GitError
from .labs import Lab, LabError, Test
from .machine import Emulator, Limits
from .progress import Progress
from .qemu import Qemu
from .report import Again, Report
from .result import LabResult, status
from .runs import KEPT_MOST, Runs
from .safe import named
from .session import Session, Taken, submission

EMULATORS: dict[str, type[Emulator]] = {"qemu": Qemu, "bochs": Bochs}
CANNOT_JUDGE = 2


class Parser(argparse.ArgumentParser):
    """Complains in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(CANNOT_JUDGE, f"{self.prog}: {message}; `grading/{self.prog} --help` lists what is right\n")


def parser() -> argparse.ArgumentParser:
    out = Parser(prog="grade", description="Boot labs, judge them and say what is wrong.", allow_abbrev=False)
    out.add_argument("--lab", action="append", default=[], metavar="N", help="3, 03 or 03-exceptions; all by default")
    out.add_argument("--emu", action="append", default=[], metavar="NAME", help="qemu or bochs; both by default")
    out.add_argument("--test", metavar="NAME", help="only this test")
    out.add_argument("--tree", type=directory, metavar="DIR", help="a student's tree; by default the grader's own")
    out.add_argument("--earlier", choices=("reference", "own"), default="reference",
                     help="whose earlier labs a lab of --tree stands on")
    out.add_argument("--seed", type=number, default=1, metavar="S", help="of all random values; 1 by default")
    out.add_argument("--nonce", type=nonce, metavar="X", help="16 hex digits, only to repeat a run exactly")
    out.add_argument("--jobs", type=jobs, default=os.cpu_count() or 1, metavar="N", help="at the same time")
    out.add_argument("--json", action="append", default=[], type=Path, metavar="FILE",
                     help="write the report as docs/report.schema.json says")
    out.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML")
    out.add_argument("--keep", type=Path, metavar="DIR", help="keep every run, here")
    out.add_argument("--skeletons", action="store_true", help="judge the skeletons: each must name its hole")
    out.add_argument("--mutants", action="store_true", help="judge the mutants: each must be caught")
    out.add_argument("--mutant", metavar="NAME", help="only this mutant")
    return out


def directory(text: str) -> Path:
    path = place(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is not a directory")
    return path.resolve()


def place(text: str) -> Path:
    """A path; `make` without DIR= hands over an empty one, which would be the folder at hand."""
    if not text:
        raise argparse.ArgumentTypeError("no folder is named")
    return Path(text)


def number(text: str) -> int:
    try:
        value = int(text, 0)
    except ValueError:
        value = -1
    if not 0 <= value < 1 << 64:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 2^64-1")
    return value


def nonce(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{16}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not 16 lower-case hex digits")
    return text


def jobs(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)


def chosen_labs(known: list[Lab], words: Sequence[str], course: Sequence[int] | None = None) -> list[Lab]:
    """The labs asked for, each once and in order; if none is named all that have tests, in a handout the course's."""
    asked = [labs.find_judged(known, word) for words_ in words for word in words_.split(",")]
    if asked:
        return [lab for lab in known if lab in asked]
    return [lab for lab in known if not lab.announced and (course is None or lab.number in course)]


def chosen_emulators(words: Sequence[str]) -> list[Emulator]:
    names = [name for word in words for name in word.split(",")] or list(EMULATORS)
    for name in names:
        if name not in EMULATORS:
            raise CannotJudge(f"no emulator is called {name!r}; there are {' and '.join(EMULATORS)}")
    return [EMULATORS[name]() for name in EMULATORS if name in names]


def chosen_tests(lab: Lab, name: str | None) -> list[Test]:
    return [test for test in lab.tests if name in (None, test.name)]


def grade(session: Session, chosen: Sequence[Lab], tree: Path | None, arguments: argparse.Namespace) -> int:
    """Judge the labs as TREE has them, say so on stdout and in the files asked for."""
    again = Again(arguments.seed, arguments.tree, arguments.earlier)
    report = Report(sys.stdout, again)
    pending = []
    for lab in chosen:
        taken = Taken(Source(), session.root / "build")
        if tree:
            taken = submission(session, lab, tree, arguments.earlier)
        started = session.start(lab, chosen_tests(lab, arguments.test), taken.source, taken.out)
        started.result.warnings += taken.warnings
        started.result.unfilled += taken.unfilled
        pending.append(started)
    results: list[LabResult] = []
    for started in pending:
        results.append(started.wait())
        with session.progress.aside():
            report.lab(results[-1])
            sys.stdout.flush()
    report.end(results)
    for path in arguments.json:
        json_report.write(path, results, again)
    if arguments.junit:
        junit.write(arguments.junit, results)
    if trouble := [result.trouble for result in results if result.trouble]:
        raise CannotJudge(trouble[0])
    return status(results)


def work(arguments: argparse.Namespace, here: Path) -> int:
    """Open a session and do what was asked in it; HERE is the tree in which the grader lies."""
    root = pristine.pristine_root(here)
    tree = arguments.tree
    if tree is None and pristine.is_handout(here):
        tree = here
        arguments.json += [] if arguments.test else [here / student.REPORT]      # for `make handin`
    known = labs.load(root)
    chosen = chosen_labs(known, arguments.lab, labs.course(root))
    if arguments.test:
        names = [test.name for lab in chosen for test in lab.tests]
        if arguments.test not in names:
            raise CannotJudge(f"no test is called {arguments.test!r}; there are {', '.join(names)}")
        chosen = [lab for lab in chosen if chosen_tests(lab, arguments.test)]
    emulators = chosen_emulators(arguments.emu)
    runs = Runs(arguments.keep or here / "build" / "runs", keep_all=bool(arguments.keep))
    runs.forget_old(KEPT_MOST)
    Runs(root / "build" / "trees").forget_old()
    pool = ThreadPoolExecutor(arguments.jobs)
    session = Session(root, known, emulators, Builder(root, arguments.jobs), runs, pool, Progress(sys.stderr),
                      Limits(), arguments.seed, arguments.nonce)
    try:
        session.ready()
        if arguments.mutants or arguments.mutant:
            return mutants.check(session, chosen, arguments.mutant)
        if arguments.skeletons:
            return skeletons.check(session, chosen)
        return grade(session, chosen, tree, arguments)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)       # nobody waits for what no longer matters


def in_a_line(error: Exception) -> str:
    """What it says, as a person would put it."""
    if isinstance(error, OSError) and error.filename:
        return f"{named(str(error.filename))}: {error.strerror}"
    return named(str(error))


def said_in_a_line(program: str, work: Callable[[], int]) -> int:
    """The status of WORK; what stops it is one line on stderr, in PROGRAM's name."""
    try:
        with ctrl_c_ends(f"{program}: interrupted"):
            return work()
    except (CannotJudge, GitError, LabError, OSError) as error:
        print(f"{program}: {in_a_line(error)}", file=sys.stderr)
        return CANNOT_JUDGE


@ctrl_c_ends("grade: interrupted")
def main(words: Sequence[str], here: Path) -> int:
    """Do what the words say in the tree HERE; the exit status."""
    arguments = parser().parse_args(words)
    try:
        return work(arguments, here)
    except BrokenPipeError:
        os._exit(CANNOT_JUDGE)       # whoever read the report has gone
    except (CannotJudge, LabError, OSError) as error:
        print(f"grade: {in_a_line(error)}", file=sys.stderr)
        return CANNOT_JUDGE
