"""The person at the terminal who follows a tour."""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
from typing import TYPE_CHECKING

from .prompt import Ended, Prompt

if TYPE_CHECKING:
    from .tour import Step, Tour

WIDEST = 100
MOVES = re.compile(r"\s*(c|cont|continue|s|step|stepi|p|n|next|q|quit|exit|set|setpmem|lb|b|pb|vb|d|del|delete|"
                   r"sb|sba)\b")
BOLD, DIM, PLAIN = "1", "2", "0"


class Person:
    def __init__(self) -> None:
        self._width = min(shutil.get_terminal_size().columns, WIDEST)
        self._coloured = (sys.stdout.isatty() and "NO_COLOR" not in os.environ
                          and os.environ.get("TERM", "dumb") != "dumb")
        self._steps = 0
        self._typed = 1

    def begin(self, tour: Tour) -> None:
        self._steps = len(tour.steps)
        print(f"\n{self._styled(BOLD, tour.title)}\n")
        self._say(tour.intro)
        print("\nEnter types the command that is shown; q leaves; any command that only looks, such as r or sreg, is "
              "carried out\nin between.")

    def step(self, number: int, step: Step, text: str) -> None:
        head = f"── {number} of {self._steps} ── {step.name} "
        print(f"\n{self._styled(BOLD, head + '─' * max(0, self._width - len(head)))}\n")
        self._say(text)
        print()

    def ready(self, prompt: Prompt, command: str) -> bool:
        while True:
            try:
                words = input(f"{self._styled(DIM, f'<bochs:{self._typed}>')} {self._styled(BOLD, command)} ").strip()
            except EOFError:
                return False
            if not words:
                self._typed += 1
                return True
            if words == "q":
                return False
            if MOVES.match(words):
                print("  (that would move the machine or its breakpoints, and the tour could not go on)")
                continue
            self._typed += 1
            try:
                print(prompt.do(words).rstrip())
            except Ended as ended:
                print(f"  ({ended})")
                return False

    def output(self, command: str, times: int, lines: list[str]) -> None:
        if times > 1:
            print(f"  ({command}, {times} times; the last one says)")
        for line in lines:
            print(line)

    def then(self, text: str) -> None:
        if text:
            print()
            self._say(text)

    def wrong(self, step: Step, text: str) -> None:
        print(f"\n{self._styled(BOLD, 'Not as the tour tells it')}: {text}.")
        print("Your kernel does something else here. Look around, go on with Enter, or leave with q.")

    def end(self, tour: Tour) -> None:
        print(f"\n{self._styled(BOLD, 'The end of the tour.')}")

    def _say(self, text: str) -> None:
        """Paragraphs, broken to the terminal's width; a line that begins with a space stands as it is."""
        for number, paragraph in enumerate(re.split(r"\n\s*\n", text.strip("\n"))):
            if number:
                print()
            rows = paragraph.strip("\n").split("\n")
            if any(row.startswith(" ") for row in rows):
                print("\n".join(rows))
            else:
                print(textwrap.fill(" ".join(rows), self._width))

    def _styled(self, style: str, text: str) -> str:
        return f"\x1b[{style}m{text}\x1b[{PLAIN}m" if self._coloured else text
