"""What a guest says, made fit for a terminal: bulk data are counted, and what would wreck it is shown as \\xNN.

A line shows as it comes, for a person may be typing into it.
"""

from __future__ import annotations

import re

HEADER = re.compile(rb"# data \w+ (\d{1,9})")
# Where data end: at their mark, and at whatever else comes when something went wrong.
OVER = re.compile(rb"\n(?=# data end \w+\n|# begin \d+ |(?:not )?ok \d+ \w+ \[|# END \[|PANIC: )"
                  rb"|(?=reached hole \d+\.\d+, which)")
LONGEST = 64                 # bytes; no header and no line that OVER looks for is longer
# Text; what moves the cursor, erases or colours, as shells and QEMU's monitor do; that, cut in two; all else.
TOKEN = re.compile(rb"(?P<shown>[\n\r\t\b -~]+|\x1b\[[0-9;]{0,8}[A-DHJKm])"
                   rb"|(?P<cut>\x1b(?:\[[0-9;]{0,8})?\Z)|(?P<odd>.)", re.DOTALL)


class Console:
    """One guest's words: feed it bytes, show what it returns."""

    def __init__(self) -> None:
        self._line = b""                     # the line so far, to find headers
        self._cut = b""                      # the beginning of what moves the cursor
        self._promised: int | None = None    # bytes, while data come
        self._data = b""                     # their end, with the newline before them
        self._dropped = 0                    # bytes of data before that

    def feed(self, data: bytes) -> bytes:
        shown = b""
        while data:
            if self._promised is None:
                text, newline, data = data.partition(b"\n")
                shown += self._escaped(text + newline)
                self._line = (self._line + text)[:LONGEST]
                if newline:
                    if header := HEADER.fullmatch(self._line):
                        self._promised, self._data, self._dropped = int(header[1]), b"\n", 0
                    self._line = b""
                continue
            self._data += data
            if over := OVER.search(self._data):
                data = self._data[over.end():]
                shown += self._counted(over.start())
            else:
                self._dropped += len(self._data[:-LONGEST])
                data, self._data = b"", self._data[-LONGEST:]
        return shown

    def finish(self) -> bytes:
        """What is left when nothing comes any more."""
        if self._promised is not None:
            return self._counted(len(self._data))
        cut, self._cut = self._cut, b""
        return b"".join(b"\\x%02x" % byte if byte < 0x20 else bytes([byte]) for byte in cut)

    def _counted(self, end: int) -> bytes:
        count = max(0, self._dropped + end - 1)
        other = b"" if count == self._promised else f" instead of {self._promised}".encode()
        self._promised = None
        return b"(%d bytes of data%s; make grade compares them)\n" % (count, other)

    def _escaped(self, text: bytes) -> bytes:
        shown, text, self._cut = b"", self._cut + text, b""
        for token in TOKEN.finditer(text):
            if token["cut"]:
                self._cut = token["cut"]
            else:
                shown += token["shown"] or b"\\x%02x" % token["odd"][0]
        return shown
