"""What a student does in a handout besides editing and grading: list the holes, go on to the next lab, hand in."""

from __future__ import annotations

import gzip
import io
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

from . import holes, labs, pristine, submission
from .git import GitError, git, succeeds
from .labs import Hole, Lab, LabError

REPORT = "build/report.json"


def list_holes(root: Path) -> Iterator[str]:
    """Each hole up to the lab at hand: place, whether it is filled, the tests that check it."""
    for lab in _so_far(root):
        if not lab.holes:
            continue
        yield f"lab {lab.tag}: {lab.title}"
        for hole in lab.holes:
            line, filled = _state(root, hole)
            tests = ", ".join(hole.turns_green) or "no test of its own"
            yield f"  {hole.file}:{line}: {hole.id} {'filled' if filled else 'to fill'}, checked by {tests}"


def go_on(root: Path) -> Iterator[str]:
    """Fetch, and merge the next lab of the course; if none is published, what was corrected in this one."""
    _expect_handout(root)
    if changed := _uncommitted(root, "--untracked-files=no"):
        raise LabError("", 0, f"commit your work first (git commit -a): {', '.join(changed)} is not committed")
    if succeeds(root, "remote", "get-url", "origin"):
        _say_or_fail(root, "cannot fetch the course", "fetch", "--quiet", "origin")
    elif re.fullmatch(r"(lab\d\d)?", git(root, "branch", "--show-current")):
        raise LabError("", 0, "work on a branch of your own: git switch -c work")
    here = pristine.current(root)
    later = [number for number in labs.course(root) or [] if number > here]
    number = later[0] if later and pristine.branch(root, later[0]) else here
    ref = pristine.branch(root, number)
    if ref is None:
        raise LabError("", 0, f"the course has no branch lab{here:02d}; work in a clone of its repository")
    if succeeds(root, "merge-base", "--is-ancestor", ref, "HEAD"):
        yield (f"nothing new: lab {later[0]:02d} is not published yet" if later else
               f"nothing new: lab {here:02d} is the last one of this course")
        return
    empty = _empty(root, here)
    before = git(root, "rev-parse", "HEAD")
    _merge(root, ref, number)
    if number != here and empty:
        yield f"note: holes of lab {here:02d} that are still empty: {', '.join(empty)}"
    if re.fullmatch(r"lab\d\d", branch := git(root, "branch", "--show-current")):
        yield f"note: {branch} is the name of a branch of the course; git branch -m work gives yours another"
    yield from _news(root, before, here, number)


def hand_in(root: Path) -> Iterator[str]:
    """Pack the files with holes of all labs so far, the answers, the last report; yields warnings, then the names."""
    _expect_handout(root)
    uncommitted = set(_uncommitted(root, "--untracked-files=all"))
    number = pristine.current(root)
    names = [name for lab in _so_far(root) for name in lab.hole_files]
    for name in names:
        if not (root / name).is_file() or (root / name).is_symlink():
            raise LabError(name, 1, f"is missing or no regular file; `git checkout origin/lab{number:02d} -- {name}` "
                                    "brings back the empty one")
    answers = [f"labs/{lab.id}/{submission.ANSWERS}" for lab in _so_far(root)]
    names += [name for name in [*answers, REPORT] if (root / name).is_file()]
    if changed := [name for name in names if name in uncommitted]:
        yield f"warning: not committed, packed as it is: {', '.join(changed)}"
    if (asked := f"labs/{_so_far(root)[-1].id}/{submission.ANSWERS}") not in names and _asks(root, asked):
        yield f"warning: {asked} is not there, so the lab's questions have no answer"
    if REPORT not in names:
        yield "warning: no report is packed; `make grade` writes one"
    elif newer := [name for name in names if name not in answers and _younger(root / name, root / REPORT)]:
        yield f"warning: the report is older than {', '.join(newer)}; `make grade` writes a new one"
    archive = root / "build" / f"handin-lab{number:02d}-{_who(root)}.tar.gz"
    archive.parent.mkdir(exist_ok=True)
    archive.write_bytes(_packed(root, archive.name.removesuffix(".tar.gz"), names))
    yield f"{archive.relative_to(root)}: {len(names)} files"
    yield from (f"  {name}" for name in names)


def _asks(root: Path, answers: str) -> bool:
    """Whether the README beside that file wants it."""
    readme = (root / answers).with_name("README.md")
    return readme.is_file() and answers in readme.read_text("utf-8", errors="replace")


def _younger(path: Path, other: Path) -> bool:
    return path.stat().st_mtime_ns > other.stat().st_mtime_ns


def _empty(root: Path, number: int) -> list[str]:
    """The holes of a lab that are still to be filled."""
    return [hole.id for lab in _so_far(root) if lab.number == number for hole in lab.holes if not _state(root, hole)[1]]


def _expect_handout(root: Path) -> None:
    if not pristine.is_handout(root):
        raise LabError("", 0, "this is the project's own tree; the command is for a handout (make handout, make start)")


def _so_far(root: Path) -> list[Lab]:
    """The labs up to the one at hand, as the pristine tree has them; in the project's own tree all of them."""
    all_labs = labs.load(pristine.pristine_root(root))
    last = pristine.current(root) if pristine.is_handout(root) else all_labs[-1].number
    return [lab for lab in all_labs if lab.number <= last]


def _state(root: Path, hole: Hole) -> tuple[int, bool]:
    """Where a hole stands in the student's file, as far as it shows, and whether it is filled."""
    try:
        text = (root / hole.file).read_text("utf-8", errors="surrogateescape")
    except OSError:
        return hole.line, False
    calls, titles = holes.calls(text, hole.file), holes.titles(text, hole.file)
    line = calls.get(hole.id, hole.line)            # where the title is gone
    return titles.get(hole.id, (line, ""))[0], hole.id not in calls


def _uncommitted(root: Path, *options: str) -> list[str]:
    try:
        return [row[3:] for row in git(root, "status", "--porcelain", *options).splitlines()]
    except GitError as error:
        raise LabError("", 0, f"this is no clone of the course's repository: {error}") from error


def _say_or_fail(root: Path, problem: str, *words: str) -> None:
    try:
        git(root, *words)
    except GitError as error:
        raise LabError("", 0, f"{problem}: {error}") from error


def _merge(root: Path, ref: str, number: int) -> None:
    """Merge, or leave everything as it was."""
    try:
        git(root, "merge", "--quiet", "--no-edit", "-m", f"Merge lab {number:02d}", ref)
    except GitError as error:
        conflicts = git(root, "diff", "--name-only", "--diff-filter=U").split()
        if succeeds(root, "rev-parse", "--quiet", "--verify", "MERGE_HEAD"):
            git(root, "merge", "--abort")
        if conflicts:
            raise LabError("", 0, f"your changes and the course's meet in {', '.join(conflicts)}; nothing was merged; "
                                  f"`git merge {ref.removeprefix('refs/remotes/')}` merges by hand") from error
        raise LabError("", 0, f"cannot merge lab {number:02d}: {error}") from error


def _news(root: Path, before: str, here: int, number: int) -> Iterator[str]:
    """What a merge brought."""
    def paths(kind: str) -> list[str]:
        changed = git(root, "diff", "--name-only", f"--diff-filter={kind}", before, "HEAD").split("\n")
        return [path for path in changed if path and path not in (labs.CURRENT, "README.md")]
    lab = labs.find(labs.load(root), str(number))
    own = [f"labs/{lab.id}/lab.toml"]
    added = [path for path in paths("A") if path not in own]
    if corrected := [path for path in paths("M") if path not in own]:
        yield f"corrected: {', '.join(corrected)}"
    if added:
        yield f"new: {', '.join(added)}"
    if number != here:
        yield f"lab {lab.tag}, {lab.title} ({lab.hours} hours): read labs/{lab.id}/README.md, then make holes"


def _who(root: Path) -> str:
    """The student's name as git knows it, fit for a file's name."""
    try:
        name = git(root, "config", "user.name")
    except GitError:
        name = ""
    return re.sub(r"[^\w]+", "-", name).strip("-").lower() or "student"


def _packed(root: Path, folder: str, names: list[str]) -> bytes:
    """A tar.gz that depends on the files' names and contents only."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name in names:
            content = (root / name).read_bytes()
            about = tarfile.TarInfo(f"{folder}/{name}")
            about.size = len(content)
            tar.addfile(about, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), mtime=0)
