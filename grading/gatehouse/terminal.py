"""Programs that a person uses in this terminal: they get it whole, and they end with us."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from .supervise import CHUNK
from .ties import TIED_TO_PARENT

STDIN, STDOUT = 0, 1


def tied(command: Sequence[str | Path]) -> list[str]:
    """The command, such that the kernel kills it when we end, however that happens."""
    return [*TIED_TO_PARENT, str(os.getpid()), *map(str, command)]


def show(data: bytes) -> None:
    """Write to the terminal, past Python's buffers; when there is none any more, nowhere."""
    while data:
        try:
            data = data[os.write(STDOUT, data):]
        except BlockingIOError:              # somebody else's doing, for it is everybody's setting
            select.select([], [STDOUT], [])
        except OSError:
            return


class Listener:
    """A pipe for a program to write to, by its path, and the thread that hands on what comes out of it."""

    def __init__(self, sink: Callable[[bytes], None]) -> None:
        self._sink = sink
        self._read_end, self.write_end = os.pipe()
        self.path = f"/dev/fd/{self.write_end}"
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def start(self) -> None:
        """To be called when the program has the pipe: from now on it alone can write to it."""
        os.close(self.write_end)
        self._thread.start()

    def finish(self) -> None:
        """Wait for what the program wrote before it ended."""
        self._thread.join()
        os.close(self._read_end)

    def _listen(self) -> None:
        while data := os.read(self._read_end, CHUNK):
            self._sink(data)


@contextlib.contextmanager
def keyboard() -> Iterator[int]:
    """This terminal, opened anew: a program that stops waiting for keys there leaves our own output alone."""
    try:
        descriptor = os.open(os.ttyname(STDIN), os.O_RDWR | os.O_NOCTTY)
    except OSError:
        yield STDIN
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def in_foreground(command: Sequence[str | Path], environment: dict[str, str] | None = None, give: Sequence[int] = (),
                  stdout: int | None = None, started: Callable[[], None] = lambda: None) -> int:
    """Run a program and return its exit status. It alone gets Ctrl-C: for `make` and us that would be the end.

    Ctrl-Z does nothing: make could not go on afterwards.
    """
    variables = {**os.environ, **(environment or {})}
    if not os.isatty(STDIN):
        return subprocess.call(tied(command), env=variables)
    before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    own_group = os.getpgrp()
    try:
        process = subprocess.Popen(tied(command), preexec_fn=_take_terminal, env=variables, pass_fds=give,
                                   stdout=stdout)
        started()
        while True:
            _, status = os.waitpid(process.pid, os.WUNTRACED)
            if not os.WIFSTOPPED(status):
                process.returncode = os.waitstatus_to_exitcode(status)
                return process.returncode
            os.kill(process.pid, signal.SIGCONT)
    finally:
        os.tcsetpgrp(STDIN, own_group)
        signal.signal(signal.SIGTTOU, before)


def _take_terminal() -> None:
    """In the child: a process group of its own, and the terminal for it."""
    os.setpgid(0, 0)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.tcsetpgrp(STDIN, os.getpgrp())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
