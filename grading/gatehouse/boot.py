"""One boot of a lab's kernel, from the command line to the transcript."""

from __future__ import annotations

import secrets
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from . import strangers
from .ktap import Transcript, parse
from .labs import Lab, Test
from .machine import Answer, Emulator, Ending, Limits, Run, View
from .outcome import Crash, Place, ending
from .panicker import panicker
from .probe_facts import Finding
from .probe_image import modified
from .probes import PROBES
from .runs import TOLD, Runs

TRIES = 2        # what the emulator or this computer spoils gets a second chance


@dataclass(frozen=True)
class Boot:
    """What was asked, what the emulator saw, what the guest said, and how it died if it did."""

    tests: tuple[Test, ...]
    nonce: str
    run: Run
    said: Transcript
    crash: Crash | None
    seconds: float = 0.0             # of the emulator
    panicker: str | None = None      # which given function has called panic

    @property
    def made_up(self) -> list[str]:
        """Tests that were printed as passed, and that the kernel has not counted so; in the plan's order."""
        if self.run.passed is None:
            return []
        return [name for name in self.said.tests if self.said.says_passed(name) and name not in self.run.passed]


@dataclass(frozen=True)
class Bench:
    """One lab's kernel beside one emulator, ready to be booted any number of times."""

    root: Path
    lab: Lab
    kernel: Path                     # the directory that holds kernel and disk.img
    emulator: Emulator
    runs: Runs
    limits: Limits
    seed: int = 1
    nonce: str | None = None         # fixed only to repeat a run; otherwise fresh for each boot
    place: Place = hex               # an address in words
    tell: Callable[[str], None] = lambda _: None

    def boot(self, tests: Sequence[Test]) -> Boot:
        """Boot with the given tests, in the plan's order; they all want the same CPU."""
        for remaining in reversed(range(TRIES)):
            boot = self._once(tests)
            spoilt = boot.run.stalled or boot.run.ending in (Ending.FAILED, Ending.CAPPED)
            if not spoilt or not remaining:
                break
            self.runs.drop(boot.run.directory)
        return boot

    def _once(self, tests: Sequence[Test]) -> Boot:
        names = [test.name for test in tests]
        nonce = self.nonce or secrets.token_hex(8)
        cmdline = f"lab={self.lab.tag} test={','.join(names)} seed={self.seed} nonce={nonce}"
        directory = self.runs.new(f"{self.lab.tag}-{self.emulator.name}")
        self.tell(f"{len(names)} tests")
        begun = time.monotonic()
        by: list[str | None] = []
        run = self.emulator.of(tests[0].cpu).run(self.kernel, cmdline, directory, self.limits, partial(self._look, by),
                                                 answers(tests, nonce))
        seconds = time.monotonic() - begun
        strangers.write(directory / TOLD, f"{shlex.join(run.command)}\nthe kernel's command line: {cmdline}\n".encode())
        said = parse(run.serial, names, nonce)
        return Boot(tuple(tests), nonce, run, said, ending(run, said, self.place), seconds, by[0] if by else None)

    def _look(self, by: list[str | None], view: View) -> list[Finding]:
        """The lab's probe, and a look at the kernel's image, for the emulator to show them the stopped machine.

        BY receives who has called panic.
        """
        by.append(panicker(view))
        found, probe = modified(view), self.lab.probe
        if probe is None:
            return found
        try:
            return found + PROBES[probe.kind](view, self.root, self.lab)
        except KeyError as error:            # the kernel lacks a symbol that the given code declares
            return found + [Finding(check, 1, 0, f"no symbol {error} in the kernel") for check in probe.checks]


def answers(tests: Sequence[Test], nonce: str) -> Answer:
    """What to do to a guest that knocks: the next line of the test that it is in, by all that it said so far."""
    names = [test.name for test in tests]
    left = {test.name: list(test.inject) for test in tests}

    def answer(serial: bytes) -> str | None:
        running = parse(serial, names, nonce).unfinished
        return left[running].pop(0) if running and left[running] else None
    return answer
