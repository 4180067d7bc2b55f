"""grading/bench-class: a class made up, and graded as an instructor would.

Wall times mean little on a busy machine, so what counts is the processor time that a submission takes in the end,
with all compilers and emulators: the difference between a larger and a smaller class.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from .. import holes, labs, overlay
from ..build import CannotJudge
from ..cli import CANNOT_JUDGE, EMULATORS, Parser, in_a_line, jobs
from ..crew import crew, ctrl_c_ends
from ..labs import Lab, LabError
from ..safe import counted
from ..supervise import Child
from . import intake, record
from .plan import Plan, pristine_digest
from .worker import Workshop

ALTERNATIVE = "grading/tests/alternative"
# What a few hand in that is not meant to be judged.
HOSTILE = ('incbin "/etc/passwd"\n', "%rep 100000000\nnop\n%endrep\n", "times 100000000 db 0\n")
PR_SET_CHILD_SUBREAPER = 36      # linux/prctl.h
LOAD = 2                         # busy processes for each processor
STYLES: Sequence[Callable[[str], str]] = (
    lambda text: text,
    lambda text: text.replace("        ", "\t"),
    lambda text: "\n".join(f"{line}   " for line in text.split("\n")),
    lambda text: text.replace("\n\n", "\n\n\n"),
)


@dataclass(frozen=True)
class Figures:
    """Of one class."""

    wall: float                  # seconds
    processor: float             # seconds, of all that ran
    memory: int                  # bytes, the most that the grader itself had


def solutions(root: Path, known: Sequence[Lab], lab: Lab) -> Iterator[dict[str, str]]:
    """The lab's files as students might write them, right and wrong."""
    correct = {name: (root / name).read_text() for name in lab.hole_files}
    other = {name: (root / ALTERNATIVE / name).read_text() if (root / ALTERNATIVE / name).exists() else text
             for name, text in correct.items()}
    for style in STYLES:
        for files in (correct, other):
            yield {name: style(text) for name, text in files.items()}
    for patch in sorted((root / "labs" / lab.id / "mutants").glob("*.patch")):
        with tempfile.TemporaryDirectory() as folder:
            made = overlay.from_patch(root, known, lab, patch, Path(folder))
            yield {name: (made.dir / name).read_text() for name in made.files}
    unfilled = {name: holes.skeleton(text, name) for name, text in correct.items()}
    yield unfilled
    for trick in HOSTILE:
        for first in [name for name in unfilled if name.endswith(".asm")][:1]:
            yield unfilled | {first: trick + unfilled[first]}


def generate(root: Path, lab: Lab, known: Sequence[Lab], folder: Path, count: int) -> None:
    """COUNT submissions, each unlike all others: half of them correct, half of all kinds."""
    kinds = list(solutions(root, known, lab))
    right, every = kinds[:2 * len(STYLES)], kinds[2 * len(STYLES):]
    for turn in range(count):
        files = right[turn // 2 % len(right)] if turn % 2 else every[turn // 2 % len(every)]
        for name, text in files.items():
            path = folder / f"student-{turn:04}" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + f"{holes.mark(name) or '//'} of student {turn}\n")


def graded(root: Path, lab: Lab, handins: Path, out: Path, at_once: int) -> Figures:
    """Grade a class by the command. Raises CannotJudge."""
    # What a sandbox leaves when it is killed becomes our child, so that its processor time is known.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    begun, processor, most = time.monotonic(), 0.0, 0
    ended: int | None = None
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen([root / "grading/grade-class", "--dir", handins, "--out", out, "--lab", lab.tag,
                                    "--jobs", str(at_once)], stdout=subprocess.DEVNULL, stderr=said)
        while True:
            try:
                done, status, used = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                break
            processor += used.ru_utime + used.ru_stime if done else 0.0
            if done == process.pid:
                wall, ended = time.monotonic() - begun, os.waitstatus_to_exitcode(status)
            elif not done:
                most = max(most, _peak(process.pid) if ended is None else 0)
                time.sleep(0.1)
        process.returncode = ended               # it is waited for
        said.seek(0)
        if ended:
            raise CannotJudge(said.read().strip() or "grade-class failed")
    return Figures(wall, processor, most)


def _peak(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/status").read_text().split("\n")
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM:")), 0)


def speed(root: Path, lab: Lab, known: Sequence[Lab], count: int, at_once: int) -> None:
    """Grade a quarter of a class and a whole one, and say what that took."""
    few = max(count // 4, 1)
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        figures = {}
        for size in (few, count):
            generate(root, lab, known, top / f"handins-{size}", size)
            figures[size] = graded(root, lab, top / f"handins-{size}", top / f"marks-{size}", at_once)
            took = figures[size]
            print(f"{counted(size, 'submission')}: {took.wall:.0f} s, {size / took.wall * 60:.0f} a minute here; "
                  f"{took.processor:.0f} s of processor time; the grader's memory {took.memory / 2**20:.0f} MiB",
                  flush=True)
        kept = [found for folder in (top / f"marks-{count}" / "students").iterdir() if (found := record.read(folder))]
    each = (figures[count].processor - figures[few].processor) / (count - few)
    print(f"each one more: {each:.2f} s of processor time; two idle processors judge {120 / each:.0f} a minute")
    parts = {part: sum(found.seconds.get(part, 0.0) for found in kept) for part in ("building", "booting", "judging")}
    print(", ".join(f"{part} {seconds / sum(parts.values()):.0%}" for part, seconds in parts.items()))
    marks = Counter("full marks" if found.score == found.points else found.status for found in kept)
    print(", ".join(f"{how}: {many}" for how, many in sorted(marks.items())))


def repeated(root: Path, lab: Lab, known: Sequence[Lab], times: int, at_once: int, load: bool) -> bool:
    """Judge a correct and a wrong submission again and again; whether all verdicts were equal."""
    right, *others = solutions(root, known, lab)
    chosen = {"correct": right, "wrong": others[2 * len(STYLES) - 1]}
    equal = True
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        top = Path(name)
        for who, files in chosen.items():
            for path, text in files.items():
                (top / "handins" / who / path).parent.mkdir(parents=True, exist_ok=True)
                (top / "handins" / who / path).write_text(text)
        for _ in range(LOAD * (os.cpu_count() or 1) if load else 0):
            stack.enter_context(Child(["sh", "-c", "while :; do :; done"], top, float("inf")))
        plan = Plan(root, top / "marks", lab.tag, "isolated", 1, tuple(EMULATORS),
                    tuple(intake.entries(top / "handins")), pristine_digest(root))
        with Workshop(plan, at_once, top / "marks/work") as shop, crew(at_once) as pool:
            def verdicts(who: str) -> str:
                result = shop.judge_again(top / "handins" / who, shop.lab.tests)
                said = [f"{judgement.emulator} {verdict.test}: {verdict.outcome}"
                        for judgement in result.judgements for verdict in judgement.verdicts.values()]
                return f"{result.score}/{result.points}; {', '.join(said)}"
            for who in chosen:
                found = Counter(pool.map(verdicts, [who] * times))
                equal = equal and len(found) == 1
                print(f"{who}: {counted(times, 'time')}, {counted(len(found), 'verdict')}"
                      + "".join(f"\n  {many} times {what}" for what, many in found.items() if len(found) > 1),
                      flush=True)
    return equal


def several(text: str) -> int:
    if (value := jobs(text)) < 2:
        raise argparse.ArgumentTypeError("what one more takes is seen in 2 or more")
    return value


def parser() -> argparse.ArgumentParser:
    out = Parser(prog="bench-class", description="Grade a class that is made up, and say how long that takes.",
                 allow_abbrev=False)
    out.add_argument("--lab", default="3")
    out.add_argument("--count", type=several, default=200, metavar="N", help="submissions")
    out.add_argument("--jobs", type=jobs, default=2, metavar="N", help="at the same time")
    out.add_argument("--repeat", type=jobs, metavar="N",
                     help="instead judge a correct and a wrong submission N times")
    out.add_argument("--load", action="store_true", help="with --repeat: while other programs use all processors")
    return out


@ctrl_c_ends("bench-class: interrupted")
def main(words: Sequence[str], root: Path) -> int:
    """Do what the words say; 1 if verdicts differ."""
    arguments = parser().parse_args(words)
    if arguments.load and not arguments.repeat:
        parser().error("--load goes with --repeat")
    try:
        known = labs.load(root)
        lab = labs.find_judged(known, arguments.lab)
        if arguments.repeat:
            return 0 if repeated(root, lab, known, arguments.repeat, arguments.jobs, arguments.load) else 1
        speed(root, lab, known, arguments.count, arguments.jobs)
        return 0
    except (CannotJudge, LabError, OSError) as error:
        print(f"bench-class: {in_a_line(error)}", file=sys.stderr)
        return CANNOT_JUDGE
