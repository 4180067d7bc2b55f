"""One submission, from the entry of a folder to a record: the unit of work on one machine and on a cluster."""

from __future__ import annotations

import io
import shutil
import textwrap
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue

from .. import json_report, labs, overlay
from ..bochs import Bochs
from ..build import Builder, CannotJudge, Source
from ..labs import LabError, Test
from ..machine import Emulator, Limits
from ..outcome import Outcome
from ..progress import Progress
from ..qemu import Qemu
from ..report import WIDTH, Again, Report
from ..result import LabResult
from ..runs import Runs
from ..safe import named
from ..sandbox import Bounds, Nobody, Open, Sandbox
from ..session import Session
from ..supervise import keep
from . import atomic, record, thorough
from .blame import Blame, blamed
from .intake import Entry
from .plan import Plan
from .record import Record
from .taking import UNPACK, take
from .unpack import Unusable
from .workshop import BUILD, Earlier, Workbench, hide_sources, make_view

FILES, REPORT, DATA, RUNS, PLANNED = "files", "report.txt", "report.json", "runs", ".plan"
EMULATE = Bounds(cpu=120)
SYMPTOM_MOST = 160


@dataclass
class Workshop:
    """Judges any number of submissions, JOBS at a time. A context manager; raises CannotJudge, LabError, OSError."""

    plan: Plan
    jobs: int
    place: Path                     # for what is made anew for each run of the grader
    sandbox: Callable[[Bounds], Open] = Sandbox
    _benches: dict[Earlier, SimpleQueue[Workbench]] = field(default_factory=dict)

    def __enter__(self) -> Workshop:
        plan = self.plan
        keep()
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir(parents=True)
        self.labs = labs.load(plan.root)
        self.lab = labs.find(self.labs, plan.lab)
        self.wanted = plan.wanted(self.labs)
        self.pool = ThreadPoolExecutor(self.jobs)
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
            benches = self._benches[earlier] = SimpleQueue()
            for number in range(self.jobs):
                benches.put(Workbench(self.session, self.lab, earlier, view, self.place / f"{earlier}-{number}",
                                      self.sandbox(BUILD)))
            hide_sources(view, self.labs, self.lab)
        with self._bench(plan.earlier[0]) as bench:
            self.reference = bench.reference()
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.shutdown(wait=False, cancel_futures=True)
        shutil.rmtree(self.place, ignore_errors=True)

    def process(self, entry: Entry) -> Record:
        """Judge ENTRY unless that was done, and keep the record. Whatever is wrong with it stays its own affair."""
        folder = self.plan.folder(entry)
        folder.mkdir(parents=True, exist_ok=True)
        begun = time.monotonic()
        try:
            notes = take(entry.path, self.wanted, folder / f"{FILES}.new", self.sandbox(UNPACK)).notes
            key = self.plan.key(record.digest_of(folder / f"{FILES}.new"))
            before = record.read(folder)
            if before and before.final and before.key == key and (folder / REPORT).is_file():
                shutil.rmtree(folder / f"{FILES}.new")
                atomic.write(folder / PLANNED, self.plan.id)
                return before
            shutil.rmtree(folder / FILES, ignore_errors=True)
            (folder / f"{FILES}.new").rename(folder / FILES)
            out = self._judge(entry, folder, key, notes)
        except (Unusable, LabError) as error:
            out = self._unusable(entry, str(error))
        except (CannotJudge, OSError) as error:
            out = self._record(entry, "", "trouble", reason=str(error))
        except Exception as error:           # a mistake of the grader's own: the class goes on
            out = self._record(entry, "", "trouble", reason=f"the grader failed: {type(error).__name__}: {error}")
        out.seconds["all"] = time.monotonic() - begun
        if out.status != "judged":
            end = f"Score: 0/{out.points}" if out.final else "This is not your doing; it will be judged again."
            atomic.write(folder / REPORT, f"lab {self.lab.id}: not judged\n{_filled(named(out.reason), '  ')}\n{end}\n")
        out.write(folder)
        atomic.write(folder / PLANNED, self.plan.id)
        return out

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
            judged = bench.judge(folder / FILES, None, self.plan.solved)
        result = judged.result
        thorough.compare(result, self.reference)
        result.warnings[:0] = notes
        out = self._record(entry, key, "judged", score=result.score, points=result.points,
                           remarks=list(notes), unfilled=list(result.unfilled), forged=bool(result.forged),
                           look=[line for line in result.warnings if line.startswith(overlay.LOOK)],
                           tests={test.name: result.earned(test) for test in result.tests},
                           symptoms=symptoms(result))
        booting = sum(boot.seconds for judgement in result.judgements for boot in judgement.boots)
        out.seconds = {"building": judged.building, "booting": booting,
                       "judging": sum(judgement.seconds for judgement in result.judgements) - booting}
        if result.trouble:
            out.status, out.reason = "trouble", result.trouble
        self._keep_runs(result, folder)
        if second:
            out.blame = [str(found) for found in self._blame(result, folder / FILES)]
        atomic.write(folder / REPORT, self._told(result, out.blame, folder))
        json_report.write(folder / DATA, [result], Again(self.plan.seed, folder / FILES, first))
        return out

    def _told(self, result: LabResult, blame: Sequence[str], folder: Path) -> str:
        """The report for the student, whose commands are those of a handout."""
        text = io.StringIO()
        report = Report(text, Again(self.plan.seed), colour=False, place=folder)
        report.lab(result)
        for line in blame:
            report.say(_filled(line, "    "))
        if blame:
            report.say()
        report.end([result])
        return text.getvalue()

    def _blame(self, isolated: LabResult, tree: Path) -> Iterator[Blame]:
        """What the student's own earlier labs break."""
        def judge(tests: Sequence[Test], repaired: Collection[int]) -> LabResult:
            with self._bench("own") as bench:
                return bench.judge(tree, tests, [*self.plan.solved, *repaired]).result
        earlier = [lab for lab in self.labs if lab.number < self.lab.number and lab.number not in self.plan.solved]
        yield from blamed(self.lab, earlier, isolated, judge(self.lab.tests, ()), judge)

    def _keep_runs(self, result: LabResult, folder: Path) -> None:
        """What explains a failure moves to the student's folder."""
        shutil.rmtree(folder / RUNS, ignore_errors=True)
        for verdict in result.failures:
            if verdict.directory and verdict.directory.parent == self.session.runs.place:
                kept = folder / RUNS / verdict.directory.name
                if not kept.exists():
                    shutil.move(verdict.directory, kept)
                verdict.directory = kept

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


def _filled(line: str, indent: str) -> str:
    return textwrap.fill(line, WIDTH, initial_indent="  ", subsequent_indent=indent, break_on_hyphens=False)


def planned(plan: Plan, entry: Entry) -> bool:
    """Whether PLAN's call has been through with ENTRY."""
    try:
        return (plan.folder(entry) / PLANNED).read_text("utf-8") == plan.id
    except OSError:
        return False


def symptoms(result: LabResult) -> dict[str, str]:
    """The failed tests, each with the outcome and the first line of what was seen."""
    found: dict[str, str] = {}
    for verdict in result.failures:
        if verdict.outcome != Outcome.NOT_RUN:
            first = verdict.detail[0] if verdict.detail else ""
            found.setdefault(verdict.test, f"{verdict.outcome}: {first}"[:SYMPTOM_MOST])
    return found
