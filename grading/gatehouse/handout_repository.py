"""The git repository of a course: branches lab00 .. labNN, written without touching its work tree until the end.

A tree here is a dict from path to (mode, blob). Every commit that is written carries a trailer that names the
project's commit it was made from; a branch whose tip has none was changed by somebody else, and is left alone.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from .git import GitError, git, git_bytes, is_repository, succeeds
from .handout_tree import File
from .labs import LabError

Tree = dict[str, tuple[str, str]]

TRAILER = "Handout-From"


@dataclass(frozen=True)
class Stamp:
    """What every commit says about itself, so that the same project commit gives the same handout."""

    commit: str
    date: str
    name: str
    email: str


@dataclass
class Repository:
    """One course's repository. `moved` are the branches that `finish` sets."""

    path: Path
    stamp: Stamp
    moved: dict[str, str] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path, stamp: Stamp) -> Repository:
        """The repository at `path`, made there if nothing is. Raises LabError for anything else that is there."""
        if not path.exists() or path.is_dir() and not any(path.iterdir()):
            path.mkdir(parents=True, exist_ok=True)
            git(path, "init", "--quiet", "--initial-branch=empty")
        elif not is_repository(path):
            raise LabError("", 0, f"{path} is neither a course's repository nor empty; name another DIR")
        elif changed := git(path, "status", "--porcelain"):
            raise LabError("", 0, f"{path} has changes that are not committed ({changed[3:].splitlines()[0]}); "
                                  "a handout appends to a clean repository")
        return cls(path, stamp)

    def published(self) -> list[int]:
        """The numbers of the labs that have a branch. Raises LabError if somebody else wrote on one."""
        refs = git(self.path, "for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads/lab[0-9][0-9]").split()
        for branch in refs:
            if not git(self.path, "log", "-1", f"--format=%(trailers:key={TRAILER},valueonly)", branch):
                raise LabError("", 0, f"{branch} in {self.path} has commits of somebody else; "
                                      "corrections are made in the project, then handed out")
        if not refs and git(self.path, "for-each-ref"):
            raise LabError("", 0, f"{self.path} is a repository, but no course's; name another DIR")
        return sorted(int(branch[3:]) for branch in refs)

    def tip(self, branch: str) -> str:
        return self.moved.get(branch) or self.old_tip(branch)

    def old_tip(self, branch: str) -> str:
        """Where the branch stood before this call."""
        return git(self.path, "rev-parse", f"refs/heads/{branch}")

    def read(self, commit: str) -> Tree:
        tree: Tree = {}
        for row in git(self.path, "ls-tree", "-r", "-z", commit).split("\0"):
            if row:
                about, _, path = row.partition("\t")
                mode, _, blob = about.split()
                tree[path] = (mode, blob)
        return tree

    def text(self, commit: str, path: str) -> str:
        return git_bytes(self.path, "cat-file", "blob", f"{commit}:{path}").decode("utf-8", "surrogateescape")

    def difference(self, old: str, new: str) -> str:
        """How two blobs differ, without context, by the algorithm that git merges with."""
        return git(self.path, "diff", "--histogram", "--unified=0", "--no-color", "--no-ext-diff", "--text", old, new)

    def store(self, files: dict[str, File]) -> Tree:
        """Write the files' contents; the tree that they make."""
        with tempfile.TemporaryDirectory() as folder:
            names = [str(Path(folder) / str(number)) for number in range(len(files))]
            for name, file in zip(names, files.values()):
                Path(name).write_bytes(file.content)
            blobs = git(self.path, "hash-object", "-w", "--no-filters", "--stdin-paths",
                        given="\n".join(names).encode()).split()
        modes = ["100755" if file.executable else "100644" for file in files.values()]
        return dict(zip(files, zip(modes, blobs)))

    def commit(self, branch: str, tree: Tree, parents: list[str], message: str) -> None:
        """Write a commit and move the branch to it."""
        with tempfile.TemporaryDirectory() as folder:
            index = {"GIT_INDEX_FILE": os.path.join(folder, "index")}
            rows = "".join(f"{mode} {blob}\t{path}\0" for path, (mode, blob) in tree.items())
            git(self.path, "update-index", "-z", "--index-info", given=rows.encode(), extra=index)
            written = git(self.path, "write-tree", extra=index)
        who = {f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in
               (("NAME", self.stamp.name), ("EMAIL", self.stamp.email), ("DATE", self.stamp.date))}
        text = f"{message}\n\n{TRAILER}: {self.stamp.commit}\n"
        before = [word for parent in parents for word in ("-p", parent)]
        self.moved[branch] = git(self.path, "commit-tree", written, *before, "-F", "-", given=text.encode(), extra=who)

    def finish(self, shown: str) -> None:
        """Move all branches at once and check out the branch `shown`."""
        if succeeds(self.path, "rev-parse", "--verify", "--quiet", "HEAD"):
            git(self.path, "checkout", "--quiet", "--detach")
        rows = "".join(f"update refs/heads/{branch} {commit}\n" for branch, commit in self.moved.items())
        git(self.path, "update-ref", "--stdin", given=rows.encode())
        git(self.path, "checkout", "--quiet", shown)


def stamp(root: Path) -> Stamp:
    """The stamp of the project's commit at hand. Raises LabError if that is not all there is, or git knows no name."""
    if not is_repository(root):
        raise LabError("", 0, f"a handout is made from a commit, but {root} is no git repository")
    if changed := git(root, "status", "--porcelain", "--untracked-files=no"):
        raise LabError("", 0, f"a handout is made from a commit, but {changed[3:].splitlines()[0]} has changes that "
                              "are not committed")
    try:
        commit, date = git(root, "log", "-1", "--format=%H %cI").split()
        return Stamp(commit, date, git(root, "config", "user.name"), git(root, "config", "user.email"))
    except GitError as error:
        raise LabError("", 0, "a handout's commits carry your name: "
                              "git config user.name and user.email set it") from error
