"""Doors, swept one after the other in one machine after the other."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from .sweep_bochs import SweptBochs
from .sweep_machine import Died, Machine, Names
from .sweep_plan import Exclusions, Plan, plan
from .sweep_qemu import SweptQemu
from .sweep_trial import EVENTS, Door, Trial, Way, attempt, trace

DOOR = re.compile(r"^# door (\d+) (\S+) (.+)$", re.MULTILINE)
UNSOUND = re.compile(r"^(?:# \w+: (.*expected .*)|not ok .*)$", re.MULTILINE)
MACHINES: dict[str, Callable[[Path, Names, Path, str], Machine]] = {"qemu": SweptQemu, "bochs": SweptBochs}
EVENTS_OF = {"qemu": tuple(EVENTS), "bochs": tuple(event for event in EVENTS if "#MC" not in event)}
VENDORS = ("intel", "amd")   # the second only for doors that the first does not have


class CannotSweep(Exception):
    """One line that says why."""


@dataclass(frozen=True)
class Failure:
    """A trial that failed, and how; alone on a fresh machine, too, or only behind others."""

    trial: Trial
    wrong: str
    alone: str | None


@dataclass(frozen=True)
class Cell:
    """One event at one door in one emulator."""

    emulator: str
    plan: Plan
    failures: Sequence[Failure]


@dataclass
class Bench:
    """What all machines of a sweep have in common."""

    kernel: Path             # the folder
    names: Names
    place: Path              # a folder for those of the machines
    share: float
    seed: int
    events: Sequence[str]
    doors: str               # a regular expression
    numbers: Iterator[int] = field(default_factory=count)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def machine(self, emulator: str, vendor: str) -> Iterator[tuple[Machine, str]]:
        """A booted one, and what it has said. Raises Died."""
        with self.lock:
            directory = self.place / f"{emulator}-{next(self.numbers)}"
        machine = MACHINES[emulator](self.kernel, self.names, directory, vendor)
        with machine:
            yield machine, machine.boot()
        shutil.rmtree(directory, ignore_errors=True)


class Sweeper:
    """One emulator with one model of a CPU, and its present machine."""

    def __init__(self, bench: Bench, emulator: str, vendor: str) -> None:
        self._bench = bench
        self._emulator = emulator
        self._vendor = vendor

    def doors(self) -> list[Door]:
        """Those that this CPU has. Raises CannotSweep if one of them does not even work without an event."""
        try:
            with self._bench.machine(self._emulator, self._vendor) as (_, said):
                if unsound := UNSOUND.search(said):
                    raise CannotSweep(f"{self._emulator}: without any event: {unsound[1] or unsound[0]}")
                return [Door(int(number), None if strike == "-" else strike, name)
                        for number, strike, name in DOOR.findall(said)]
        except Died as error:
            raise CannotSweep(f"{self._emulator}: it does not come to the first round: {error}") from None

    def traced(self, doors: Sequence[Door]) -> list[Way]:
        """Their ways. Raises CannotSweep."""
        with self._bench.machine(self._emulator, self._vendor) as (machine, _):
            ways = []
            for door in doors:
                try:
                    ways.append(trace(machine, door))
                except Died as error:
                    raise CannotSweep(f"{self._emulator}: {door.name}, without any event: {error}") from None
            return ways

    def sweep(self, plans: Sequence[Plan], tell: Callable[[], None]) -> list[Cell]:
        """Try what is planned; whatever fails, once more, alone on a fresh machine."""
        left = [(number, trial) for number, one in enumerate(plans) for trial in one.trials]
        found: list[list[Failure]] = [[] for _ in plans]
        while left:
            try:
                with self._bench.machine(self._emulator, self._vendor) as (machine, _):
                    while left:
                        number, trial = left.pop(0)
                        wrong = attempt(machine, trial)
                        tell()
                        if wrong is not None:
                            found[number].append(Failure(trial, wrong, self.alone(trial)))
                            break            # what is wrong now may spoil what comes next
            except Died as error:
                tell()
                found[number].append(Failure(trial, str(error), self.alone(trial)))
        return [Cell(self._emulator, one, found[number]) for number, one in enumerate(plans)]

    def alone(self, trial: Trial) -> str | None:
        """What is wrong with a trial on a machine of its own."""
        try:
            with self._bench.machine(self._emulator, self._vendor) as (machine, _):
                return attempt(machine, trial)
        except Died as error:
            return str(error)
