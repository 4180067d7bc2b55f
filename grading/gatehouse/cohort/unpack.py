"""What was handed in, unpacked without harm: regular files only, at their paths in the tree.

Nothing of an archive is believed: neither its paths (absolute, `..`, links, devices, odd names) nor its sizes. Files
are read member by member, never by the archive's own means of extraction, up to limits. What is left out is told. A
tree may lie a few folders deep; the outermost folder that has one of the lab's files with holes is taken.

Runs as a program of its own in the sandbox (cohort/taking.py): what an archive or a repository does to its reader, it
does there, and not for long.

    python3 -m gatehouse.cohort.unpack SOURCE DEST WANTED...     the notes on stdout, as JSON
"""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

FILE_MOST = 1 << 20             # bytes of a file; larger ones are told and left out
ALL_MOST = 64 << 20             # bytes of all files
READ_MOST = 256 << 20            # bytes that an archive may unpack to before we stop reading it
ENTRIES_MOST = 20000
UNUSABLE = 3                    # exit status; Python's own is 1
DEEPEST = 40                    # folders
# Of make, git, Python, macOS; nobody wrote them.
SKIPPED = frozenset({".git", "build", "__pycache__", ".cache", ".pytest_cache", "__MACOSX", ".DS_Store"})
# Git asks whose a repository is before it reads one, and believes nobody but the user's own configuration.
GIT_CONFIG = "[safe]\n\tdirectory = *\n[core]\n\thooksPath = /dev/null\n"
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
            members = list(_members(source, wanted, Path(scratch), ENTRIES_MOST))
            return _write(members, wanted, dest, source.name)
    except (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile, NotImplementedError, RuntimeError,
            ValueError) as error:
        raise Unusable(f"{printable(source.name)} cannot be read: {printable(str(error))[:200]}") from error


def _members(source: Path, wanted: Sequence[str], scratch: Path, most: int) -> Iterator[Member]:
    mode = os.lstat(source).st_mode
    if stat.S_ISDIR(mode):
        yield from _folder_or_what_it_holds(source, wanted, scratch, most)
    elif not stat.S_ISREG(mode):
        raise Unusable(f"{printable(source.name)} is neither a folder nor a regular file")
    elif _is_bundle(source):
        yield from _tar(_of_repository(source, scratch), most)
    elif zipfile.is_zipfile(source):
        yield from _zip(source, most)
    elif tarfile.is_tarfile(source):
        yield from _tar(source, most)
    else:
        raise Unusable(f"{printable(source.name)} is no folder, tar, zip or git bundle; "
                       "`make handin` packs what is wanted")


def _folder_or_what_it_holds(source: Path, wanted: Sequence[str], scratch: Path, most: int) -> Iterator[Member]:
    """A tree; a bare repository; or a folder around one archive, as Moodle makes it."""
    if (source / "HEAD").is_file() and (source / "objects").is_dir():
        yield from _tar(_of_repository(source, scratch), most)
        return
    members = list(_folder(source, most))
    packed = [member for member in members if member.open and member.path.lower().endswith(
        (".tar", ".tgz", ".gz", ".xz", ".bz2", ".zip", ".bundle"))]
    if len(packed) == 1 and _root(members, wanted) is None:
        yield from _members(source / packed[0].path, wanted, scratch, most)
    else:
        yield from members


def _folder(top: Path, most: int) -> Iterator[Member]:
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


def _tar(source: Path, most: int) -> Iterator[Member]:
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


def _zip(source: Path, most: int) -> Iterator[Member]:
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
                yield Member(name, what="encrypted")
            else:
                yield Member(name, info.file_size, _bytes_of(archive.open(info), info.file_size))


def _bomb(source: Path, many: bool) -> str:
    size = f"more than {ENTRIES_MOST} entries" if many else f"more than {READ_MOST >> 20} MiB"
    return f"{printable(source.name)} unpacks to {size}; a submission has a few files"


def _is_bundle(source: Path) -> bool:
    with source.open("rb") as file:
        line = file.readline(64)
    return line.startswith((b"# v2 git bundle", b"# v3 git bundle"))


def _of_repository(source: Path, scratch: Path) -> Path:
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


def _parts(path: str) -> tuple[str, ...] | None:
    """The path's parts; None if it leads out or is none."""
    pure = PurePosixPath(path)
    parts = pure.parts
    if not parts or pure.is_absolute() or ".." in parts or "\0" in path or len(parts) > DEEPEST:
        return None
    return parts


def _root(members: Sequence[Member], wanted: Sequence[str]) -> tuple[str, ...] | None:
    """The outermost folder under which one of WANTED is."""
    ends = [PurePosixPath(name).parts for name in wanted]
    paths = filter(None, (_parts(member.path) for member in members))
    roots = [parts[:-len(end)] for parts in paths for end in ends if parts[-len(end):] == end]
    return min(roots, key=lambda root: (len(root), root)) if roots else None


def _write(members: Sequence[Member], wanted: Sequence[str], dest: Path, name: str) -> Unpacked:
    root = _root(members, wanted)
    if root is None:
        raise Unusable(_nothing_wanted(members, wanted, name))
    out = Unpacked(dest)
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
    return f"{printable(name)} has no {wanted[0]} or other file with holes of this lab; {holds}"


def printable(text: str) -> str:
    """TEXT in one line of ASCII."""
    return "".join(char if " " <= char <= "~" else f"\\x{ord(char):02x}" for char in text[:200])


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
