"""How children are started, so that they cannot outlive their grader.

The kernel kills an emulator when the thread that started it ends (prctl, PR_SET_PDEATHSIG), however
the grader dies.  It is the *thread* that counts, not the process, so all children of a process are
started by one thread that lives as long as the process does.  `setpriv` sets the signal after the
fork, so that no Python runs between fork and exec; `sh` then makes sure that the grader had not
died before that, and tells the keeper (keeper.py).
"""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import IO, Any

TIED_TO_PARENT = ("setpriv", "--pdeathsig", "KILL", "sh", "-c", '[ "$PPID" = "$0" ] && exec "$@"')
KEEPER = Path(__file__).with_name("keeper.py")
# The child itself, and before anything else: its parent may be killed before it can speak for it. A dying parent's
# files are gone a moment before its children are signalled: who finds no pipe there has no parent any more.
TELLS_KEEPER = '[ "$PPID" = "$0" ] && { echo "+$$" 1<> "/proc/$0/fd/%d"; } 2> /dev/null && exec "$@"'


class _Starter:
    """The thread that starts every child."""

    def __init__(self) -> None:
        self._orders: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = queue.SimpleQueue()
        threading.Thread(target=self._work, name="starter", daemon=True).start()

    def _work(self) -> None:
        while True:
            order, promise = self._orders.get()
            try:
                promise.set_result(order())
            except BaseException as error:      # the caller's to handle; this thread must live
                promise.set_exception(error)

    def call(self, order: Callable[[], Any]) -> Any:
        promise: Future[Any] = Future()
        self._orders.put((order, promise))
        return promise.result()


_lock = threading.Lock()
_starter: tuple[int, _Starter] | None = None


def start(order: Callable[[], Any]) -> Any:
    """What ORDER, which starts a child, returns or raises, in the thread that starts all."""
    global _starter
    with _lock:
        if _starter is None or _starter[0] != os.getpid():      # threads do not survive a fork
            _starter = (os.getpid(), _Starter())
    return _starter[1].call(order)


_keeper: IO[bytes] | None = None


def keep() -> IO[bytes]:
    """Where to tell of children, that what they leave behind ends with this process, too (keeper.py)."""
    global _keeper
    with _lock:
        if _keeper is None:
            _keeper = subprocess.Popen(["/usr/bin/python3", "-I", "-S", KEEPER], stdin=subprocess.PIPE,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                       start_new_session=True).stdin
        assert _keeper is not None
        return _keeper


def tied(command: Sequence[str]) -> list[str]:
    """COMMAND so that it ends with this process, and what it leaves behind, too."""
    return [*TIED_TO_PARENT[:-1], TELLS_KEEPER % keep().fileno(), str(os.getpid()), *command]


def has_ended(session: int) -> None:
    """Tell the keeper of a child's end."""
    with contextlib.suppress(OSError):       # the keeper was killed: nobody's loss
        os.write(keep().fileno(), f"-{session}\n".encode())
