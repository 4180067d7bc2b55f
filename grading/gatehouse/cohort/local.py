"""The class on this machine."""

from __future__ import annotations

import sys
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TextIO

from . import pages, sheet
from .plan import Plan
from .record import Record
from .worker import Workshop

SHEET_SECONDS = 2


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
        end = "\r\033[K" if self.stream.isatty() else ""
        self.stream.write(f"{end}{line}" if end and done < self.total else f"{end}{line}\n")
        self.stream.flush()


def span(seconds: float) -> str:
    """As a person says it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def run(plan: Plan, jobs: int) -> list[Record]:
    """Judge the class, JOBS submissions at a time; the sheet is written again and again."""
    records: list[Record] = []
    rate = Rate(sys.stderr, len(plan.entries))
    last = 0.0
    rate.prepare()
    with Workshop(plan, jobs, plan.out / "work") as shop, ThreadPoolExecutor(jobs) as pool:
        rate.begin()
        tests = [test.name for test in shop.lab.tests]
        left = list(reversed(plan.entries))
        begun = time.time()
        busy: set[Future[Record]] = set()
        try:
            while left or busy:
                while left and len(busy) < jobs:
                    busy.add(pool.submit(shop.process, left.pop()))
                done, busy = wait(busy, return_when=FIRST_COMPLETED)
                for future in done:
                    records.append(future.result())
                    rate.tell(len(records), int(records[-1].judged_at >= begun))
                if time.monotonic() - last > SHEET_SECONDS:
                    sheet.write(plan.out, tests, records)
                    last = time.monotonic()
        finally:
            sheet.write(plan.out, tests, records)
    pages.write(plan, records)
    return records
