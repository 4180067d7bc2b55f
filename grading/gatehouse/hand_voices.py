"""The debugger of Bochs and its guest's serial port in one terminal, in the order in which they speak."""

from __future__ import annotations

import fcntl
import os
import selectors
import termios
import threading
import tty

from .hand_console import Console
from .supervise import CHUNK
from .terminal import STDOUT, show


class Voices:
    """Bochs writes its own words to `words`, and its guest's to `serial`.

    `words` is a terminal, so that Bochs writes line by line. What the guest said before a word is in the pipe by the
    time that the word arrives, and goes before it: a prompt comes last.
    """

    def __init__(self) -> None:
        self._hears, self.words = os.openpty()
        tty.setraw(self.words)
        fcntl.ioctl(self.words, termios.TIOCSWINSZ, fcntl.ioctl(STDOUT, termios.TIOCGWINSZ, bytes(8)))
        self._listens, self.serial = os.pipe()
        self.serial_path = f"/dev/fd/{self.serial}"
        os.set_blocking(self._listens, False)
        self._console = Console()
        self._thread = threading.Thread(target=self._relay, daemon=True)

    def start(self) -> None:
        """To be called when Bochs has both: from now on it alone can write to them."""
        os.close(self.words)
        os.close(self.serial)
        self._thread.start()

    def finish(self) -> None:
        """Wait for what was said before Bochs ended."""
        self._thread.join()
        show(self._console.finish())
        os.close(self._hears)
        os.close(self._listens)

    def _relay(self) -> None:
        with selectors.DefaultSelector() as sources:
            sources.register(self._hears, selectors.EVENT_READ)
            sources.register(self._listens, selectors.EVENT_READ)
            while sources.get_map():
                ready = {key.fd for key, _ in sources.select()}
                words = self._read(sources, self._hears) if self._hears in ready else b""
                echo = words[:1] if words.startswith(b"\n") else b""       # of Enter, before the machine went on
                show(echo)
                if self._listens in sources.get_map():
                    show(self._console.feed(self._read(sources, self._listens)))
                show(words[len(echo):])

    @staticmethod
    def _read(sources: selectors.BaseSelector, source: int) -> bytes:
        """What is there now; a source that has ended is let go."""
        try:
            data = os.read(source, CHUNK)
        except BlockingIOError:
            return b""
        except OSError:              # EIO: nobody holds the terminal's other end
            data = b""
        if not data:
            sources.unregister(source)
        return data
