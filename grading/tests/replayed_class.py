#!/usr/bin/python3
"""grade-class without compilers and emulators, for tests of all that is around them.

What a tree is found to be stands in its file: `wrong` fails a test, `fills FILE` writes to FILE until the disk is full
and then fails all, as a build would, and `waits` has a program run that does not end.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "grading"))

from gatehouse import labs  # noqa: E402  (the path is set just above)
from gatehouse.cohort import cli, local, unpack, worker  # noqa: E402
from gatehouse.cohort.workshop import Judged  # noqa: E402
from gatehouse.judge import Judgement  # noqa: E402
from gatehouse.labs import Test  # noqa: E402
from gatehouse.outcome import Outcome, Verdict  # noqa: E402
from gatehouse.result import LabResult  # noqa: E402
from gatehouse.supervise import Child, Gone  # noqa: E402

FILE = "arch/x86_64/serial/serial.c"
BEGUN = "begun\n"               # on stdout, when the first submission is about to be looked into


class Bench:
    """A Workbench that believes what a tree says of itself."""

    def __init__(self, lab: labs.Lab, place: Path) -> None:
        self.lab = lab
        self.place = place

    def judge(self, tree: Path, tests: Sequence[Test] | None = None, repaired: object = ()) -> Judged:
        text = (tree / FILE).read_text()
        failed = {self.lab.tests[0].name} if "wrong" in text else set()
        for word, at in zip(text.split(), text.split()[1:] + [""]):
            if word == "fills":
                fill(Path(at))
                failed = {test.name for test in self.lab.tests}
            if word == "waits":
                wait(self.place)
                failed = {test.name for test in self.lab.tests}
        run = self.place / hashlib.sha256(text.encode()).hexdigest()[:8]
        if failed:
            run.mkdir(parents=True)
            (run / "serial.log").write_text(text)
        verdicts = {test.name: Verdict(test.name, Outcome.WRONG, [text], directory=run) if test.name in failed else
                    Verdict(test.name, Outcome.PASS) for test in self.lab.tests}
        return Judged(LabResult(self.lab, list(self.lab.tests), [Judgement("qemu", verdicts)]), 0.0, 0.0)


def fill(path: Path) -> None:
    """What a compiler would do to a disk that is nearly full."""
    with suppress(OSError), path.open("ab", buffering=0) as file:
        while file.write(bytes(1 << 16)):
            pass


def wait(place: Path) -> None:
    """For a program that does not end by itself."""
    place.mkdir(parents=True, exist_ok=True)
    with Child(["sleep", "1000"], place, 1000) as child:
        try:
            child.until(lambda: False)
        except Gone:
            pass


class Replayed(worker.Workshop):
    """A Workshop that builds and boots nothing."""

    def _prepare(self) -> None:
        self.labs = labs.load(ROOT)
        self.lab = labs.find(self.labs, self.plan.lab)
        self.wanted = self.plan.wanted(self.labs)
        self.reference = LabResult(self.lab, list(self.lab.tests))
        benches: SimpleQueue[Any] = SimpleQueue()
        for number in range(self.jobs):
            benches.put(Bench(self.lab, self.place / f"{number}"))
        self._benches["reference"] = benches
        print(BEGUN, end="", flush=True)


def taken(source: Path, wanted: Sequence[str], dest: Path, sandbox: object) -> unpack.Unpacked:
    """taking.take() without its sandbox."""
    shutil.rmtree(dest, ignore_errors=True)
    dest.mkdir(parents=True)
    return unpack.unpack(source, wanted, dest)


if __name__ == "__main__":
    local.Workshop = Replayed                   # type: ignore[misc]
    worker.take = taken                         # type: ignore[attr-defined, assignment]
    sys.exit(cli.main(sys.argv[1:], ROOT))
