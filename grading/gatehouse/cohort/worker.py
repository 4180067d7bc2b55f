"""One submission, from the entry of a folder to a record: the unit of work on one machine and on a cluster."""

from __future__ import annotations

import io
import resource
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from queue import SimpleQueue

from .. import labs, overlay
from ..bochs import Bochs
from ..build import Builder, CannotJudge, Source
from ..crew import stop
from ..labs import LabError, Test
from ..machine import Emulator, Limits
from ..outcome import Outcome
from ..progress import Progress
from ..qemu import Qemu
from ..result import LabResult
from ..runs import Runs
from ..sandbox import Bounds, Nobody, Open, Sandbox
from ..session import Session
from . import atomic, kept, record, stamp, thorough
from .blame import Blame, blamed
from .intake import Entry
from .plan import Plan
from .record import Record
from .taking import UNPACK, take
from .members import Unusable
from .workshop import BUILD, Earlier, Workbench, hide_sources, make_view

EMULATE = Bounds(cpu=120)
SYMPTOM_MOST = 160
OPEN_FILES = 1 << 16


class Stopped(Exception):
    """The grader ends, and what it has begun with it."""


@dataclass
class Workshop:
    """Judges any number of submissions, JOBS at a time. A context manager; raises CannotJudge, LabError, OSError."""

    plan: Plan
    jobs: int
    place: Path                     # for what is made anew for each run of the grader
    sandbox: Callable[[Bounds], Open] = Sandbox
    _benches: dict[Earlier, SimpleQueue[Workbench]] = field(default_factory=dict)
    _stopped: bool = False

    def __enter__(self) -> Workshop:
        _allow_files()
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir(parents=True)
        self.pool = ThreadPoolExecutor(self.jobs)
        try:
            atomic.need_room(self.place)
            self._prepare()
        except BaseException:
            self.__exit__(True)
            raise
        return self

    def __exit__(self, broken_off: object, *_: object) -> None:
        if broken_off:
            self.stop(self.pool)
        self.pool.shutdown()
        shutil.rmtree(self.place, ignore_errors=True)

    def _prepare(self) -> None:
        plan = self.plan
        self.labs = labs.load(plan.root)
        self.lab = labs.find(self.labs, plan.lab)
        self.wanted = plan.wanted(self.labs)
        around = self.sandbox(EMULATE)
        sandbox = Open() if isinstance(around, Nobody) else around       # an emulator holds its guest by itself
        known: dict[str, Emulator] = {"qemu": Qemu(sandbox=sandbox), "bochs": Bochs(sandbox=sandbox)}
        silent = Progress(io.StringIO())
        self.session = Session(plan.root, self.labs, [known[name] for name in plan.emulators],
                               Builder(plan.root, self.jobs), Runs(self.place / "runs"), self.pool, silent, Limits(),
                               plan.seed)
        self.session.ready()
        if error := self.session.builder.kernel(self.lab, Source(), plan.root / "build", self.place / "reference"):
            raise CannotJudge(f"the reference of {self.lab.id} does not build: {error[0]}")
        for earlier in plan.earlier:
            view = make_view(plan.root, self.labs, self.lab, earlier, self.place / f"view-{earlier}")
            self._benches[earlier] = SimpleQueue()
            places = (self.place / f"{earlier}-{number}" for number in range(self.jobs))
            for bench in self.pool.map(partial(self._furnished, earlier, view), places):
                self._benches[earlier].put(bench)
            hide_sources(view, self.labs, self.lab)
        with self._bench(plan.earlier[0]) as bench:
            self.reference = bench.reference()

    def _furnished(self, earlier: Earlier, view: Path, place: Path) -> Workbench:
        return Workbench(self.session, self.lab, earlier, view, place, self.sandbox(BUILD))

    def process(self, entry: Entry) -> Record:
        """Judge ENTRY unless that was done, and keep the record. Whatever is wrong with it stays its own affair.

        Raises Stopped, NoRoom, OSError: those end the class.
        """
        folder = self.plan.folder(entry)
        folder.mkdir(parents=True, exist_ok=True)
        with stamp.turn(folder) as stamped:
            out = record.read(folder) if stamped.is_of(self.plan) else None
            out = out or self._looked_into(entry, folder)
            stamped.put(self.plan)
        return out

    def so_far(self, entry: Entry) -> Record:
        """What an earlier call found of ENTRY by the same rules, whether or not it would find that now."""
        found, plan = record.read(self.plan.folder(entry)), self.plan
        rules = entry.student, self.lab.id, plan.policy, plan.seed
        if found and (found.student, found.lab, found.policy, found.seed) == rules:
            return found
        return self._record(entry, "", "trouble", reason="not judged yet")

    def stop(self, pool: ThreadPoolExecutor) -> None:
        """End all that POOL is at, whether its caller knows of it yet or not; none of it leaves a record."""
        self._stopped = True
        stop(pool)

    def _looked_into(self, entry: Entry, folder: Path) -> Record:
        begun = time.monotonic()
        try:
            notes = take(entry.path, self.wanted, folder / kept.NEW, self.sandbox(UNPACK)).notes
            files = record.digest_of(folder / kept.NEW)
            key = self.plan.key(files)
            if before := kept.known(folder, entry.student, key):
                return before
            kept.renew(folder)
            out = self._judge(entry, folder, key, notes)
            out.files = files
        except (Unusable, LabError) as error:
            self._doubt()
            kept.forget(folder)
            out = self._unusable(entry, str(error))
        except Exception as error:
            self._doubt()
            ours = isinstance(error, (CannotJudge, OSError))
            reason = str(error) if ours else f"the grader failed: {type(error).__name__}: {error}"
            out = self._record(entry, "", "trouble", reason=reason)
        out.seconds["all"] = time.monotonic() - begun
        if out.status != "judged":
            kept.excuse(folder, out)
        out.write(folder)
        return out

    def _doubt(self) -> None:
        """To be asked before a submission is blamed for anything. Raises Stopped, NoRoom, OSError if it may be us."""
        if self._stopped:
            raise Stopped
        for place in (self.place, self.plan.out):
            atomic.need_room(place)

    def judge_again(self, tree: Path, tests: Sequence[Test]) -> LabResult:
        """TESTS of the files in TREE, as the mark was found. Nothing is kept."""
        with self._bench(self.plan.earlier[0]) as bench:
            result = bench.judge(tree, tests, self.plan.solved).result
        thorough.compare(result, self.reference)
        return result

    def _judge(self, entry: Entry, folder: Path, key: str, notes: Sequence[str]) -> Record:
        """By the plan's policy; with `both` the mark is that on the reference's earlier labs."""
        first, *second = self.plan.earlier
        with self._bench(first) as bench:
            judged = bench.judge(folder / kept.FILES, None, self.plan.solved)
        result = judged.result
        thorough.compare(result, self.reference)
        result.warnings[:0] = notes
        lacks = [line for line in result.warnings if line.endswith((overlay.MISSING, overlay.SAVE))]
        out = self._record(entry, key, "judged", score=result.score, points=result.points,
                           remarks=[*notes, *lacks], unfilled=list(result.unfilled), forged=bool(result.forged),
                           look=[line for line in result.warnings if line.startswith(overlay.LOOK)],
                           tests={test.name: result.earned(test) for test in result.tests},
                           symptoms=symptoms(result))
        booting = sum(boot.seconds for judgement in result.judgements for boot in judgement.boots)
        out.seconds = {"building": judged.building, "booting": booting,
                       "judging": sum(judgement.seconds for judgement in result.judgements) - booting}
        if result.trouble:
            out.status, out.reason = "trouble", result.trouble
        if second:
            out.blame = [str(found) for found in self._blame(result, folder / kept.FILES)]
        if result.failures or out.blame:
            self._doubt()
        kept.explain(folder, result, out.blame, self.plan.seed, first)
        return out

    def _blame(self, isolated: LabResult, tree: Path) -> Iterator[Blame]:
        """What the student's own earlier labs break."""
        def judge(tests: Sequence[Test], repaired: Collection[int]) -> LabResult:
            with self._bench("own") as bench:
                return bench.judge(tree, tests, [*self.plan.solved, *repaired]).result
        earlier = [lab for lab in self.labs if lab.number < self.lab.number and lab.number not in self.plan.solved]
        yield from blamed(self.lab, earlier, isolated, judge(self.lab.tests, ()), judge)

    @contextmanager
    def _bench(self, earlier: Earlier) -> Iterator[Workbench]:
        benches = self._benches[earlier]
        bench = benches.get()
        try:
            yield bench
        finally:
            benches.put(bench)

    def _record(self, entry: Entry, key: str, status: record.Status, **more: object) -> Record:
        plan = self.plan
        older = [f"also handed in, not judged: {path.name}" for path in entry.older]
        out = Record(entry.student, entry.slug, str(entry.path), self.lab.id, plan.policy, plan.seed, key, status,
                     pristine=plan.pristine, versions=record.versions(), **more)        # type: ignore[arg-type]
        out.remarks[:0] = older
        return out

    def _unusable(self, entry: Entry, reason: str) -> Record:
        points = sum(test.points for test in self.lab.tests)
        return self._record(entry, "", "unusable", reason=reason, points=points)


def _allow_files() -> None:
    """A worker needs fifteen open files; a shell's limit would be that of seventy workers."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, OPEN_FILES)), hard))


def symptoms(result: LabResult) -> dict[str, str]:
    """The failed tests, each with the outcome and the first line of what was seen."""
    found: dict[str, str] = {}
    for verdict in result.failures:
        if verdict.outcome != Outcome.NOT_RUN:
            first = verdict.detail[0] if verdict.detail else ""
            found.setdefault(verdict.test, f"{verdict.outcome}: {first}"[:SYMPTOM_MOST])
    return found
