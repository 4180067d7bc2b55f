"""The class on this machine."""

from __future__ import annotations

import sys
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import TextIO

from . import pages, sheet
from .atomic import NoRoom
from .plan import Plan
from .record import Record
from .worker import Workshop

SHEET_SECONDS = 2
LOOK_UP_SECONDS = 0.5           # a Ctrl-C that comes just before a wait does not end it


class Rate:
    """A line with how many are done, how fast, and how long the rest takes."""

    def __init__(self, stream: TextIO, total: int) -> None:
        self.stream = stream
        self.total = total
        self.begun = time.monotonic()
        self.judged = 0          # by this run; what was judged before tells nothing about speed
        self.shown = 0.0

    def prepare(self) -> None:
        """What goes before the first submission, and takes a while."""
        if self.stream.isatty():
            self.stream.write("the reference is built and judged first")
            self.stream.flush()

    def begin(self) -> None:
        """From now on submissions are judged."""
        self.begun = time.monotonic()

    def tell(self, done: int, judged: int) -> None:
        """DONE in all; JUDGED now, and not known already."""
        self.judged += judged
        now = time.monotonic()
        if not self.stream.isatty() and now - self.shown < 10 and done < self.total:
            return
        self.shown = now
        line = f"{done} of {self.total} done"
        if self.judged and now > self.begun:
            rate = self.judged / (now - self.begun)
            line += f", {rate * 60:.0f} a minute, {span((self.total - done) / rate)} left"
        self._write(line, "" if self.stream.isatty() and done < self.total else "\n")

    def say(self, line: str) -> None:
        """A line that stays."""
        self._write(line, "\n")

    def _write(self, line: str, end: str) -> None:
        self.stream.write(("\r\033[K" if self.stream.isatty() else "") + line + end)
        self.stream.flush()


def span(seconds: float) -> str:
    """As a person says it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def run(plan: Plan, jobs: int) -> list[Record]:
    """Judge the class, JOBS submissions at a time. Raises CannotJudge, LabError, OSError."""
    jobs = min(jobs, len(plan.entries))
    rate = Rate(sys.stderr, len(plan.entries))
    rate.prepare()
    with Workshop(plan, jobs, plan.out / "work") as shop:
        rate.begin()
        records = _judged(shop, jobs, rate)
    pages.write(plan, records)
    return records


def _judged(shop: Workshop, jobs: int, rate: Rate) -> list[Record]:
    """The class's records. The sheet, with a row for each, is written again and again."""
    plan, tests = shop.plan, [test.name for test in shop.lab.tests]
    left = list(reversed(plan.entries))
    found_of = {entry.slug: shop.so_far(entry) for entry in plan.entries}
    begun, written = time.time(), 0.0
    busy: set[Future[Record]] = set()
    pool = ThreadPoolExecutor(jobs)
    try:
        while left or busy:
            busy |= {pool.submit(shop.process, left.pop()) for _ in range(min(jobs - len(busy), len(left)))}
            done, busy = wait(busy, LOOK_UP_SECONDS, FIRST_COMPLETED)
            for found in (future.result() for future in done):
                found_of[found.slug] = found
                rate.tell(len(plan.entries) - len(left) - len(busy), int(found.judged_at >= begun))
            if time.monotonic() - written > SHEET_SECONDS:
                sheet.write(plan.out, tests, found_of.values())
                written = time.monotonic()
    except BaseException:
        shop.stop(pool)
        with suppress(NoRoom, OSError):         # what it was is still there
            sheet.write(plan.out, tests, found_of.values())
        raise
    pool.shutdown()
    return list(found_of.values())
