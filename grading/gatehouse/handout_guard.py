"""What a correction may not do to a course that students work in.

A student's merge never conflicts if between a correction and a hole at least one line stays as it was: git then
sees two separate changes. So a correction may not touch a hole (its title, the line that names it), the line before
it or the line after it. Nor may it take a published file away.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from . import holes

_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@", re.MULTILINE)


def touched_holes(path: str, published: str, difference: str) -> list[tuple[int, str]]:
    """The holes of a published file that a change would touch: the line in the published file, and the id.

    `difference` is what git's histogram diff (the one that git merges by) says without context.
    """
    touched: dict[str, int] = {}
    for first, last in _changes(difference):
        for identity, (start, end) in _zones(path, published).items():
            if first <= end and last >= start:
                touched.setdefault(identity, max(first, start))
    return [(line, identity) for identity, line in touched.items()]


def _zones(path: str, text: str) -> dict[str, tuple[int, int]]:
    """The lines, counted from 1, that must stay: each hole from the line before its title to the line after it."""
    titles = holes.titles(text, path)
    return {identity: (titles.get(identity, (line, ""))[0] - 1, line + 1)
            for identity, line in holes.calls(text, path).items()}


def _changes(difference: str) -> Iterator[tuple[int, int]]:
    """First and last changed line. An insertion between lines 7 and 8 is (8, 7): it touches only what it parts."""
    for hunk in _HUNK.finditer(difference):
        line, count = int(hunk[1]), int(hunk[2] or 1)
        yield (line, line + count - 1) if count else (line + 1, line)
