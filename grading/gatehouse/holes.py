"""Holes: what the student writes, between two comment lines of the real source.

A C file tags a hole with `//@ lab 2.3  Title. {` and closes it with `//@ } hole("2.3");`; NASM uses `;@` and
`hole 2.3`. A title may go on over further tag lines; the first line that ends in ` {` ends it. From such a file
two others are derived: the skeleton (titles as `LAB 2.3:` comments, the code replaced by what follows the closing
brace, which names the hole when it is reached) and the solved file (the code, its titles as plain comments).

Nothing here knows about labs or about the file system. Every mistake is a HoleError that carries its line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath

MARKS = {".c": "//", ".h": "//", ".asm": ";", ".inc": ";"}   # the comment of each language that may hold holes

_TAG_LINE = re.compile(r"(?P<indent>[ \t]*)(?P<mark>//|;)@(?P<rest>.*)")
_OPENING = re.compile(r" lab (?P<id>\d+\.\d+) +(?P<title>[^\s{].*)")
_CLOSING = re.compile(r" \} +(?P<call>\S.*)")
_TITLE_END = " {"
_LITERAL = r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
_TOKENS = {
    "//": re.compile(r"(?P<comment>/\*.*?(?:\*/|\Z)|//(?:\\\n|[^\n])*)|" + _LITERAL, re.DOTALL),
    ";": re.compile(r"(?P<comment>;[^\n]*)|" + _LITERAL + r"|`(?:\\.|[^`\\\n])*`"),
}
_CALLS = {
    "//": re.compile(r'\bhole\s*\(\s*"(?P<id>\d+\.\d+)"'),
    ";": re.compile(r"^[ \t]*hole[ \t]+(?P<id>\d+\.\d+)\b", re.MULTILINE),
}
_TITLES = re.compile(r"^[ \t]*(?://|;) LAB (?P<id>\d+\.\d+): (?P<title>.*)", re.MULTILINE)


class HoleError(Exception):
    """A tag that is not as it should be; `line` counts from 1."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line
        self.text = text


@dataclass(frozen=True)
class Span:
    """One hole as it stands in a tagged file. Line numbers count from 1."""

    id: str
    line: int               # the tag line
    code: int               # the first line after the title
    end: int                # the closing line
    indent: str
    title: tuple[str, ...]  # the title, one string for each of its lines
    call: str               # what follows the closing brace: the code of the unfilled hole


def mark(path: str) -> str | None:
    """The comment mark of a file that may hold holes, None for every other kind of file."""
    return MARKS.get(PurePath(path).suffix)


def order(identity: str) -> tuple[int, int]:
    """Sorts "2.10" after "2.9"."""
    lab, _, number = identity.partition(".")
    return int(lab), int(number)


def parse(text: str, path: str) -> list[Span]:
    """The holes of a tagged file in the order of its lines. Raises HoleError for the first tag that is wrong."""
    comment = mark(path)
    if comment is None:
        return []
    spans: list[Span] = []
    opened: Span | None = None
    title: list[str] = []       # of a title that has not reached its brace yet
    for number, line in enumerate(text.split("\n"), 1):
        tag = _TAG_LINE.match(line)
        if tag is None:
            if opened is not None and title:
                raise HoleError(number, f"the title of hole {opened.id} never ends: its last line ends in `{{`")
            if f"{comment}@" in without_literals(line, comment):
                raise HoleError(number, f"malformed tag: `{comment}@` stands at the start of its line")
            continue
        if tag["mark"] != comment:
            raise HoleError(number, f"malformed tag: this file marks holes with `{comment}@`")
        if opened is not None and title:
            title.append(_title_line(tag["rest"], number))
        elif opening := _OPENING.fullmatch(tag["rest"]):
            if opened is not None:
                raise HoleError(number, f"nested hole: {opened.id} (line {opened.line}) is not closed yet")
            opened = Span(opening["id"], number, 0, 0, tag["indent"], (), "")
            title = [opening["title"]]
        elif closing := _CLOSING.fullmatch(tag["rest"]):
            if opened is None:
                raise HoleError(number, "this closes a hole that was never opened")
            spans.append(_closed(opened, closing["call"].rstrip(), number, comment))
            opened = None
            continue
        else:
            raise HoleError(number, f"malformed tag: write `{comment}@ lab N.M  Title. {{` or "
                                    f"`{comment}@ }} {_example(comment, 'N.M')}`")
        if title[-1].endswith(_TITLE_END):
            title[-1] = title[-1].removesuffix(_TITLE_END).rstrip()
            opened = Span(opened.id, opened.line, number + 1, 0, opened.indent, tuple(title), "")
            title = []
    if opened is not None:
        raise HoleError(opened.line, f"hole {opened.id} is never closed")
    return spans


def _title_line(rest: str, number: int) -> str:
    if not rest.startswith(" ") or _OPENING.fullmatch(rest) or _CLOSING.fullmatch(rest):
        raise HoleError(number, "malformed tag: a title goes on until a line that ends in ` {`")
    return rest[1:]


def _closed(opened: Span, call: str, number: int, comment: str) -> Span:
    """The span that the closing line completes; its call must name the same hole."""
    called = [found["id"] for found in _CALLS[comment].finditer(call)]
    if called != [opened.id]:
        raise HoleError(number, f"wrongly numbered hole: opened as {opened.id} (line {opened.line}), so this line "
                                f"closes with `{comment}@ }} {_example(comment, opened.id)}`")
    return Span(opened.id, opened.line, opened.code, number, opened.indent, opened.title, call)


def _example(comment: str, identity: str) -> str:
    return f'hole("{identity}");' if comment == "//" else f"hole {identity}"


def skeleton(text: str, path: str) -> str:
    """The file as a student gets it: every hole unfilled, no tag left."""
    return _derive(text, path, solved_form=False)


def solved(text: str, path: str) -> str:
    """The file as a student leaves it: the code of every hole, its title a plain comment, no tag left."""
    return _derive(text, path, solved_form=True)


def _derive(text: str, path: str, solved_form: bool) -> str:
    lines = text.split("\n")
    derived: list[str] = []
    after = 0
    for span in parse(text, path):
        derived += lines[after:span.line - 1]
        first = "" if solved_form else f"LAB {span.id}: "
        derived += [f"{span.indent}{mark(path)} {start}{words}"
                    for start, words in zip([first] + [""] * len(span.title), span.title)]
        derived += lines[span.code - 1:span.end - 1] if solved_form else [span.indent + span.call]
        after = span.end
    return "\n".join(derived + lines[after:])


def without_comments(text: str, comment: str) -> str:
    """The text with its comments blanked; lines and columns stay where they are."""
    return _TOKENS[comment].sub(lambda token: _blank(token[0]) if token["comment"] else token[0], text)


def without_literals(text: str, comment: str) -> str:
    """The text with its string and character literals blanked; comments stay."""
    return _TOKENS[comment].sub(lambda token: token[0] if token["comment"] else _blank(token[0]), text)


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def calls(text: str, path: str) -> dict[str, int]:
    """Where a file without tags still calls a hole outside comments: the hole's id and its line."""
    comment = mark(path)
    if comment is None:
        return {}
    code = without_comments(text, comment)
    return {found["id"]: code.count("\n", 0, found.start("id")) + 1 for found in _CALLS[comment].finditer(code)}


def unfilled(text: str, path: str) -> list[str]:
    """The holes of a student's file that are not filled yet: those it still calls outside comments."""
    return list(calls(text, path))


def titles(text: str, path: str) -> dict[str, tuple[int, str]]:
    """The `LAB N.M:` comments of a file without tags: id, line and the title's first line."""
    if mark(path) is None:
        return {}
    return {found["id"]: (text.count("\n", 0, found.start("id")) + 1, found["title"])
            for found in _TITLES.finditer(text)}
