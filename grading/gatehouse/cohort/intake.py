"""Who handed in what: the entries of a folder, named as Moodle, Canvas or a person names them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

# Ada Lovelace_1234567_assignsubmission_file_[/ or the file's own name]
MOODLE = re.compile(r"(?P<who>.+)_(?P<order>\d+)_assignsubmission_(?:file|onlinetext)_?.*", re.DOTALL)
# lovelaceada[_LATE]_12345_678901_the-file-s-own-name[-attempt]
CANVAS = re.compile(r"(?P<who>[^_]+)(?:_LATE)?_\d+_(?P<order>\d+)_.+", re.DOTALL)
# what `make handin` calls its archive
HANDIN = re.compile(r"handin-lab\d\d-(?P<who>.+)", re.DOTALL)
ARCHIVES = (".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".tar.zst", ".tar", ".zip", ".bundle")
SAFE = re.compile(r"[A-Za-z0-9._-]")
LONGEST = 80        # characters of a name that become part of a path


@dataclass(frozen=True)
class Entry:
    """One student's submission, not looked into yet."""

    student: str                    # as the folder's entry says, any characters
    slug: str                       # the same, fit for a path and unlike all others
    path: Path
    older: tuple[Path, ...] = ()    # what the same student handed in before


def entries(folder: Path) -> list[Entry]:
    """The submissions in FOLDER, by name; of several by one student the last. Hidden files are none. Raises OSError."""
    found: dict[str, list[tuple[int, str, Path]]] = {}
    for path in folder.iterdir():
        if not path.name.startswith("."):
            who, order = _who(path.name)
            found.setdefault(who, []).append((order, path.name, path))
    return list(_named(sorted((who, sorted(all_)) for who, all_ in found.items())))


def _who(name: str) -> tuple[str, int]:
    """The student, and a number that grows with every attempt."""
    for pattern in (MOODLE, CANVAS):
        if match := pattern.fullmatch(name):
            return match["who"], int(match["order"])
    stem = next((name.removesuffix(end) for end in ARCHIVES if name.lower().endswith(end)), name)
    stem = stem.removesuffix(".git")
    match = HANDIN.fullmatch(stem)
    return match["who"] if match else stem, 0


def _named(found: Iterable[tuple[str, list[tuple[int, str, Path]]]]) -> Iterator[Entry]:
    taken: set[str] = set()
    for who, all_ in found:
        slug = base = slug_of(who)
        number = 1
        while slug.lower() in taken:            # some file systems hold `Ada` and `ada` for one name
            number += 1
            slug = f"{base}~{number}"
        taken.add(slug.lower())
        *older, last = (path for _, _, path in all_)
        yield Entry(who, slug, last, tuple(older))


def slug_of(name: str) -> str:
    """NAME with all but letters of ASCII, digits, dot, hyphen and underscore as %XX; it begins with no dot."""
    text = "".join(char if SAFE.fullmatch(char) else "".join(f"%{byte:02X}" for byte in _bytes(char)) for char in name)
    if text.startswith("."):
        text = f"%2E{text[1:]}"
    return text[:LONGEST] or "%"


def _bytes(char: str) -> bytes:
    return char.encode("utf-8", "surrogateescape")
