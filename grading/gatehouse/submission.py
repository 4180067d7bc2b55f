"""What a student's tree holds beside the files with holes: none of it is judged, all of it is told."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from . import handout_tree, holes
from .labs import Lab

ANSWERS = "ANSWERS.md"      # beside a lab's README.md: the answers to its questions

_SKIPPED = frozenset({".git", "build", "__pycache__", ".cache", ".pytest_cache", "compile_commands.json"})


def differences(root: Path, labs: Sequence[Lab], tree: Path) -> Iterator[str]:
    """Each path that is new in the tree or differs from the pristine one; a file that is gone is not missed."""
    if tree.resolve() == root.resolve():
        return
    own = {name for lab in labs for name in lab.hole_files} | handout_tree.GENERATED
    own |= {f"labs/{lab.id}/{ANSWERS}" for lab in labs}
    later = {f"labs/{lab.id}/lab.toml": handout_tree.reduced(lab) for lab in labs}
    for name in _files(tree):
        if name in own or _same(root / name, tree / name):
            continue
        if name not in later or not _holds(tree / name, later[name].encode()):
            yield name


def _files(tree: Path) -> Iterator[str]:
    """Every path but folders, links to folders included."""
    for folder, folders, files in os.walk(tree):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED)
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        for file in sorted(set(files + links) - _SKIPPED):
            yield (Path(folder) / file).relative_to(tree).as_posix()


def _same(given: Path, submitted: Path) -> bool:
    """Whether a submitted file is what the pristine tree has at its place, or the solved form of it."""
    if not given.is_file():
        return False
    content = given.read_bytes()
    text = content.decode("utf-8", "surrogateescape")
    try:
        solved = holes.solved(text, given.name).encode("utf-8", "surrogateescape")
    except holes.HoleError:
        solved = content
    return _holds(submitted, content) or _holds(submitted, solved)


def _holds(path: Path, content: bytes) -> bool:
    if path.is_symlink():
        return False
    return path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content
