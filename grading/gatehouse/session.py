"""The work that all ways of grading share: take a tree's files, build a kernel, judge it side by side with others."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from . import hints, machinery, overlay
from .boot import Bench
from .build import Builder, CannotJudge, Source, locked
from .judge import Judgement, judge
from .labs import Lab, Test
from .machine import Emulator, Limits
from .outcome import Outcome, Place
from .places import Places
from .progress import Progress
from .result import LabResult, unbuilt
from .runs import Runs, place_of
from .symbols import NotAKernel

REFUSED = 4          # names that are told


@dataclass(frozen=True)
class Session:
    """One call of the grader."""

    root: Path
    labs: Sequence[Lab]
    emulators: Sequence[Emulator]
    builder: Builder
    runs: Runs
    pool: ThreadPoolExecutor
    progress: Progress
    limits: Limits
    seed: int = 1
    nonce: str | None = None

    def ready(self) -> None:
        """CannotJudge if an emulator is missing or the base does not build."""
        for emulator in self.emulators:
            if missing := emulator.missing():
                raise CannotJudge(missing)
        self.progress.begin("base", "building")
        self.builder.base()
        self.progress.finish("base")

    def start(self, lab: Lab, tests: list[Test], source: Source, out: Path, builder: Builder | None = None) -> Pending:
        """Build LAB's kernel now, by the session's BUILDER if there is no other, and have it judged in every emulator
        while the caller goes on."""
        kernel = self.runs.new(f"{lab.tag}-kernel")
        self.progress.begin(lab.tag, "building")
        builder = builder or self.builder
        error = builder.kernel(lab, source, out, kernel)
        if not error and source.tree:
            given = builder.root / "build/base.a"
            error = list(islice(machinery.refused(lab, self.labs, source.files, out, given), REFUSED))
        self.progress.finish(lab.tag)
        if not error:
            try:
                place = Places(kernel / "kernel", type(builder.sandbox)).describe
            except NotAKernel as damage:
                error = [f"error: the kernel cannot be judged: it {damage.why}"]
        if error:
            self.runs.drop(kernel)
            hint = hints.choose(hints.of_lab(lab), "", Outcome.BUILD, "\n".join(error))
            names = [emulator.name for emulator in self.emulators]
            return Pending(self, kernel, unbuilt(lab, tests, names, error, hint), [])
        result = LabResult(lab, tests)
        if source.tree:
            more = machinery.flags(self.builder, lab, self.labs, source.files, out, type(builder.sandbox))
            result.warnings += [f"{overlay.LOOK}{line}" for line in more]
        sittings = [self.pool.submit(self.sit, lab, tests, kernel, emulator, place) for emulator in self.emulators]
        return Pending(self, kernel, result, sittings)

    def sit(self, lab: Lab, tests: list[Test], kernel: Path, emulator: Emulator, place: Place) -> Judgement:
        """One lab in one emulator."""
        step = f"{lab.tag} {emulator.name}"
        self.progress.begin(step, "booting")
        bench = Bench(self.root, lab, kernel, emulator, self.runs, self.limits, self.seed, self.nonce, place,
                      self.progress.teller(step))
        begun = time.monotonic()
        try:
            out = judge(bench, tests, hints.of_lab(lab))
            out.seconds = time.monotonic() - begun
            return out
        finally:
            self.progress.finish(step)


@dataclass(frozen=True)
class Pending:
    """A lab that is being judged."""

    session: Session
    kernel: Path
    result: LabResult
    sittings: Sequence[Future[Judgement]]

    @property
    def done(self) -> bool:
        return all(sitting.done() for sitting in self.sittings)

    def wait(self) -> LabResult:
        """The lab's result; the copy of its kernel goes, for make builds it again in a moment."""
        self.result.judgements += [sitting.result() for sitting in self.sittings]
        self.session.runs.drop(self.kernel)
        return self.result

    def forget(self) -> None:
        """Drop the runs that were kept: they failed as they should."""
        for directory in {verdict.directory for verdict in self.result.failures if verdict.directory}:
            self.session.runs.drop(directory)


def submission(session: Session, lab: Lab, tree: Path, earlier: Literal["reference", "own"]) -> Taken:
    """What is taken from a student's TREE for LAB, and where it is built.

    The place is the same for the same tree, so that only what the student edited is compiled again.
    """
    place = session.root / place_of(tree, lab, earlier)
    with locked(place):
        os.utime(place.parent)               # in use; see cli.work
        before = {path for path in (place / "overlay").rglob("*") if path.is_file()}
        taken = overlay.from_tree(session.root, list(session.labs), lab, tree, place / "overlay", earlier)
        if any(not path.exists() for path in before):
            shutil.rmtree(place / "out", ignore_errors=True)     # objects of files that are no longer laid over
    source = Source(taken.dir, tree, tuple(taken.ignored), tuple(taken.files))
    return Taken(source, place / "out", taken.warnings, taken.unfilled)


@dataclass(frozen=True)
class Taken:
    """A lab's source, the directory for its objects, and what there is to say about it."""

    source: Source
    out: Path
    warnings: Sequence[str] = ()
    unfilled: Sequence[str] = ()
