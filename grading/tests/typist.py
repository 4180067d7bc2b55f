"""Somebody at a terminal, for tests: starts a command on a pseudo-terminal, types, and waits for what it shows."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Sequence
from pathlib import Path

PATIENCE = 60.0      # seconds; only a test that fails waits so long
STYLE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


class Typist:
    """`with Typist(command, directory) as typist: typist.see("prompt"); typist.type("q\\n")`."""

    def __init__(self, command: Sequence[str], directory: Path, columns: int = 120) -> None:
        self.shown = ""
        self._from = 0
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            os.chdir(directory)
            os.environ["TERM"] = "dumb"
            os.execvp(command[0], command)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("4H", 50, columns, 0, 0))

    def __enter__(self) -> Typist:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        os.close(self._terminal)

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def see(self, pattern: str) -> re.Match[str]:
        """Wait until the pattern is shown, behind what was waited for before; else AssertionError with all that was."""
        end = time.monotonic() + PATIENCE
        while True:
            if found := re.compile(pattern, re.MULTILINE).search(self.shown, self._from):
                self._from = found.end()
                return found
            assert self._read(end - time.monotonic()), f"{pattern!r} was not shown, but:\n{self.shown[self._from:]}"

    def end(self) -> int:
        """Wait for the end; the exit status."""
        end = time.monotonic() + PATIENCE
        while self._read(end - time.monotonic()):
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def _read(self, patience: float) -> bool:
        """False when the program has closed the terminal, or nothing comes any more."""
        if patience <= 0 or not select.select([self._terminal], [], [], patience)[0]:
            return False
        try:
            data = os.read(self._terminal, 1 << 16)
        except OSError:      # EIO: nobody holds the other end
            return False
        self.shown += STYLE.sub("", data.decode(errors="replace")).replace("\r", "")
        return bool(data)
