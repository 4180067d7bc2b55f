"""Programs that a person uses in this terminal: they get it whole, and they end with us."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .supervise import TIED_TO_PARENT

STDIN, STDOUT = 0, 1


def tied(command: Sequence[str | Path]) -> list[str]:
    """The command, such that the kernel kills it when we end, however that happens."""
    return [*TIED_TO_PARENT, str(os.getpid()), *map(str, command)]


def in_foreground(command: Sequence[str | Path], environment: dict[str, str] | None = None) -> int:
    """Run a program and return its exit status. It alone gets Ctrl-C: for `make` and us that would be the end.

    Ctrl-Z does nothing: make could not go on afterwards.
    """
    variables = {**os.environ, **(environment or {})}
    if not os.isatty(STDIN):
        return subprocess.call(tied(command), env=variables)
    before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    own_group = os.getpgrp()
    try:
        process = subprocess.Popen(tied(command), preexec_fn=_take_terminal, env=variables)
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
