"""grading/similar: pairs of submissions whose holes are alike.

What is compared is only what students wrote: the lines of their files that the skeleton does not have. The comparing
is done by Dick Grune's similarity tester (Debian's similarity-tester), in C by tokens, so that names and layout hide
nothing, in assembly by words, without comments. JPlag or MOSS can be had instead, on what --export writes.

Exit status: 0, or 2 if nothing was compared (one line on stderr says why).
"""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from .. import holes, labs, overlay, supervise
from ..build import CannotJudge
from ..cli import Parser, directory, place, said_in_a_line
from ..labs import Lab, LabError
from ..safe import counted, named
from . import intake, plan
from .cli import named_lab
from .intake import Entry
from .kept import FILES
from .members import Unusable
from .taking import take

REFERENCE = "the reference"
# By the kind of file. To sim_8086 every instruction is alike, so assembly is compared by its words.
TOOLS = {".c": "sim_c", ".asm": "sim_text"}
MOSS = {".c": "c", ".asm": "a8086"}
KINDS = {".c": ".c", ".h": ".c", ".asm": ".asm", ".inc": ".asm"}
SHORTEST = {"sim_c": 12, "sim_text": 6}          # tokens, words that a run has at least
LINE = re.compile(r"(\d+)(\.\w+) consists for (\d+) % of (\d+)\.\w+ material")
THRESHOLD = 60                                   # percent; two honest solutions of a small hole are alike, too
WORD = re.compile(r"\w+")
FEWEST = 30                                      # words that somebody has written at least
SAMPLE = 5


@dataclass(frozen=True)
class Pair:
    """How much of what one of two students wrote the other has, too, in percent of whoever shares more."""

    alike: float
    one: str
    other: str


def percent(text: str) -> int:
    if not text.isdecimal() or int(text) > 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not a percentage from 0 to 100")
    return int(text)


def parser() -> argparse.ArgumentParser:
    out = Parser(prog="similar", description="Find submissions whose holes are alike.", allow_abbrev=False)
    out.add_argument("--dir", type=directory, required=True, help="submissions, or the OUT of grade-class")
    out.add_argument("--lab", help="3, 03 or 03-exceptions; by default the one that was graded or packed")
    out.add_argument("--least", type=percent, default=THRESHOLD, metavar="P", help="what a pair shares at least")
    out.add_argument("--export", type=place, metavar="DIR", help="write what JPlag and MOSS read, here")
    return out


def written(skeleton: str, theirs: str) -> str:
    """The lines of THEIRS that are not the skeleton's, however they are indented."""
    given, lines = skeleton.split("\n"), theirs.split("\n")
    blocks = SequenceMatcher(None, [tuple(line.split()) for line in given],
                             [tuple(line.split()) for line in lines], autojunk=False).get_opcodes()
    return "\n".join("\n".join(lines[start:end]) for kind, _, _, start, end in blocks if kind in ("insert", "replace"))


def work_of(root: Path, lab: Lab, tree: Path) -> dict[str, str]:
    """What somebody wrote for LAB, by kind of file; of files that cannot be taken nothing."""
    out: dict[str, str] = {}
    for name in lab.hole_files:
        try:
            content = overlay.read(tree, name)
        except LabError:
            content = None
        if content is not None:
            text = content.decode("utf-8", "replace")
            skeleton = holes.skeleton((root / name).read_text("utf-8"), name)
            kind = KINDS[Path(name).suffix]
            own = holes.without_comments(written(skeleton, text), holes.mark(name) or "//")
            out[kind] = out.get(kind, "") + "\n".join(line for line in own.split("\n") if line.strip()) + "\n"
    return out


def pairs(works: Mapping[str, Mapping[str, str]], scratch: Path) -> list[Pair]:
    """All pairs that share anything, the most alike first; SCRATCH is an empty folder. Raises CannotJudge."""
    names = list(works)
    shared: dict[tuple[int, int], float] = {}          # words of the first that the second has
    sizes = [sum(len(WORD.findall(text)) for text in work.values()) for work in works.values()]
    for kind, tool in TOOLS.items():
        files = []
        for number, work in enumerate(works.values()):
            if sizes[number] >= FEWEST and (text := work.get(kind, "").strip()):
                (scratch / f"{number}{kind}").write_text(text + "\n")
                files.append(f"{number}{kind}")
        for one, other, percent in _compared(tool, files, scratch):
            words = len(WORD.findall(works[names[one]][kind]))
            shared[one, other] = shared.get((one, other), 0) + words * percent / 100
    best: dict[tuple[int, int], float] = {}
    for (one, other), own in shared.items():
        key = min(one, other), max(one, other)
        best[key] = max(best.get(key, 0.0), 100 * own / sizes[one])
    found = [Pair(percent, names[one], names[other]) for (one, other), percent in best.items()]
    return sorted(found, key=lambda pair: (-pair.alike, pair.one, pair.other))


def unexplained(alike: Sequence[Pair]) -> list[Pair]:
    """Without two who are no more like each other than each is like the reference."""
    found = {name: pair.alike for pair in alike if REFERENCE in (pair.one, pair.other)
             for name in (pair.one, pair.other)}
    return [pair for pair in alike if REFERENCE in (pair.one, pair.other)
            or pair.alike > min(found.get(pair.one, 0), found.get(pair.other, 0))]


def _compared(tool: str, files: Sequence[str], scratch: Path) -> Iterator[tuple[int, int, int]]:
    """For each two of FILES and each direction: how much of the first is in the second."""
    if len(files) < 2:
        return
    try:
        done = subprocess.run([tool, "-p", "-a", "-e", "-t", "1", "-T", "-r", str(SHORTEST[tool]), "-i"], cwd=scratch,
                              text=True, input="\n".join(files) + "\n", capture_output=True, check=False)
    except FileNotFoundError:
        raise CannotJudge(f"{tool} is not installed: apt-get install similarity-tester") from None
    if done.returncode:
        raise CannotJudge(f"{tool} failed: {done.stderr.strip()}")
    for match in LINE.finditer(done.stdout):
        yield int(match[1]), int(match[4]), int(match[3])


def trees(folder: Path, lab: Lab, scratch: Path) -> Iterator[tuple[Entry, Path | None]]:
    """Each student's entry and tree; None where nothing usable was handed in."""
    if (folder / plan.FILE).is_file():
        for entry in plan.read(folder).entries:
            tree = folder / "students" / entry.slug / FILES
            yield entry, tree if tree.is_dir() else None
        return
    for entry in intake.entries(folder):
        try:
            yield entry, take(entry.path, lab.hole_files, scratch / entry.slug).tree
        except Unusable:
            yield entry, None


def receiving(into: Path, folder: Path) -> Path:
    """INTO, a new folder outside of FOLDER, where it would be taken for a student. Raises CannotJudge."""
    if folder == into.resolve() or folder in into.resolve().parents:
        raise CannotJudge("EXPORT lies in DIR, where submissions are; choose another place")
    try:
        into.mkdir(parents=True, exist_ok=True)
        if any(into.iterdir()):
            raise CannotJudge(f"{into} holds other files; EXPORT is a new folder")
    except OSError as error:
        raise CannotJudge(f"{into} cannot be a folder for what is exported: {error.strerror}") from None
    return into


def export(works: Mapping[str, Mapping[str, str]], into: Path) -> str:
    """Write each text, by the students' folders, for JPlag and MOSS; how to call them. Raises OSError."""
    for name, work in works.items():
        folder = into / "submissions" / name
        for kind, text in work.items():
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"holes{kind}").write_text(text)
    kinds = sorted({kind for work in works.values() for kind in work})
    place = shlex.quote(f"{into}/submissions")
    return "\n".join([f"java -jar jplag.jar -l text -p {','.join(kinds)} {place}",
                      *(f"moss -l {MOSS[kind]} -d {place}/*/holes{kind}" for kind in kinds)])


def work(arguments: argparse.Namespace, root: Path) -> int:
    """Compare and tell."""
    if missing := supervise.missing({tool: "similarity-tester" for tool in TOOLS.values()}):
        raise CannotJudge(missing)
    graded = (arguments.dir / plan.FILE).is_file()
    word = arguments.lab or (plan.read(arguments.dir).lab if graded else named_lab(arguments.dir))
    lab = labs.find(labs.load(root), word)
    into = receiving(arguments.export, arguments.dir) if arguments.export else None
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        (scratch / "taken").mkdir()
        found = {entry: work_of(root, lab, tree) if tree else {}
                 for entry, tree in trees(arguments.dir, lab, scratch / "taken")}
        works = {entry.student: work for entry, work in found.items() if work}
        if not works:
            raise CannotJudge(f"{arguments.dir} holds no submission for lab {lab.id}")
        calls = export({entry.slug: work for entry, work in found.items() if work}, into) if into else ""
        works[REFERENCE] = work_of(root, lab, root)
        (scratch / "texts").mkdir()
        alike = [pair for pair in pairs(works, scratch / "texts") if pair.alike >= arguments.least]
        told = unexplained(alike)
        for pair in told:
            print(f"{pair.alike:4.0f}%  {named(pair.one)}  {named(pair.other)}")
        print(f"{counted(len(works) - 1, 'submission')} for lab {lab.id}; "
              f"{counted(len(told), 'pair')} share{'s' if len(told) == 1 else ''} {arguments.least}% or more")
        if left := [entry.student for entry, work in found.items() if not work]:
            more = f" and {len(left) - SAMPLE} more" if len(left) > SAMPLE else ""
            print(f"not compared: {', '.join(map(named, left[:SAMPLE]))}{more}")
        if any(REFERENCE in (pair.one, pair.other) for pair in told):
            print("The reference is public: who is like it may have found it, and is like all others who did"
                  + (f": {counted(len(alike) - len(told), 'such pair')} not shown" if len(alike) > len(told) else "")
                  + ".")
        if calls:
            print(calls)
    return 0


def main(words: Sequence[str], here: Path) -> int:
    """Do what the words say with the tree HERE; the exit status."""
    arguments = parser().parse_args(words)
    return said_in_a_line("similar", lambda: work(arguments, here))
