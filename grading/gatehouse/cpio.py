"""Archives in cpio's newc format, from which the kernel has its files.

The same files give the same bytes: no inode, owner or time of this machine's gets in.
https://docs.kernel.org/driver-api/early-userspace/buffer-format.html
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

_MODIFIED = 1_700_000_000        # of every file


def _entry(inode: int, name: str, mode: int, links: int, content: bytes) -> bytes:
    """A header, the name and the contents, each filled up to a multiple of four bytes."""
    path = name.encode() + b"\0"
    fields = (inode, mode, 0, 0, links, _MODIFIED, len(content), 0, 0, 0, 0, len(path), 0)
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + path
    return b"".join(part + b"\0" * (-len(part) % 4) for part in (head, content))


def _walk(folder: Path) -> Iterator[tuple[str, Path]]:
    """What is below the folder, by name in it; a directory before what it holds."""
    for path in sorted(folder.iterdir()):
        yield path.name, path
        if path.is_dir() and not path.is_symlink():
            for name, below in _walk(path):
                yield f"{path.name}/{name}", below


def _mode_and_content(path: Path) -> tuple[int, int, bytes]:
    """Mode, number of names, contents."""
    if path.is_symlink():
        return stat.S_IFLNK | 0o777, 1, os.readlink(path).encode()
    if path.is_dir():
        return stat.S_IFDIR | 0o755, 2, b""
    return stat.S_IFREG | (0o755 if os.access(path, os.X_OK) else 0o644), 1, path.read_bytes()


def archive(folders: list[Path]) -> bytes:
    """An archive with what is below each of the folders; a directory may be in several, a file in one."""
    entries: dict[str, Path] = {}
    for folder in folders:
        for name, path in _walk(folder):
            if name in entries and not (path.is_dir() and entries[name].is_dir()):
                raise ValueError(f"{path}: {entries[name]} would be in the archive under the same name")
            entries.setdefault(name, path)
    parts = [_entry(inode, name, *_mode_and_content(entries[name])) for inode, name in enumerate(sorted(entries), 1)]
    return b"".join(parts) + _entry(0, "TRAILER!!!", 0, 1, b"")
