"""git, as a function. Its messages come back in English, and a failure is a GitError of one line."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


class GitError(Exception):
    """git said no; the text is its last line."""


def git(directory: Path, *words: str, given: bytes | None = None, extra: dict[str, str] | None = None) -> str:
    """What `git WORDS` prints, without the last newline. Variables of a calling git (hooks) do not reach it."""
    return git_bytes(directory, *words, given=given, extra=extra).decode("utf-8", "surrogateescape").rstrip("\n")


def git_bytes(directory: Path, *words: str, given: bytes | None = None, extra: dict[str, str] | None = None) -> bytes:
    """As `git`, for output that is not text."""
    own = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
    environment = {name: value for name, value in os.environ.items() if name not in own}
    environment |= {"LC_ALL": "C.UTF-8"} | (extra or {})
    done = subprocess.run(["git", *words], cwd=directory, input=given, capture_output=True, env=environment,
                          check=False)
    if done.returncode != 0:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise GitError(lines[-1] if lines else f"git {words[0]} failed")
    return done.stdout


def succeeds(directory: Path, *words: str) -> bool:
    try:
        git(directory, *words)
    except GitError:
        return False
    return True


def is_repository(directory: Path) -> bool:
    """Whether this very directory is the top of a git work tree."""
    try:
        return Path(git(directory, "rev-parse", "--show-toplevel")).resolve() == directory.resolve()
    except (GitError, FileNotFoundError, NotADirectoryError):
        return False
