"""What is in a submission: each entry of a folder, an archive or a repository, as it is read.

Nothing of an archive is believed, neither its sizes nor what it says a member is. Files are read member by member,
never by the archive's own means of extraction, up to limits.
"""

from __future__ import annotations

import io
import os
import stat
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..safe import visible

FILE_MOST = 1 << 20             # bytes of a file; larger ones are told and left out
READ_MOST = 256 << 20           # bytes that an archive may unpack to before we stop reading it
ENTRIES_MOST = 20000
# Of make, git, Python, macOS; nobody wrote them.
SKIPPED = frozenset({".git", "build", "__pycache__", ".cache", ".pytest_cache", "__MACOSX", ".DS_Store"})
# Git asks whose a repository is before it reads one, and believes nobody but the user's own configuration.
GIT_CONFIG = "[safe]\n\tdirectory = *\n[core]\n\thooksPath = /dev/null\n"
TOLD = 200                      # characters of a name
WINDOWS = 0                     # as the system that a zip was made on


class Unusable(Exception):
    """Nothing can be judged; the text is for the student."""


@dataclass(frozen=True)
class Member:
    """Something at a path: a regular file that can be opened, or the reason why it is none."""

    path: str
    size: int = 0
    open: Callable[[], IO[bytes]] | None = None
    what: str = ""


def printable(text: str) -> str:
    """A name, or what a program says, on one line."""
    return visible(text, TOLD)


def in_folder(top: Path, most: int) -> Iterator[Member]:
    """What is below TOP, at most so many. Raises Unusable, OSError."""
    seen = 0
    for folder, folders, files in os.walk(top, onerror=_raise):
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        folders[:] = sorted(name for name in folders if name not in SKIPPED)
        for name in sorted(files + links):
            seen += 1
            if seen > most:
                raise Unusable(f"more than {most} files")
            path = Path(folder) / name
            info = os.lstat(path)
            where = path.relative_to(top).as_posix()
            if stat.S_ISREG(info.st_mode):
                yield Member(where, info.st_size, lambda path=path: _opened(path))      # type: ignore[misc]
            else:
                yield Member(where, what=_kind(info.st_mode))


def _raise(error: OSError) -> None:
    raise error


def _opened(path: Path) -> IO[bytes]:
    """Not through a link that has come meanwhile, and without waiting for a pipe's other end."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")


def _kind(mode: int) -> str:
    return "a symbolic link" if stat.S_ISLNK(mode) else "no regular file"


def in_tar(source: Path, most: int) -> Iterator[Member]:
    """The members of an archive, packed or not. Raises Unusable, tarfile.TarError, OSError."""
    with tarfile.open(source, "r:*", errorlevel=2) as archive:
        read = 0
        for number, info in enumerate(archive):
            read += max(info.size, 0)
            if number >= most or read > READ_MOST:
                raise Unusable(_bomb(source, number >= most))
            if info.isreg():
                taken = _bytes_of(archive.extractfile(info), info.size)
                yield Member(info.name, info.size, taken)
            elif not info.isdir():
                yield Member(info.name, what="a link" if info.issym() or info.islnk() else "no regular file")


def _bytes_of(file: IO[bytes] | None, size: int) -> Callable[[], IO[bytes]]:
    """A stream cannot go back, so what is small enough is read now."""
    content = file.read(FILE_MOST + 1) if file and size <= FILE_MOST else b""
    return lambda: io.BytesIO(content)


def in_zip(source: Path, most: int) -> Iterator[Member]:
    """The members of an archive. Raises Unusable, zipfile.BadZipFile, RuntimeError, OSError."""
    with closing(zipfile.ZipFile(source)) as archive:
        infos = archive.infolist()
        if len(infos) > most or sum(info.file_size for info in infos) > READ_MOST:
            raise Unusable(_bomb(source, len(infos) > most))
        for info in infos:
            mode = info.external_attr >> 16
            name = info.filename.replace("\\", "/") if info.create_system == WINDOWS else info.filename
            if name.endswith("/"):
                continue
            if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
                yield Member(name, what=_kind(mode))
            elif info.flag_bits & 1:
                raise Unusable(f"{printable(source.name)} is encrypted; pack it without a password")
            else:
                yield Member(name, info.file_size, _bytes_of(archive.open(info), info.file_size))


def _bomb(source: Path, many: bool) -> str:
    size = f"more than {ENTRIES_MOST} entries" if many else f"more than {READ_MOST >> 20} MiB"
    return f"{printable(source.name)} unpacks to {size}; a submission has a few files"


def is_bundle(source: Path) -> bool:
    """Whether `git bundle` made it."""
    with source.open("rb") as file:
        line = file.readline(64)
    return line.startswith((b"# v2 git bundle", b"# v3 git bundle"))


def of_repository(source: Path, scratch: Path) -> Path:
    """A tar of the last commit."""
    out, copy, config = scratch / "tree.tar", scratch / "copy.git", scratch / "config"
    config.write_text(GIT_CONFIG)

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], stdin=subprocess.DEVNULL, capture_output=True, errors="replace",
                              check=False, env=os.environ | {"GIT_CONFIG_GLOBAL": str(config)})
        if done.returncode < 0:
            raise Unusable("git cannot read it: it takes too much time or space to unpack")
        if done.returncode:
            said = [line for line in done.stderr.split("\n") if line.strip()] or ["no commit"]
            first = next((line for line in said if line.startswith(("error:", "fatal:"))), said[-1])
            if first.endswith("prerequisite commits:"):
                first = "the bundle lacks commits; `git bundle create FILE HEAD` packs all"
            raise Unusable(f"git cannot read it: {printable(first)}")
        return done.stdout

    git("clone", "-q", "--bare", "--no-hardlinks", str(source), str(copy))
    commit = git("-C", str(copy), "for-each-ref", "--sort=-committerdate", "--count=1", "--format=%(objectname)",
                 "refs/heads").strip()
    with suppress(Unusable):
        commit = git("-C", str(copy), "rev-parse", "--verify", "-q", "HEAD^{commit}").strip()
    # Rows of mode, type, object, size and path; a submodule has no size.
    rows = git("-C", str(copy), "ls-tree", "-r", "-l", "-z", commit).split("\0")
    sizes = [int(row.split(maxsplit=4)[3]) for row in rows if " blob " in row]
    if len(sizes) > ENTRIES_MOST or sum(sizes) > READ_MOST:
        raise Unusable(_bomb(source, len(sizes) > ENTRIES_MOST))
    git("-C", str(copy), "archive", "--format=tar", "-o", str(out), commit)
    return out
