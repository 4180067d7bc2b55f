"""Threads that work side by side, and the end of a command that is broken off while they do.

What breaks it off (Ctrl-C) comes to the main thread alone. The others would finish what they are at, which can take
minutes, and Python would wait for them.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import NoReturn

from .supervise import end_all

INTERRUPTED = 130        # exit status
PATIENCE = 10.0          # seconds


@contextlib.contextmanager
def crew(jobs: int) -> Iterator[ThreadPoolExecutor]:
    """JOBS threads, which end with the work here, however that ends."""
    pool = ThreadPoolExecutor(jobs)
    try:
        yield pool
    except BaseException:
        stop(pool)
        raise
    pool.shutdown()


def stop(pool: ThreadPoolExecutor) -> None:
    """End all that POOL is at, whether its caller knows of it yet or not, with the children that it starts meanwhile.

    Whoever works in it must see by a child's death, or by a sign of his own, that it is over. One who never does is
    left behind: a Ctrl-C just where this thread takes a lock of the pool's leaves that locked.
    """
    until = time.monotonic() + PATIENCE
    ending = Thread(target=pool.shutdown, kwargs={"cancel_futures": True}, daemon=True)
    ending.start()
    while ending.is_alive() and time.monotonic() < until:
        end_all()
        ending.join(0.1)


@contextlib.contextmanager
def ctrl_c_ends(words: str) -> Iterator[None]:
    """The first Ctrl-C breaks off what is done here, no other does, and then the process ends with WORDS on stderr.

    A second one would come while what was begun is ended.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:         # not in the background of a shell
        signal.signal(signal.SIGINT, _first)
    try:
        yield
    except KeyboardInterrupt:
        _leave(words)
    finally:
        signal.signal(signal.SIGINT, before)


def _first(*_: object) -> NoReturn:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def _leave(words: str) -> NoReturn:
    """Whatever threads are at: they would go on to what comes next."""
    with contextlib.suppress(OSError):       # nobody reads it any more
        print(f"\n{words}", file=sys.stderr, flush=True)
        sys.stdout.flush()
    end_all()
    os._exit(INTERRUPTED)
