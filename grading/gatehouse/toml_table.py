"""TOML with line numbers: typed access to a table, where every complaint names file and line.

tomllib forgets where a key stood, so a small scan of the text remembers it. The scan only serves messages: where it
is fooled (a key quoted inside a long string), a line number is off, never a value.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, TypeVar

Value = TypeVar("Value")
Place = tuple[str | int, ...]   # ("test", 2, "points"): key `points` of the third [[test]]

_ARRAY = re.compile(r"\s*\[\[\s*([\w.-]+)\s*\]\]")
_TABLE = re.compile(r"\s*\[\s*([\w.-]+)\s*\]")
_KEY = re.compile(r"\s*([\w-]+)\s*=")
_AT_LINE = re.compile(r"\s*\(at line (\d+), column \d+\)|\s*\(at end of document\)")
_KINDS = {str: "a string", int: "a whole number", bool: "true or false", list: "a list of strings",
          dict: "a table of strings"}


class Source:
    """One TOML file: its values, and the mistakes found in it as (line, text)."""

    def __init__(self, path: Path) -> None:
        self.mistakes: list[tuple[int, str]] = []
        self.rows: list[str] = []
        self.values: dict[str, Any] = {}
        try:
            self.rows = path.read_text("utf-8").split("\n")
            self.values = tomllib.loads("\n".join(self.rows))
        except tomllib.TOMLDecodeError as error:
            found = _AT_LINE.search(str(error))
            line = int(found[1]) if found and found[1] else len(self.rows)
            self.mistakes.append((line, f"not TOML: {_AT_LINE.sub('', str(error))}"))
        except UnicodeDecodeError as error:
            self.mistakes.append((1, f"not UTF-8: {error.reason} at byte {error.start}"))
        self._lines = _scan(self.rows)

    def line(self, *place: str | int, value: str | None = None) -> int:
        """The line of a key or table; with `value`, of the string in it. Falls back to what encloses it."""
        while place and place not in self._lines:
            place = place[:-1]
        line = self._lines.get(place, 1)
        if value is not None:
            quoted = (f'"{value}"', f"'{value}'")
            for number in range(line, len(self.rows) + 1):
                if any(text in self.rows[number - 1] for text in quoted):
                    return number
        return line

    def complain(self, text: str, *place: str | int, value: str | None = None) -> None:
        """Note a mistake at a key, a table or a string in it."""
        self.mistakes.append((self.line(*place, value=value), text))

    def root(self) -> Table:
        return Table(self, (), self.values)


class Table:
    """One table of a source. A key that is missing or of the wrong type is noted, and read as an empty value."""

    def __init__(self, source: Source, place: Place, values: dict[str, Any]) -> None:
        self.source = source
        self.place = place
        self._left = dict(values)
        self._known: list[str] = []

    def string(self, key: str, default: str | None = None) -> str:
        return self._take(key, str, default)

    def number(self, key: str, default: int | None = None) -> int:
        return self._take(key, int, default)

    def flag(self, key: str, default: bool) -> bool:
        return self._take(key, bool, default)

    def strings(self, key: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        return tuple(self._take(key, list, None if default is None else list(default)))

    def words(self, key: str, default: dict[str, str] | None = None) -> dict[str, str]:
        return self._take(key, dict, default)

    def optional(self, key: str) -> str | None:
        """A string, None where it is left out."""
        if key in self._left:
            return self._take(key, str, None)
        self._known.append(key)
        return None

    def pattern(self, key: str) -> str | None:
        """A regular expression, None where it is left out or does not compile (which is noted)."""
        text = self.optional(key)
        try:
            re.compile(text or "")
        except re.error as error:
            self.complain(f"`{key}` is not a regular expression: {error}", key)
            return None
        return text

    def tables(self, key: str) -> list[Table]:
        """The tables of [[key]], none where it is left out."""
        self._known.append(key)
        values = self._left.pop(key, [])
        if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
            self.complain(f"`{key}` is a list of tables: write [[{key}]]", key)
            return []
        return [Table(self.source, (*self.place, key, index), value) for index, value in enumerate(values)]

    def table(self, key: str) -> Table | None:
        """The table [key], None where it is left out."""
        self._known.append(key)
        if key not in self._left:
            return None
        value = self._left.pop(key)
        if not isinstance(value, dict):
            self.complain(f"`{key}` is a table: write [{key}]", key)
            return None
        return Table(self.source, (*self.place, key), value)

    def complain(self, text: str, key: str | None = None, value: str | None = None) -> None:
        place = self.place if key is None else (*self.place, key)
        self.source.complain(text, *place, value=value)

    def finish(self) -> None:
        """Note every key that nobody asked for."""
        for key in self._left:
            self.complain(f"unknown key `{key}`; known here: {', '.join(self._known)}", key)

    def _take(self, key: str, kind: type[Value], default: Value | None) -> Value:
        self._known.append(key)
        if key not in self._left:
            if default is None:
                self.complain(f"missing key `{key}`")
            return kind() if default is None else default
        value: Any = self._left.pop(key)
        fits = type(value) is kind
        if fits and kind is list:
            fits = all(type(item) is str for item in value)
        if fits and kind is dict:
            fits = all(type(item) is str for item in value.values())
        if not fits:
            self.complain(f"`{key}` is {_KINDS[kind]}", key)
            return kind() if default is None else default
        known: Value = value
        return known


def _scan(rows: list[str]) -> dict[Place, int]:
    """Where each table and key stands. The first place wins."""
    lines: dict[Place, int] = {}
    counts: dict[Place, int] = {}
    table: Place = ()
    for number, row in enumerate(rows, 1):
        if header := _ARRAY.match(row):
            name = tuple(header[1].split("."))
            counts[name] = counts.get(name, -1) + 1
            table = (*name, counts[name])
        elif header := _TABLE.match(row):
            table = tuple(header[1].split("."))
        elif key := _KEY.match(row):
            lines.setdefault((*table, key[1]), number)
            continue
        else:
            continue
        lines.setdefault(table, number)
        for length in range(1, len(table)):
            lines.setdefault(table[:length], number)
    return lines
