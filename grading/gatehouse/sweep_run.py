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
MACHINES: dict[str, Callable[[Path, Names, Path, str, str], Machine]] = {"qemu": SweptQemu, "bochs": SweptBochs}
EVENTS_OF = {"qemu": tuple(EVENTS), "bochs": tuple(event for event in EVENTS if "#MC" not in event)}


@dataclass(frozen=True)
class Model:
    """An emulator, the vendor of its CPU, and the kernel's command line."""

    emulator: str
    vendor: str = "intel"
    cmdline: str = ""

    def __str__(self) -> str:
        return " ".join([self.emulator, *(["AMD"] if self.vendor == "amd" else []),
                         *(["FSGSBASE"] if self.cmdline else [])])


def models(emulator: str) -> tuple[Model, ...]:
    """On AMD's only the doors that Intel's CPU does not have; all doors again where programs may write GS's base."""
    return Model(emulator), Model(emulator, "amd"), Model(emulator, cmdline="fsgsbase=on")


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
    """One event at one door of one model."""

    model: Model
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
    over: bool = False       # nobody waits for more

    @contextmanager
    def until_broken_off(self) -> Iterator[None]:
        """No machine begins after an exception here."""
        try:
            yield
        except BaseException:
            self.over = True
            raise

    @contextmanager
    def machine(self, model: Model) -> Iterator[tuple[Machine, str]]:
        """A booted one, and what it has said. Raises Died, CannotSweep."""
        if self.over:
            raise CannotSweep("it was broken off")
        with self.lock:
            directory = self.place / f"{model.emulator}-{next(self.numbers)}"
        machine = MACHINES[model.emulator](self.kernel, self.names, directory, model.vendor, model.cmdline)
        with machine:
            yield machine, machine.boot()
        shutil.rmtree(directory, ignore_errors=True)


class Sweeper:
    """One model, in one machine after the other."""

    def __init__(self, bench: Bench, model: Model) -> None:
        self._bench = bench
        self.model = model

    def doors(self) -> list[Door]:
        """Those that this CPU has. Raises CannotSweep if one of them does not even work without an event."""
        try:
            with self._bench.machine(self.model) as (_, said):
                if unsound := UNSOUND.search(said):
                    raise CannotSweep(f"{self.model}: without any event: {unsound[1] or unsound[0]}")
                return [Door(int(number), None if strike == "-" else strike, name)
                        for number, strike, name in DOOR.findall(said)]
        except Died as error:
            raise CannotSweep(f"{self.model}: it does not come to the first round: {error}") from None

    def traced(self, doors: Sequence[Door]) -> list[Way]:
        """Their ways. Raises CannotSweep."""
        with self._bench.machine(self.model) as (machine, _):
            ways = []
            for door in doors:
                try:
                    ways.append(trace(machine, door))
                except Died as error:
                    raise CannotSweep(f"{self.model}: {door.name}, without any event: {error}") from None
            return ways

    def sweep(self, plans: Sequence[Plan], tell: Callable[[], None]) -> list[Cell]:
        """Try what is planned; whatever fails, once more, alone on a fresh machine."""
        left = [(number, trial) for number, one in enumerate(plans) for trial in one.trials]
        found: list[list[Failure]] = [[] for _ in plans]
        while left:
            try:
                with self._bench.machine(self.model) as (machine, _):
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
        return [Cell(self.model, one, found[number]) for number, one in enumerate(plans)]

    def alone(self, trial: Trial) -> str | None:
        """What is wrong with a trial on a machine of its own."""
        try:
            with self._bench.machine(self.model) as (machine, _):
                return attempt(machine, trial)
        except Died as error:
            return str(error)
