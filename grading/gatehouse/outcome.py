"""What can become of a test, and the words for it.

Every boot ends in one of a few ways.  `ending` says which, from what the emulator saw (never from
what the guest claims about itself, except where it names its own hole or panic), and `Verdict` is
what a test got in one emulator.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from .ktap import Transcript
from .machine import Ending, Event, Run


class Outcome(StrEnum):
    """The classes; the words are those of hints, reports and lab.toml."""

    PASS = "pass"
    WRONG = "wrong value"
    MISSING = "missing result"
    PANIC = "panic"
    HOLE = "unfilled hole"
    TRIPLE = "triple fault"
    LOOP = "fault loop"
    HANG = "hang"
    BUILD = "build failure"
    EMULATOR = "emulator failure"
    NOT_RUN = "not run"
    SKIPPED = "skipped"
    NOT_JUDGED = "not judged"
    FORGED = "forged"


COSTS_NOTHING = frozenset({Outcome.SKIPPED, Outcome.NOT_JUDGED})
FINE = COSTS_NOTHING | {Outcome.PASS}

VECTOR_NAMES = {
    0: "#DE", 1: "#DB", 2: "NMI", 3: "#BP", 4: "#OF", 5: "#BR", 6: "#UD", 7: "#NM", 8: "#DF",
    10: "#TS", 11: "#NP", 12: "#SS", 13: "#GP", 14: "#PF", 16: "#MF", 17: "#AC", 18: "#MC",
    19: "#XM", 20: "#VE", 21: "#CP", 29: "#VC", 30: "#SX",
}
HOLE_REACHED = re.compile(rb"reached hole (\d+\.\d+), which is not filled yet\n")
PANIC_SHOWN = 6
TRAIL_SHOWN = 6
FLOOD = 64 * 1024        # bytes; no lab says so much
BEGINNING = 24           # bytes of what arrived in place of the banner; a full UART takes 17

Place = Callable[[int], str]     # an address, as function+offset where it is one


@dataclass
class Verdict:
    """What one test got in one emulator, and all that a person needs to go on."""

    test: str
    outcome: Outcome
    detail: list[str] = field(default_factory=list)
    hint: str | None = None
    cause: str | None = None      # the hint before its values were filled in
    tail: list[str] = field(default_factory=list)
    directory: Path | None = None
    checked: int | None = None    # how many facts the test has looked at, if it says so
    raised: frozenset[int] | None = None     # exceptions meanwhile, where the emulator can tell

    @property
    def fine(self) -> bool:
        return self.outcome in FINE


@dataclass(frozen=True)
class Crash:
    """A boot that did not reach its end: the outcome for the test that caused it."""

    outcome: Outcome
    detail: list[str]


def ending(run: Run, said: Transcript, place: Place) -> Crash | None:
    """How the boot died; None if the machine was switched off as it should be."""
    if run.ending in (Ending.FAILED, Ending.CAPPED):
        return Crash(Outcome.EMULATOR, [run.detail or f"{run.emulator} {run.ending}"])
    if hole := HOLE_REACHED.search(run.debugcon):
        unread = silence(run.serial, said) if run.serial and not said.banner else []
        return Crash(Outcome.HOLE, [f"reached hole {hole[1].decode()}, which is not filled yet", *unread])
    if said.panic is not None:
        after = [] if run.ending == Ending.ENDED else [f"then: {_died(run, place)[1][0]}"]
        details = [line for line in said.panic_lines[:PANIC_SHOWN] if line.strip()]
        return Crash(Outcome.PANIC, [f"PANIC: {said.panic}", *details, *after])
    if run.ending == Ending.ENDED:
        return None
    return Crash(*_died(run, place))


def _died(run: Run, place: Place) -> tuple[Outcome, list[str]]:
    at, was = ("", "") if run.rip is None else (f" at {place(run.rip)}", f"; the CPU was at {place(run.rip)}")
    if run.ending == Ending.RESET:
        words = "the CPU reset: a fault met no usable handler, nor did the #DF that followed"
        if "port" in run.detail:
            words = f"the machine was reset: {run.detail}"
        if "machine check" in run.detail:
            return Outcome.TRIPLE, [f"the CPU shut down{at}: {run.detail}"]
        return Outcome.TRIPLE, [words, *trail_told(run.trail, place)]
    if run.loop:
        again = run.trail[-1] if run.trail else None
        words = "the same fault again and again"
        if again:
            words = f"{vector_name(again)} at {place(again.rip)} again and again, {again.count} times"
        return Outcome.LOOP, [words, *trail_told(run.trail, place)]
    if run.ending == Ending.HALTED:
        return Outcome.HANG, [f"the CPU sleeps for ever{at}: {run.detail or 'hlt with interrupts off'}"]
    if run.ending == Ending.REFUSED:
        return Outcome.WRONG, [f"a device was told to do what {run.emulator.capitalize()} cannot{at}: {run.detail}"]
    if run.ending == Ending.UNASKED:
        return Outcome.WRONG, [f"the kernel knocked on the injector{at}, "
                               "and the test's `inject` has no line for that knock"]
    if run.ending == Ending.SLOW:
        return Outcome.HANG, [f"no end within the time of a test: {run.detail}"]
    if run.ending == Ending.FLOOD or len(run.serial) > FLOOD:
        return Outcome.HANG, [f"output without end{was}"]
    return Outcome.HANG, [f"no end within the time of a test{was}",
                          *trail_told(run.trail, place)]


def trail_told(trail: list[Event], place: Place) -> list[str]:
    """`trail: #GP(13) #DF(8)` on one line, for eyes and hints, then each event."""
    if not trail:
        return []
    last = trail[-TRAIL_SHOWN:]
    lines = ["trail: " + " ".join(vector_name(event) for event in last)]
    for event in last:
        code = "" if event.error is None else f" error code {event.error:#x}"
        times = f" ({event.count} times)" if event.count > 1 else ""
        lines.append(f"  {vector_name(event)}{code} at {place(event.rip)}{times}")
    return lines


def vector_name(event: Event) -> str:
    """`#GP(13)`, or `vector 32` for one that has no mnemonic."""
    name = VECTOR_NAMES.get(event.vector)
    return f"{name}({event.vector})" if name else f"vector {event.vector}"


def silence(serial: bytes, said: Transcript) -> list[str]:
    """Why no plan was understood: what the serial port carried instead."""
    if said.plan:
        return []
    if not serial:
        return ["serial: nothing arrived"]
    letters = sum(byte >= 0x20 for byte in serial)
    text = f"serial: {len(serial)} bytes arrived"
    if letters == 0:
        return [f"{text}, all below 0x20: only the low five bits of each character"]
    lines = serial.count(b"\n")
    if lines and serial.count(b"\r\n") == lines:
        return [f"{text}; every line ends in 0x0d 0x0a"]
    if said.banner:
        return [f"{text}, the banner among them, but not the plan"]
    begin = "".join(chr(byte) if 0x20 <= byte < 0x7f else f"\\x{byte:02x}" for byte in serial[:BEGINNING])
    return [f"{text}, but not the banner of this run; they begin with \"{begin}\""]
