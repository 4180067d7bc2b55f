"""Playing a tour: to a person step by step, or for nobody, to see that it still tells the truth.

Exit status: 0 all as told, 1 something was not (or the kernel came to a hole), 2 it could not begin.
"""

from __future__ import annotations

import re
import sys
from typing import Protocol

from .by_hand import HOLE, ROOT, CannotStart, Wish, where_hole, wish
from .labs import CURRENT
from .prompt import Ended, Prompt, Stuck
from .symbols import Symbols
from .tour import Step, Tour, load
from .tour_reader import Person
from .tour_values import Unclear, Values

NOISE = re.compile(r"Next at t=|\(0\) Breakpoint |Bochs is exiting|=====|\s*$")
REFUSED = re.compile(r"symbol not found|syntax error.*|not implemented.*")
MOST_REPEATS = 500
HOLE_SYMBOL = "hole_reached"      # boot/machine.asm


class Quit(Exception):
    """The reader has seen enough."""


class Stale(Exception):
    """What was told is not what is."""


class Reader(Protocol):
    """Whoever follows a tour."""

    def begin(self, tour: Tour) -> None: ...

    def step(self, number: int, step: Step, text: str) -> None: ...

    def ready(self, prompt: Prompt, command: str) -> bool:
        """Wait until the command shall be typed; False to leave."""
        ...

    def output(self, command: str, times: int, lines: list[str]) -> None: ...

    def then(self, text: str) -> None: ...

    def wrong(self, step: Step, text: str) -> None:
        """An expectation failed. May raise Stale."""
        ...

    def end(self, tour: Tour) -> None: ...


class Checker:
    """Nobody: a line for each step, and the first untruth ends it."""

    def begin(self, tour: Tour) -> None:
        print(f"{tour.path}: {tour.title}")

    def step(self, number: int, step: Step, text: str) -> None:
        print(f"  {number:2} {step.name}")

    def ready(self, prompt: Prompt, command: str) -> bool:
        return True

    def output(self, command: str, times: int, lines: list[str]) -> None:
        pass

    def then(self, text: str) -> None:
        pass

    def wrong(self, step: Step, text: str) -> None:
        raise Stale(text)

    def end(self, tour: Tour) -> None:
        print(f"{tour.path}: {len(tour.steps)} steps, all as told")


def tour(asked: Wish, check: bool) -> int:
    """The tour of a lab, to a person at a terminal, else checked."""
    if asked.lab is None:
        raise CannotStart("LAB= says which tour")
    plan = load(ROOT, asked.lab.dir)
    asked = wish(asked.built, asked.lab.tag, ",".join(plan.test), "", asked.run)
    alone = check or not (sys.stdin.isatty() and sys.stdout.isatty())
    return follow(asked, plan, Checker()) if alone else follow(asked, plan, Person())


def follow(asked: Wish, plan: Tour, reader: Reader) -> int:
    """Play a tour to a reader; the exit status."""
    player = Player(asked, plan, reader)
    try:
        player.play()
    except Quit:
        return 0
    except Stale as error:
        print(f"{plan.path}:{player.step.line}: step \"{player.step.name}\" is not as told: {error}", file=sys.stderr)
        return 1
    except Ended as ended:
        print("\n".join(player.obituary(ended)), file=sys.stderr if isinstance(reader, Checker) else sys.stdout)
        return 1
    return 0 if player.untrue == 0 else 1


class Player:
    def __init__(self, asked: Wish, plan: Tour, reader: Reader) -> None:
        self.step = plan.steps[0]
        self.untrue = 0
        self._asked = asked
        self._plan = plan
        self._reader = reader

    def play(self) -> None:
        """From the first step to the last. Raises Quit, Stale, Ended."""
        with Prompt(self._asked) as prompt:
            values = Values(prompt.where(), Symbols(self._asked.kernel), prompt)
            self._reader.begin(self._plan)
            for number, step in enumerate(self._plan.steps, 1):
                self.step = step
                self._reader.step(number, step, self._filled(values, step.text))
                output = self._do(prompt, values, step)
                for text in step.see:
                    if self._filled(values, text) not in output:
                        self._wrong(f"the debugger does not show {self._filled(values, text)!r}, but\n{output.strip()}")
                for expectation in step.check:
                    if (untrue := values.holds(expectation)) is not None:
                        self._wrong(f"expected {untrue}")
                if step.note:
                    values.noted[step.note] = values.where
                self._reader.then(self._filled(values, step.then))
            self._reader.end(self._plan)

    def _do(self, prompt: Prompt, values: Values, step: Step) -> str:
        """Type a step's commands; all that the debugger printed."""
        told = ""
        for command in step.do:
            if not self._reader.ready(prompt, command):
                raise Quit
            times = 0
            try:
                while True:
                    output = prompt.do(command)
                    times += 1
                    values.where = prompt.where()
                    if values.where.registers["rip"] == values.symbols.get(HOLE_SYMBOL):
                        prompt.do("c")       # ends the machine, and says which
                    if command is not step.do[0] or step.until is None or values.holds(step.until) is None:
                        break
                    if times == MOST_REPEATS:
                        raise Stale(f"`{command}` {times} times does not lead to {step.until}")
            except Ended:
                if not step.ends:
                    raise
                output = prompt.serial()
            except Stuck as error:
                raise Stale(str(error)) from None
            self._reader.output(command, times, kept(output, step))
            if refused := REFUSED.search(output):
                self._wrong(f"to `{command}` the debugger says {refused[0]!r}")
            told += output
        return told

    def _filled(self, values: Values, text: str) -> str:
        try:
            return values.fill(text)
        except Unclear as error:
            self._wrong(f"{text!r}: {error}")
            return text

    def _wrong(self, text: str) -> None:
        self.untrue += 1
        self._reader.wrong(self.step, text)

    def obituary(self, ended: Ended) -> list[str]:
        """The machine ended where the tour goes on: a hole is told nicely, anything else as it is."""
        again = f"make tour LAB={self._asked.lab.tag if self._asked.lab else ''}"
        if HOLE.search(str(ended)):
            return ["", f"Your kernel has come as far as it can: it stands {where_hole(str(ended))}.",
                    f"The tour goes on behind it. Fill the hole and come again: {again}"]
        lines = [f"{self._plan.path}:{self.step.line}: in step \"{self.step.name}\" the machine ended: {ended}"]
        if (ROOT / CURRENT).exists():
            lines.append(f"`make grade{self._asked.again}` tells more; then come again: {again}")
        return lines


def kept(output: str, step: Step) -> list[str]:
    """The lines of an answer that tell something."""
    lines = [line.rstrip() for line in output.splitlines() if not NOISE.match(line)]
    if step.keep:
        lines = [line for line in lines if any(re.search(pattern, line) for pattern in step.keep)]
    return lines


