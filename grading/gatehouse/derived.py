"""What is derived from the labs and committed beside them: skeletons, and links to the solutions.

labs/NN-name/skeleton/ holds the files with holes as a student gets them, so that anyone can read them;
labs/NN-name/solution/ links to the real files, so that a solution is never a copy.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from . import holes
from .labs import Lab

FOLDERS = ("skeleton", "solution")


@dataclass(frozen=True)
class Skeleton:
    """A regular file with this text."""

    text: str

    def is_at(self, path: Path) -> bool:
        return path.is_file() and not path.is_symlink() and path.read_bytes() == self._bytes()

    def write(self, path: Path) -> None:
        path.write_bytes(self._bytes())

    def _bytes(self) -> bytes:
        return self.text.encode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class Link:
    """A relative symbolic link to this target."""

    target: str

    def is_at(self, path: Path) -> bool:
        return path.is_symlink() and os.readlink(path) == self.target

    def write(self, path: Path) -> None:
        path.symlink_to(self.target)


def derive(lab: Lab) -> dict[Path, Skeleton | Link]:
    """What the lab's skeleton/ and solution/ should hold, by absolute path."""
    wanted: dict[Path, Skeleton | Link] = {}
    for name in lab.hole_files:
        text = (lab.root / name).read_text("utf-8", errors="surrogateescape")
        link = lab.dir / "solution" / name
        wanted[lab.dir / "skeleton" / name] = Skeleton(holes.skeleton(text, name))
        wanted[link] = Link(os.path.relpath(lab.root / name, link.parent))
    return wanted


def present(lab: Lab) -> list[Path]:
    """Everything but folders that skeleton/ and solution/ hold now."""
    return sorted(path for folder in FOLDERS for path in (lab.dir / folder).rglob("*")
                  if path.is_symlink() or not path.is_dir())


def write(lab: Lab) -> list[Path]:
    """Bring skeleton/ and solution/ up to date; gives the paths that changed or went."""
    wanted = derive(lab)
    changed = [path for path in present(lab) if path not in wanted]
    for path in changed:
        path.unlink()
    for path, form in wanted.items():
        if form.is_at(path):
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        form.write(path)
        changed.append(path)
    for folder in FOLDERS:
        _prune(lab.dir / folder)
    return changed


def _prune(folder: Path) -> None:
    """Remove the folder and those below it where nothing is left in them."""
    if folder.is_dir():
        for below in folder.iterdir():
            if below.is_dir() and not below.is_symlink():
                _prune(below)
        if not any(folder.iterdir()):
            shutil.rmtree(folder)
