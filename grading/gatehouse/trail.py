"""The vectors that led to a crash, out of logs that grow without bound.

A fault loop logs millions of events.  A Tally keeps the first few and the last few, counts those
between, and decides whether the machine went round in a circle.

A trail begins with the test, or the step of initialisation, in which the machine died: what came before
was mended, for the kernel went on.  Both emulators tell when the kernel was in the functions that begin them.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from .machine import Event

HEAD = 16
TAIL = 48
ROUNDS = 500         # faults that came round so often, and to the end of a machine, were a loop
CERTAIN = 10_000     # and so often that there is no need to wait for the end
CIRCLE = 4           # at most so many different faults go round in one
EXCEPTIONS = 32      # vectors below are the CPU's own
NMI = 2
PUSHES_CODE = frozenset({8, 10, 11, 12, 13, 14, 17, 21, 29, 30})     # SDM vol. 3, table 6-1; AMD APM 8.2 for 29, 30


@dataclass(frozen=True)
class Raw:
    """One event; `where` is its RIP in QEMU's log, its tick in Bochs's, and `key` what a loop repeats."""

    vector: int
    error: int | None
    where: int
    key: Hashable
    fault: bool      # raised by the CPU itself


def raw(vector: int, error: int, software: bool, where: int, key: Hashable = None) -> Raw:
    """An event as logs tell it: they print an error code for every vector, pushed or not."""
    code = error if vector in PUSHES_CODE and not software else None
    return Raw(vector, code, where, (vector, code, key), vector < EXCEPTIONS and vector != NMI and not software)


class Tally:
    """What is kept of a log."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget all events: what came before was not the kernel, or is over."""
        self._head: list[Raw] = []
        self._tail: deque[Raw] = deque(maxlen=TAIL)
        self.vectors: set[int] = set()   # of the exceptions that no instruction asked for
        self._circle: Counter[Hashable] = Counter()      # how often each of the last faults came
        self._asked: int | None = None   # where an interrupt was the last event: taken, or refused by a fault there

    def add(self, event: Raw) -> None:
        """The next event of the log."""
        if len(self._head) < HEAD:
            self._head.append(event)
        else:
            self._tail.append(event)
        if event.fault or event.vector == NMI:
            self.vectors.add(event.vector)
        refused = event.fault and event.where == self._asked
        if self._asked is not None and not refused:
            self._circle.clear()
        self._asked = None if event.fault else event.where
        if not event.fault:
            return
        if event.key not in self._circle and len(self._circle) == CIRCLE:
            self._circle.clear()
        self._circle[event.key] += 1

    @property
    def kept(self) -> tuple[Raw, ...]:
        """The first and the last events."""
        return (*self._head, *self._tail)

    @property
    def places(self) -> list[int]:
        """Where these happened, in rising order."""
        return sorted({event.where for event in self.kept})

    def loops(self, rounds: int = ROUNDS) -> bool:
        """The last events, so many, were few different faults, over and over."""
        return self._asked is None and self._circle.total() >= rounds

    def events(self, rip: Callable[[int], int]) -> list[Event]:
        """The trail; RIP maps an event's `where` to an address.  A circle is told once, with its counts."""
        told = [Event(event.vector, event.error, rip(event.where)) for event in self.kept]
        if not self.loops():
            return list(_merged(told))
        circle = dict.fromkeys((event, raw.key) for event, raw in zip(told[-TAIL:], self._tail))
        before = [event for event in told[:HEAD] if event not in {event for event, _ in circle}]
        return [*_merged(before), *(replace(event, count=times) for event, key in circle
                                    if (times := self._circle[key]))]


def _merged(events: Iterable[Event]) -> Iterator[Event]:
    for event, same in groupby(events):
        yield replace(event, count=len(list(same)))
