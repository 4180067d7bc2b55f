"""Text for people: what comes from a guest or a student is made safe for a terminal and for XML."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

WIDEST = 160
NAME_MOST = 1024
LOOK_BACK = 64 * 1024
UNREADABLE = 4          # a line is data, not text, when more than one byte in so many cannot be printed
SHORTEST_DATA = 8       # bytes; less is shown as it is


def escape(text: str) -> str:
    """TEXT on one line with everything but printable ASCII as \\xNN, cut where it is too long."""
    shown = "".join(char if " " <= char <= "~" else f"\\x{ord(char):02x}" for char in text[:WIDEST])
    return shown + (" ..." if len(text) > WIDEST else "")


def visible(text: str, most: int) -> str:
    """TEXT on one line with its letters of any language, all that a terminal would obey as \\xNN, cut after MOST."""
    shown = "".join(char if char.isprintable() else _code(char) for char in text[:most])
    return shown + (" ..." if len(text) > most else "")


def _code(char: str) -> str:
    """A byte of a name that is in no known encoding is what it was, and not what Python puts in its place."""
    value = ord(char)
    return f"\\x{value & 0xff:02x}" if value < 0x100 or 0xdc80 <= value < 0xdd00 else f"\\u{value:04x}"


def named(text: str) -> str:
    """A person's or a file's name on one line, whole."""
    return visible(" ".join(text.split()), NAME_MOST)


def counted(number: int, what: str) -> str:
    """So many of WHAT, a word whose plural ends with s."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def tail(serial: bytes, count: int) -> list[str]:
    """The last COUNT lines that hold anything, escaped; data among them are counted, not shown."""
    lines = serial[-LOOK_BACK:].decode("latin-1").split("\n")
    return list(_told(line for line in lines if line.strip()))[-count:]


def _told(lines: Iterable[str]) -> Iterator[str]:
    for unreadable, run in groupby(lines, _is_data):
        same = list(run)
        size = len("\n".join(same))
        if unreadable and size >= SHORTEST_DATA:
            yield f"... {size} bytes, mostly unprintable"
        else:
            yield from map(escape, same)


def _is_data(line: str) -> bool:
    return UNREADABLE * sum(not " " <= char <= "~" for char in line) > len(line)
