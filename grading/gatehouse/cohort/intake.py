"""Who handed in what: the entries of a folder, named as Moodle, Canvas or a person names them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# Ada Lovelace_1234567_assignsubmission_file_[/ or the file's own name]; the number is the student's
MOODLE = re.compile(r"(?P<who>.+)_(?P<id>\d+)_assignsubmission_(?P<kind>file|onlinetext)_?.*", re.DOTALL)
# lovelaceada[_LATE]_12345_678901_the-file-s-own-name[-attempt];
# the first number is the student's, the second the file's
CANVAS = re.compile(r"(?P<who>[^_]+)(?:_LATE)?_(?P<id>\d+)_(?P<order>\d+)_.+", re.DOTALL)
# what `make handin` calls its archive
HANDIN = re.compile(r"handin-lab(?P<lab>\d\d)-(?P<who>.+)", re.DOTALL)
ARCHIVES = (".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".tar.zst", ".tar", ".zip", ".bundle")
NOBODY = ("__MACOSX", "Thumbs.db", "desktop.ini")      # what systems put beside people's files, unless it is hidden
SAFE = re.compile(r"[A-Za-z0-9._-]")
LONGEST = 80        # characters of a name that become part of a path


@dataclass(frozen=True)
class Entry:
    """One student's submission, not looked into yet."""

    student: str                    # as the folder's entry says, any characters
    slug: str                       # the same, fit for a path and unlike all others
    path: Path
    older: tuple[Path, ...] = ()    # what else the same student handed in


@dataclass(frozen=True)
class _Name:
    """What the name of a folder's entry tells."""

    who: str
    id: str = ""            # a system's own number of the student: two may have one name
    order: int = 0          # grows with every attempt


def entries(folder: Path) -> list[Entry]:
    """The submissions in FOLDER, by name; of several by one student the last. Hidden files are none. OSError."""
    found: dict[tuple[str, str], list[tuple[bool, int, str, Path]]] = {}
    for path in folder.iterdir():
        if not path.name.startswith(".") and path.name not in NOBODY:
            name = _read(path.name)
            found.setdefault((name.who, name.id), []).append((_may_be_one(path), name.order, path.name, path))
    return list(_named(sorted((who, id_, sorted(all_)) for (who, id_), all_ in found.items())))


def labs_of(folder: Path) -> set[str]:
    """The labs, two digits each, for which `make handin` packed what lies in FOLDER, by names. Raises OSError."""
    tops = list(folder.iterdir())
    names = [path.name for path in tops]
    for top in tops:
        with suppress(PermissionError):         # one that cannot be read is no reason not to judge the others
            names += [path.name for path in top.iterdir()] if top.is_dir() and not top.is_symlink() else []
    return {match["lab"] for name in names if (match := HANDIN.search(name))}


def _may_be_one(path: Path) -> bool:
    """Whether it can be a submission, by its kind and name: a photo beside one is never the last attempt."""
    if (match := MOODLE.fullmatch(path.name)) and match["kind"] == "onlinetext":
        return False
    return path.is_dir() or path.name.lower().endswith(ARCHIVES)


def _read(name: str) -> _Name:
    if match := MOODLE.fullmatch(name):
        return _Name(match["who"], match["id"])
    if match := CANVAS.fullmatch(name):
        return _Name(match["who"], match["id"], int(match["order"]))
    stem = next((name[:-len(end)] for end in ARCHIVES if name.lower().endswith(end)), name)
    stem = stem.removesuffix(".git")
    match = HANDIN.fullmatch(stem)
    return _Name(match["who"], order=int(match["lab"])) if match else _Name(stem)


def _named(found: Sequence[tuple[str, str, Sequence[tuple[bool, int, str, Path]]]]) -> Iterator[Entry]:
    """An entry for each; those that share a name have the number by which they differ behind it."""
    taken: set[str] = set()
    shared = Counter(who for who, _, _ in found)
    for who, id_, all_ in found:
        student = f"{who}_{id_}" if shared[who] > 1 and id_ else who
        slug = base = slug_of(student)
        number = 1
        while slug.lower() in taken:            # some file systems hold `Ada` and `ada` for one name
            number += 1
            slug = f"{base}~{number}"
        taken.add(slug.lower())
        *older, last = (path for *_, path in all_)
        yield Entry(student, slug, last, tuple(older))


def slug_of(name: str) -> str:
    """NAME with all but letters of ASCII, digits, dot, hyphen and underscore as %XX; it begins with no dot."""
    text = "".join(char if SAFE.fullmatch(char) else "".join(f"%{byte:02X}" for byte in _bytes(char)) for char in name)
    if text.startswith("."):
        text = f"%2E{text[1:]}"
    return text[:LONGEST] or "%"


def _bytes(char: str) -> bytes:
    return char.encode("utf-8", "surrogateescape")
