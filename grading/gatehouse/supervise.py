"""Child processes that cannot outlive their grader (ties.py), and waiting for them without a clock."""

from __future__ import annotations

import contextlib
import fcntl
import os
import selectors
import shutil
import signal
import subprocess
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path

from . import ties

CHUNK = 1 << 16


class Gone(Exception):
    """The child ended while something was still expected of it."""


class Overtime(Exception):
    """The wall clock ran out."""


def missing(packages: dict[str, str]) -> str | None:
    """One line for the first program that is not installed, or None; PACKAGES maps it to Debian's package."""
    for program, package in {**packages, "setpriv": "util-linux"}.items():
        found = Path(program).exists() if "/" in program else shutil.which(program)
        if not found:
            return f"{program} is not installed: apt-get install {package}"
    return None


class Enough(Exception):
    """What was wanted of the child is there; the base of what sinks raise."""


class Flood(Enough):
    """A channel carried more than its cap."""


class Channel:
    """A pipe for the child to write to; keeps at most `cap` bytes and raises Flood for more.

    With `whole` the pipe holds the whole cap, so a guest never waits for the grader to read: what it
    can observe does not depend on this computer's load.
    """

    def __init__(self, cap: int, whole: bool = False) -> None:
        self.cap = cap
        self.data = bytearray()
        self.read_end, self.write_end = os.pipe()
        if whole:
            with contextlib.suppress(PermissionError):       # more than this user may have: a crowd of graders
                fcntl.fcntl(self.write_end, fcntl.F_SETPIPE_SZ, 2 * cap)

    @property
    def path(self) -> str:
        """By which the child opens it."""
        return f"/dev/fd/{self.write_end}"

    def feed(self, data: bytes) -> None:
        """Keep what was read.  Raises Flood."""
        self.data += data
        if len(self.data) > self.cap:
            del self.data[self.cap:]
            raise Flood

    def __enter__(self) -> Channel:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.read_end)


_lock = threading.Lock()
_alive: weakref.WeakSet[Child] = weakref.WeakSet()


def end_all() -> None:
    """Kill every child of this process, in whatever thread it is waited for: for Ctrl-C."""
    with _lock:
        alive = list(_alive)
    for child in alive:
        child.kill()


class Child:
    """One supervised process, and the one place that waits for what it does.

    `give` are file descriptors that it inherits and this process closes; `wall` seconds from now is
    when waiting for it raises Overtime.  A context manager: on leaving, the child is dead and reaped.
    """

    def __init__(self, command: Sequence[str], directory: Path, wall: float, *, give: Sequence[int] = (),
                 stdout: int = subprocess.DEVNULL, stderr: int = subprocess.DEVNULL,
                 environment: dict[str, str] | None = None) -> None:
        self._deadline = time.monotonic() + wall
        self.more: Callable[[], float] = lambda: 0.0         # seconds to add when `wall` is over
        try:
            argv = ties.tied(command)
            self._process: subprocess.Popen[bytes] = ties.start(lambda: subprocess.Popen(
                argv, cwd=directory, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, pass_fds=give,
                env={**os.environ, **(environment or {})}, start_new_session=True))
        finally:
            for fd in give:
                os.close(fd)
        self.pid = self._process.pid
        self._ended = False
        self._sources = selectors.DefaultSelector()
        self._pidfd = os.pidfd_open(self.pid)
        self._sources.register(self._pidfd, selectors.EVENT_READ, None)
        with _lock:
            _alive.add(self)

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self._sources.close()

    @property
    def returncode(self) -> int | None:
        """As subprocess has it: negative for the signal that killed it."""
        return self._process.poll()

    def watch(self, fd: int, sink: Callable[[bytes], None]) -> None:
        """Hand what can be read from FD to SINK, while somebody waits.  FD is the child's other end."""
        self._sources.register(fd, selectors.EVENT_READ, sink)

    def until(self, done: Callable[[], bool]) -> None:
        """Wait until DONE says so, with everything read that the child wrote before it ended.

        Raises Gone, Overtime, or what a sink raises.
        """
        while not done():
            if self._ended:
                raise Gone
            left = self._deadline - time.monotonic()
            if left <= 0:
                if (left := self.more()) <= 0:
                    raise Overtime
                self.allow(left)
            for key, _ in self._sources.select(left):
                if key.data is None:
                    self._ended = True
                elif not self._ended:
                    self._read(key)
            if self._ended:
                self.kill()          # what it has left behind holds the channels' other ends
                self._drain()

    def allow(self, seconds: float) -> None:
        """So many more, from now on, instead of what is left of `wall`."""
        self._deadline = time.monotonic() + seconds

    def catch_up(self) -> None:
        """Hand to the sinks all that it has written so far; for a child that stands still."""
        while ready := [key for key, _ in self._sources.select(0) if key.data is not None]:
            for key in ready:
                self._read(key)

    def _read(self, key: selectors.SelectorKey) -> bool:
        try:
            data = os.read(key.fd, CHUNK)
        except ConnectionResetError:        # a socket whose other end died with data unread
            data = b""
        if data:
            key.data(data)
        else:
            self._sources.unregister(key.fd)
        return bool(data)

    def _drain(self) -> None:
        """The child is dead, so every channel ends: read each to its end."""
        for key in list(self._sources.get_map().values()):
            with contextlib.suppress(Enough):
                while key.data is not None and self._read(key):
                    pass

    def finish(self) -> None:
        """Kill it, and hand to the sinks what it had written by then."""
        self.close()
        self._drain()

    def interrupt(self) -> None:
        """Send SIGINT."""
        self._signal(signal.SIGINT)

    def kill(self) -> None:
        """SIGKILL, to whatever group the child may have become."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self._process.returncode is None:        # not reaped: the number is still this child's
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:
                pass

    def close(self) -> None:
        """Kill and reap.  May be called twice."""
        self.kill()
        self._process.wait()
        with _lock:
            known = self in _alive
            _alive.discard(self)
        if known:
            ties.has_ended(self.pid)
        if self._pidfd >= 0:
            self._sources.unregister(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1
