"""make sweep: at every instruction of every way into the kernel and out, an NMI, a #DB, an #MC, or two events in a row.

kernel/sweep/ goes through each door again and again, and looks whether all is as without the event. From here the ways
are traced, an instruction at a time, and each of their boundaries in .entry.text is struck at.

Exit status: 0 all survived, 1 something did not, 2 it could not be tried.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from . import sweep_table
from .bochs import Bochs
from .crew import crew, ctrl_c_ends
from .machine import Emulator
from .places import Places
from .qemu import Qemu
from .sweep_machine import Names
from .sweep_plan import Exclusions, Plan, plan
from .sweep_run import EVENTS_OF, MACHINES, Bench, CannotSweep, Cell, Model, Sweeper, models
from .sweep_trial import EVENTS
from .symbols import NotAKernel

ROOT = Path(__file__).resolve().parents[2]
PORTION = 250                # trials in one machine, about
NEEDED: dict[str, Emulator] = {"qemu": Qemu(), "bochs": Bochs()}
OPTIONAL = re.compile(r" FSGSBASE: .* reached hole ")        # a part of lab 10 that a course may leave out
SHOWN = 3                    # failures of one door and event that are told


def sweep(bench: Bench, emulators: Sequence[str], jobs: int, progress: Progress) -> tuple[list[Cell], list[str]]:
    """All cells, and what is wrong with models that cannot be swept."""
    broken: list[str] = []

    def attempted(sweeper: Sweeper) -> list[Plan]:
        try:
            return planned(bench, sweeper)
        except CannotSweep as error:
            broken.append(str(error))
            return []

    with crew(jobs) as pool, bench.until_broken_off():
        sweepers = [Sweeper(bench, model) for emulator in emulators for model in models(emulator)]
        plans = [*pool.map(attempted, sweepers)]
        portions = [(sweeper, portion) for sweeper, ours in zip(sweepers, plans) for portion in portioned(ours)]
        progress.begin(sum(len(one.trials) for _, portion in portions for one in portion))
        done = [pool.submit(sweeper.sweep, portion, progress.step) for sweeper, portion in portions]
        return [cell for portion in done for cell in portion.result()], broken


def planned(bench: Bench, sweeper: Sweeper) -> list[Plan]:
    """For one model. Raises CannotSweep."""
    doors, model = sweeper.doors(), sweeper.model
    if model.vendor != "intel":
        before = {door.name for door in Sweeper(bench, Model(model.emulator)).doors()}
        doors = [door for door in doors if door.name not in before]
    events = [event for event in EVENTS_OF[model.emulator] if event in bench.events]
    doors = [door for door in doors if door.strike != "mce" or "#MC" in EVENTS_OF[model.emulator]]
    if not any(re.search(bench.doors, door.name) for door in doors):
        return []
    ways = sweeper.traced(doors)
    exclusions = Exclusions(ways, bench.names)
    return [plan(exclusions, way, event, bench.share, bench.seed)
            for way in ways if re.search(bench.doors, way.door.name) for event in events]


def portioned(plans: Sequence[Plan]) -> list[list[Plan]]:
    """In pieces of about PORTION trials."""
    pieces: list[list[Plan]] = []
    room = 0
    for one in plans:
        if room <= 0:
            pieces.append([])
            room = PORTION
        pieces[-1].append(one)
        room -= len(one.trials)
    return pieces


class Progress:
    """How far it is, on one line of a terminal."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._total = self._done = 0
        self._next = 0.0

    def begin(self, total: int) -> None:
        self._total = total

    def step(self) -> None:
        self._done += 1
        if self._shown and time.monotonic() >= self._next:
            self._next = time.monotonic() + 0.2
            print(f"\r{self._done} of {self._total}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


@ctrl_c_ends("sweep: interrupted")
def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="sweep", description=__doc__.partition("\n")[0])
    parser.add_argument("--built", type=Path, default=ROOT / "build/sweep", help="the folder of the built kernel")
    parser.add_argument("--emu", action="append", choices=[*MACHINES], help="only in this emulator")
    parser.add_argument("--door", default="", help="only doors whose names have this in them, a regular expression")
    parser.add_argument("--event", action="append", choices=[*EVENTS], help="only this event")
    parser.add_argument("--share", type=float, default=1.0, help="of the boundaries, by chance: 0.1 is a tenth")
    parser.add_argument("--seed", type=int, default=1, help="of that chance")
    parser.add_argument("--jobs", type=int, default=2, help="emulators side by side")
    parser.add_argument("--strip", action="store_true", help="instead, draw the strip in lab 10's README (make docs)")
    options = parser.parse_args(words)
    if options.strip:
        from . import sweep_strip            # not in a handout, where nobody asks for it
        sweep_strip.write(ROOT)
        return 0
    emulators = options.emu or [*MACHINES]
    begun = time.monotonic()
    progress = Progress()
    try:
        for emulator in emulators:
            if lacking := NEEDED[emulator].missing():
                raise CannotSweep(lacking)
        kernel = options.built / "kernel"
        with tempfile.TemporaryDirectory(prefix="sweep-") as place:
            bench = Bench(options.built, Names.of(kernel), Path(place), options.share, options.seed,
                          options.event or [*EVENTS], options.door)
            cells, broken = sweep(bench, emulators, options.jobs, progress)
            progress.end()
    except (CannotSweep, NotAKernel, KeyError, OSError, re.error) as error:
        progress.end()
        print(error, file=sys.stderr)
        return 2
    if not cells and broken:
        print("\n".join(broken), file=sys.stderr)
        return 2
    if not cells:
        print(f"no door's name has {options.door!r} in it", file=sys.stderr)
        return 2
    return told(cells, broken, Places(kernel).describe, options.share >= 1, time.monotonic() - begun)


def told(cells: Sequence[Cell], broken: Sequence[str], place: sweep_table.Place, whole: bool, seconds: float) -> int:
    """Print what it has come to; the exit status."""
    sound, line = sweep_table.verdict(cells, whole)
    for part in (sweep_table.table(cells), [sweep_table.LEGEND], sweep_table.exclusions(cells),
                 sweep_table.failures(cells, place, SHOWN), [f"not swept: {line}" for line in broken]):
        if part:
            print("\n".join(part), end="\n\n")
    print(f"{line}; {seconds:.0f} s")
    unsound = [line for line in broken if not OPTIONAL.search(line)]
    return 0 if sound and not unsound else 1

