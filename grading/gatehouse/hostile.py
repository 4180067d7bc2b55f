"""make hostile: programs made to harm the kernel, each from a seed, thousands in one boot.

The kernel makes, runs and judges them (kernel/hostile/).  Here the boots are shared out, started again behind a program
that ended one, and that program is found, so that it can be thrown alone: `make hostile SEED=... COUNT=1`.

Exit status: 0 the kernel stood it all, 1 it did not, 2 it could not be tried.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .crew import crew, ctrl_c_ends
from .hostile_boot import BATCH, Boot, CannotThrow, Model, boot, lacking
from .hostile_show import told

ROOT = Path(__file__).resolve().parents[2]
MODELS = tuple(Model(emulator, cpu) for emulator in ("qemu", "bochs") for cpu in ("intel", "amd"))
CHUNK = {"qemu": 25_000, "bochs": 2_000}     # programs of a boot
ENOUGH = 5                                   # failures of one boot's programs, of the kernel's or the emulator's
SEED_MOST = 1 << 63


@dataclass(frozen=True)
class Failure:
    """A program that the kernel did not stand; `first` is where a boot must begin for that."""

    model: Model
    seed: int
    first: int
    what: str

    def __str__(self) -> str:
        count = self.seed - self.first + 1
        before = "" if count == 1 else f", and {count - 1} before it, for alone it does no harm"
        return (f"program {self.seed} ({self.model}): {self.what}\n  make hostile SEED={self.first} COUNT={count} "
                f"EMU={self.model.emulator} CPU={self.model.cpu}{before}")


@dataclass
class Tally:
    """What came of all programs of a model, or of a part of them."""

    thrown: int = 0
    ended_by: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    spoilt: list[str] = field(default_factory=list)      # by the emulator: nothing is known about the kernel

    def add(self, other: Tally) -> None:
        self.thrown += other.thrown
        self.ended_by += other.ended_by
        self.failures += other.failures
        self.spoilt += other.spoilt


def throw(kernel: Path, model: Model, seed: int, count: int) -> Tally:
    """These programs, in as many boots as it takes.  Raises CannotThrow."""
    tally = Tally()
    end = seed + count
    while seed < end and len(tally.failures) + len(tally.spoilt) < ENOUGH:
        now = boot(kernel, model, seed, end - seed)
        for found, what in now.findings:
            tally.failures.append(_alone(kernel, model, seed, found, what))
        tally.ended_by.update(now.ended_by)
        if now.crash:
            culprit = _culprit(kernel, model, now)
            if now.emulators_fault:
                tally.spoilt.append(f"program {culprit} ({model}): {now.crash}")
            else:
                tally.failures.append(_alone(kernel, model, seed, culprit, now.crash))
            reached = culprit + 1
        else:
            reached = now.findings[-1][0] + 1 if now.findings else end
        tally.thrown += reached - seed
        seed = reached
    return tally


def _culprit(kernel: Path, model: Model, crashed: Boot) -> int:
    """The program that was running: a short boot tells each."""
    if crashed.count <= BATCH:
        return crashed.reached
    count = min(BATCH, crashed.seed + crashed.count - crashed.reached)
    again = boot(kernel, model, crashed.reached, count)
    return again.reached if again.crash else crashed.reached + count - 1


def _alone(kernel: Path, model: Model, first: int, seed: int, what: str) -> Failure:
    """The failure, with the fewest programs before it, of one, a batch and all."""
    for begin in (seed, max(first, seed - BATCH + 1)):
        now = boot(kernel, model, begin, seed - begin + 1)
        if now.crash or now.findings:
            return Failure(model, seed, begin, what)
    return Failure(model, seed, first, what)


def chunks(model: Model, seed: int, count: int) -> Iterator[tuple[Model, int, int]]:
    """Parts for a boot each."""
    size = CHUNK[model.emulator]
    for begin in range(seed, seed + count, size):
        yield model, begin, min(size, seed + count - begin)


def show(kernel: Path, models: list[Model], seed: int) -> int:
    """One program, on each model; the exit status."""
    status = 0
    for model in models:
        now = boot(kernel, model, seed, 1)
        print(f"program {seed} ({model})")
        print("\n".join(told(now)))
        status |= bool(now.crash or now.findings) and not now.emulators_fault
    return status


def summary(model: Model, tally: Tally, seconds: float) -> str:
    """One line, and how the programs ended."""
    ways = ", ".join(f"{way} {count}" for way, count in tally.ended_by.most_common())
    return f"{model}: {tally.thrown} programs in {seconds:.1f} s, {len(tally.failures)} failures\n  ended by {ways}"


def run(kernel: Path, models: list[Model], seed: int, count: int, jobs: int) -> int:
    """All of it; the exit status.  Raises CannotThrow."""
    status = 0
    for model in models:
        begun, tally = time.monotonic(), Tally()
        with crew(jobs) as pool:
            for part in pool.map(lambda chunk: throw(kernel, *chunk), chunks(model, seed, count)):
                tally.add(part)
        for line in (*tally.failures, *tally.spoilt):
            print(line)
        print(summary(model, tally, time.monotonic() - begun), flush=True)
        status |= bool(tally.failures)
    return status


def number(name: str, text: str, least: int, most: int) -> int:
    """Raises CannotThrow with a line that says what is right."""
    try:
        value = int(text, 0)
    except ValueError:
        value = -1
    if not least <= value <= most:
        raise CannotThrow(f"{name}={text} is not a number from {least} to {most}; {name}=1 and {name}=0x2a are")
    return value


def wanted(emulator: str, cpu: str) -> list[Model]:
    """The models asked for; QEMU's if nothing is.  Raises CannotThrow."""
    if emulator not in ("", "qemu", "bochs"):
        raise CannotThrow(f"EMU={emulator} is no emulator; EMU=qemu and EMU=bochs are")
    if cpu not in ("", "intel", "amd"):
        raise CannotThrow(f"CPU={cpu} is no CPU; CPU=intel and CPU=amd are")
    models = [model for model in MODELS if model.emulator == (emulator or "qemu") and cpu in ("", model.cpu)]
    if without := next(filter(None, map(lacking, models)), None):
        raise CannotThrow(without)
    return models


@ctrl_c_ends("hostile: interrupted")
def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="hostile", description=__doc__.partition("\n")[0])
    parser.add_argument("--built", type=Path, default=ROOT / "build/hostile", help="the folder of the built kernel")
    parser.add_argument("--SEED", default="1", help="of the first program; the next has the next number")
    parser.add_argument("--COUNT", default="1000", help="of programs, on each model; 1: told in full")
    parser.add_argument("--EMU", default="", help="qemu (default) or bochs")
    parser.add_argument("--CPU", default="", help="intel or amd; default both")
    parser.add_argument("--check", action="store_true", help="look at these words alone")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(words)
    try:
        seed, count = number("SEED", options.SEED, 0, SEED_MOST), number("COUNT", options.COUNT, 1, 1 << 40)
        models = wanted(options.EMU, options.CPU)
        if options.check:
            return 0
        if count == 1:
            return show(options.built, models, seed)
        return run(options.built, models, seed, count, options.jobs)
    except CannotThrow as error:
        print(error, file=sys.stderr)
        return 2
