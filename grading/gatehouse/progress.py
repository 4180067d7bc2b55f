"""One line that says what is going on, on a terminal; nothing at all in a pipe."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

CLEAR = "\r\033[K"


class Progress:
    """Steps begun, steps done, and what each worker is at.  Any thread may call."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.begun = 0
        self.done = 0
        self.shown = stream.isatty()
        self.at: dict[str, str] = {}
        self.lock = threading.Lock()

    def teller(self, step: str) -> Callable[[str], None]:
        """A function that says what STEP is at."""
        return lambda text: self.tell(step, text)

    def begin(self, step: str, text: str) -> None:
        with self.lock:
            self.begun += 1
            self.at[step] = text
            self._draw()

    def tell(self, step: str, text: str) -> None:
        with self.lock:
            self.at[step] = text
            self._draw()

    def finish(self, step: str) -> None:
        with self.lock:
            self.at.pop(step, None)
            self.done += 1
            self._draw()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """The line out of the way, for something else to be printed meanwhile."""
        with self.lock:
            if self.shown:
                self.stream.write(CLEAR)
                self.stream.flush()
            yield

    def _draw(self) -> None:
        if not self.shown:
            return
        busy = ", ".join(f"{step}: {text}" for step, text in self.at.items())
        line = f"{self.done} of {self.begun} done  {busy}"
        width = shutil.get_terminal_size().columns - 1
        self.stream.write(CLEAR + line[:width])
        self.stream.flush()
