"""What was handed in, unpacked without harm: regular files only, at their paths in the tree.

No path of an archive is believed (absolute, `..`, links, devices, odd names). What is left out is told. A tree may lie
a few folders deep; the outermost folder that has one of the lab's files with holes is taken.

Runs as a program of its own in the sandbox (cohort/taking.py): what an archive or a repository does to its reader, it
does there, and not for long.

    python3 -m gatehouse.cohort.unpack SOURCE DEST WANTED...     the notes on stdout, as JSON
"""

from __future__ import annotations

import json
import os
import re
import stat
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from .members import (ENTRIES_MOST, FILE_MOST, SKIPPED, Member, Unusable, in_folder, in_tar, in_zip, is_bundle,
                      of_repository, printable)

ALL_MOST = 64 << 20             # bytes of all files
UNUSABLE = 3                    # exit status; Python's own is 1
DEEPEST = 40                    # folders
PACKED = (".tar", ".tgz", ".gz", ".xz", ".bz2", ".zip", ".bundle")
WRAPPED = 2                     # archives around an archive, as who packs what is packed makes them
KINDS = {b"7z\xbc\xaf": "a 7z archive", b"Rar!": "a RAR archive", b"PK\3\4": "a zip file that was cut off",
         b"\x1f\x8b": "a gzip file that was cut off, or holds no tar"}
STANDS_AT = re.compile(rb"^CURRENT := (\d\d)$", re.MULTILINE)


@dataclass
class Unpacked:
    """The folder with the files, and one line for each thing that was left out."""

    tree: Path
    notes: list[str] = field(default_factory=list)


def unpack(source: Path, wanted: Sequence[str], dest: Path) -> Unpacked:
    """Write the regular files of SOURCE (a folder, archive, bundle or repository) to DEST, an empty folder.

    WANTED are the paths in the tree by which its root is known. Raises Unusable.
    """
    try:
        with tempfile.TemporaryDirectory() as scratch:
            members = _members(source, wanted, Path(scratch), ENTRIES_MOST)
            return _write(members, wanted, dest, source.name)
    except (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile, NotImplementedError, RuntimeError,
            ValueError) as error:
        raise Unusable(f"{printable(source.name)} cannot be read: {printable(str(error))[:200]}") from error


def _members(source: Path, wanted: Sequence[str], scratch: Path, most: int, wrapped: int = WRAPPED) -> list[Member]:
    """What SOURCE holds, or the one archive in it, as Moodle makes a folder of it and people another archive."""
    members = list(_held(source, scratch, most))
    packed = [(member, member.open) for member in members if member.open and member.path.lower().endswith(PACKED)]
    if len(packed) != 1 or not wrapped or _root(members, wanted) is not None:
        return members
    (only, opened), = packed
    inner = source / only.path
    if not inner.is_file():             # not in a folder: in an archive, of which small files have been read
        if only.size > FILE_MOST:
            return members
        inner = scratch / str(wrapped) / PurePosixPath(only.path).name
        _settle(inner, opened)
    return _members(inner, wanted, scratch, most, wrapped - 1)


def _held(source: Path, scratch: Path, most: int) -> Iterator[Member]:
    mode = os.lstat(source).st_mode
    if stat.S_ISDIR(mode) and not ((source / "HEAD").is_file() and (source / "objects").is_dir()):
        return in_folder(source, most)
    if stat.S_ISDIR(mode) or stat.S_ISREG(mode) and is_bundle(source):
        return in_tar(of_repository(source, scratch), most)
    if not stat.S_ISREG(mode):
        raise Unusable(f"{printable(source.name)} is neither a folder nor a regular file")
    if zipfile.is_zipfile(source):
        return in_zip(source, most)
    if tarfile.is_tarfile(source):
        return in_tar(source, most)
    with source.open("rb") as file:
        first = file.read(4)
    what = next((what for start, what in KINDS.items() if first.startswith(start)),
                "no folder, tar, zip or git bundle" if first else "an empty file")
    raise Unusable(f"{printable(source.name)} is {what}; `make handin` packs what is wanted")


def _parts(path: str) -> tuple[str, ...] | None:
    """The path's parts; None if it leads out or is none."""
    pure = PurePosixPath(path)
    parts = pure.parts
    if not parts or pure.is_absolute() or ".." in parts or "\0" in path or len(parts) > DEEPEST:
        return None
    return parts


def _root(members: Sequence[Member], wanted: Sequence[str]) -> tuple[str, ...] | None:
    """The outermost folder under which one of WANTED is."""
    roots = _roots(members, wanted)
    return min(roots, key=lambda root: (len(root), root)) if roots else None


def _roots(members: Sequence[Member], wanted: Sequence[str]) -> set[tuple[str, ...]]:
    ends = [PurePosixPath(name).parts for name in wanted]
    paths = filter(None, (_parts(member.path) for member in members))
    return {parts[:-len(end)] for parts in paths for end in ends if parts[-len(end):] == end}


def _write(members: Sequence[Member], wanted: Sequence[str], dest: Path, name: str) -> Unpacked:
    root = _root(members, wanted)
    if root is None:
        raise Unusable(_nothing_wanted(members, wanted, name))
    others = [other for other in sorted(_roots(members, wanted))
              if other[:len(root)] != root and not SKIPPED & set(other)]
    out = Unpacked(dest, [f"{printable('/'.join(other))}: another tree; {printable('/'.join(root))} is judged"
                          for other in others])
    total = 0
    for member in members:
        parts = _parts(member.path)
        if parts is None:
            out.notes.append(f"{printable(member.path)}: a path that leads out of the tree; left out")
            continue
        if parts[:len(root)] != root or SKIPPED & set(parts[len(root):]):
            continue
        path = PurePosixPath(*parts[len(root):])
        if member.open is None:
            out.notes.append(f"{printable(str(path))}: {member.what}; left out")
        elif member.size > FILE_MOST:
            out.notes.append(f"{printable(str(path))}: {member.size} bytes, more than {FILE_MOST >> 20} MiB; left out")
        elif (total := total + member.size) > ALL_MOST:
            raise Unusable(f"{printable(name)} holds more than {ALL_MOST >> 20} MiB; a submission has a few files")
        elif not _settle(dest / path, member.open):
            out.notes.append(f"{printable(str(path))}: a file and a folder have this name; left out")
    return out


def _settle(path: Path, opened: Callable[[], IO[bytes]]) -> bool:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with opened() as file:
            path.write_bytes(file.read(FILE_MOST))
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        return False
    return True


def _nothing_wanted(members: Sequence[Member], wanted: Sequence[str], name: str) -> str:
    first = [printable(member.path) for member in members[:4]]
    holds = f"it holds {', '.join(first)}{' ...' if len(members) > len(first) else ''}" if first else "it is empty"
    for member in members:
        if member.open and member.path.endswith("labs/current.mk"):
            with member.open() as file:
                stands = STANDS_AT.search(file.read(FILE_MOST))
            holds = f"it is a tree at lab {stands[1].decode()}" if stands else holds
    if any(_parts(member.path) is None for member in members):
        holds += "; paths that begin with / or lead out by .. are not taken"
    return f"{printable(name)} has no {wanted[0]} or other file with holes of this lab; {holds}"


def main(words: Sequence[str]) -> int:
    """See above; status UNUSABLE with one line for the student on stderr if nothing can be judged."""
    source, dest, *wanted = words
    try:
        print(json.dumps(unpack(Path(source), wanted, Path(dest)).notes))
    except Unusable as error:
        print(error, file=sys.stderr)
        return UNUSABLE
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
