"""A class from beginning to end: `make handout`, students who work in clones and `make handin`, `make grade-class`.

The course is labs 02 and 03; what a student gets follows from what the student did, by lab.toml and by the headers of
the mutants.
"""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import toy_project
from course import ALTERNATIVE, copy_of_the_project
from gatehouse import holes, labs, mutants, overlay

ROOT = Path(__file__).resolve().parents[2]
LABS = labs.load(ROOT)
IDT, EXCEPTIONS = labs.find(LABS, "02"), labs.find(LABS, "03")
WRONG = ROOT / "labs/03-exceptions/mutants/call-misaligned.patch"
EARLIER = ROOT / "labs/02-idt/mutants/trap-gates.patch"
VECTORS, FRAME, NORMAL = (f"arch/x86_64/entry/{name}" for name in ("vectors.asm", "frame.inc", "normal.asm"))
FULL = sum(test.points for test in EXCEPTIONS.tests)


def make(*words: str | Path, root: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """As somebody types it in a shell of their own."""
    return subprocess.run(["make", "-s", *words], cwd=root, capture_output=True, text=True,
                          env={key: value for key, value in os.environ.items() if not key.startswith("MAKE")})


def said(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def reference(lab: labs.Lab) -> dict[str, str]:
    return {name: holes.solved((ROOT / name).read_text(), name) for name in lab.hole_files}


def other(lab: labs.Lab) -> dict[str, str]:
    return {name: (ALTERNATIVE / name).read_text() for name in lab.hole_files}


def mutant(lab: labs.Lab, patch: Path) -> dict[str, str]:
    with TemporaryDirectory() as folder:
        made = overlay.from_patch(ROOT, LABS, lab, patch, Path(folder))
        return {name: holes.solved((made.dir / name).read_text(), name) for name in made.files}


@dataclass
class Class:
    """Where it all lies."""

    top: Path
    rows: dict[str, dict[str, str]]
    said: str

    def report(self, name: str) -> str:
        return (self.top / "marks/students" / name / "report.txt").read_text()


class Home:
    """A student's clone, in which the course is worked through."""

    def __init__(self, course: Path, root: Path, name: str) -> None:
        self.root = root
        toy_project.git(course, "clone", "-q", "-b", "lab02", str(course), str(root))
        toy_project.git(root, "switch", "-q", "-c", "work")
        toy_project.identify(root, name)

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            (self.root / name).write_text(text)
        toy_project.git(self.root, "commit", "-q", "-a", "-m", "what I did today")

    def go_on(self) -> None:
        assert "lab 03, Exceptions" in said(make("next", root=self.root))

    def hand_in(self, place: Path, name: str | None = None) -> None:
        """Into PLACE, under NAME or the archive's own."""
        line = next(line for line in said(make("handin", root=self.root)).splitlines() if line.startswith("build/"))
        packed = self.root / line.split(": ")[0]
        place.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(packed, place / (name or packed.name))


def hand_in_all(course: Path, homes: Path, place: Path) -> None:
    """What nine students of one course send, by three roads."""
    def home(name: str, second: dict[str, str]) -> Home:
        made = Home(course, homes / name.split()[0], name)
        made.write(second)
        made.go_on()
        return made

    ada = home("Ada Lovelace", reference(IDT))
    ada.hand_in(place, "lovelaceada_1001_5001_handin-lab03-ada-lovelace.tar.gz")           # nothing of lab 03 yet
    ada.write(reference(EXCEPTIONS))
    ada.hand_in(place, "lovelaceada_LATE_1001_5009_handin-lab03-ada-lovelace-1.tar.gz")
    shutil.copyfile(ROOT / "LICENSE", place / "lovelaceada_LATE_1001_5010_a photo.png")

    bob = home("Bob Tables", reference(IDT))
    bob.hand_in(place / "Bob Tables_4711_assignsubmission_file_")
    solved = reference(EXCEPTIONS)
    bob.write({name: solved[name] for name in (VECTORS, FRAME)})
    bob.hand_in(place / "Bob Tables_4712_assignsubmission_file_")       # another of that name, who got further

    cy = home("Cy", reference(IDT))
    cy.write(mutant(EXCEPTIONS, WRONG))
    cy.hand_in(place)

    eve = home("Eve", mutant(IDT, EARLIER))
    eve.write(reference(EXCEPTIONS))
    eve.hand_in(place)

    fay = home("Fay", other(IDT))
    fay.write(other(EXCEPTIONS))
    toy_project.git(fay.root, "bundle", "create", "-q", str(place / "fay.bundle"), "work")
    gil = home("Łukasz Żółw", other(IDT))
    gil.write({name: text.replace("        ", "\t") + f"{holes.mark(name)} all my own\n"
               for name, text in other(EXCEPTIONS).items()})
    gil.hand_in(place)

    hal = home("Hal", reference(IDT))
    hal.write(reference(EXCEPTIONS) | {VECTORS: f'%include "/etc/passwd"\n{solved[VECTORS]}'})
    hal.hand_in(place)
    shutil.copyfile(ROOT / "LICENSE", place / "ivy.jpg")


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Class:
    top = tmp_path_factory.mktemp("term")
    project = copy_of_the_project(top / "project")
    told = said(make("handout", f"DIR={top}/course", "LABS=02,03", root=project))
    assert [line.split(":")[0] for line in told.splitlines()] == ["lab02", "lab03"]
    hand_in_all(top / "course", top / "homes", top / "handins")
    out = said(make("grade-class", f"DIR={top}/handins", f"OUT={top}/marks", "LABS=02,03", "POLICY=both"))
    with (top / "marks/grades.csv").open(newline="") as file:
        return Class(top, {row["student"]: row for row in csv.DictReader(file)}, out)


def left(*failed: str) -> int:
    """The points of all tests but those that FAILED and those that need them."""
    gone = set(failed)
    for test in EXCEPTIONS.tests:
        gone |= {test.name} if gone & set(test.needs) else set()
    return sum(test.points for test in EXCEPTIONS.tests if test.name not in gone)


def empty(*files: str) -> str:
    return f"holes left empty: {', '.join(hole.id for hole in EXCEPTIONS.holes if hole.file in files)}"


def test_every_mark_is_what_the_work_is_worth(graded: Class) -> None:
    wrong = mutants.read(EXCEPTIONS, WRONG).fails
    nothing = left("reaches_c")                 # the first test, by which all others are reached
    assert nothing == 0
    assert {name: int(row["score"]) for name, row in graded.rows.items()} == {
        "lovelaceada": FULL, "Bob Tables_4711": nothing, "Bob Tables_4712": nothing, "cy": left(*wrong), "eve": FULL,
        "fay": FULL, "łukasz-żółw": FULL, "hal": 0, "ivy.jpg": 0}
    assert all(int(row["score"]) == sum(int(row[test.name] or 0) for test in EXCEPTIONS.tests)
               for row in graded.rows.values())
    assert graded.said == f"8 judged, 1 unusable, 0 to be judged again: {graded.top}/marks/grades.csv\n"


def test_every_remark_says_why(graded: Class) -> None:
    told = {name: row["remark"] for name, row in graded.rows.items()}
    assert told["Bob Tables_4711"] == empty(VECTORS, FRAME, NORMAL) and told["Bob Tables_4712"] == empty(NORMAL)
    assert told["lovelaceada"].startswith("also handed in, not judged: lovelaceada_LATE_1001_5010_a photo.png")
    assert told["hal"].startswith(f"build failure: {VECTORS}:1: ") and \
        told["hal"].endswith(f"; look at {VECTORS}:1: names another file's text")
    assert "on your own earlier labs" in told["eve"] and told["ivy.jpg"].startswith("ivy.jpg is no folder, tar, ")
    assert told["cy"] == told["fay"] == told["łukasz-żółw"] == ""
    assert [name for name, row in graded.rows.items() if row["status"] != "judged"] == ["ivy.jpg"]


def test_a_student_reads_what_to_do(graded: Class) -> None:
    eve = " ".join(graded.report("eve").split())
    assert "returns: fails on your own earlier labs" in eve
    assert "passes with the reference's lab 02: the bug is there" in eve
    cy = graded.report("cy")
    test = mutants.read(EXCEPTIONS, WRONG).fails[0]
    assert "hint:" in cy and f"again: make grade LAB=03 EMU=qemu TEST={test} SEED=1" in cy
    assert all(str(graded.top) not in path.read_text() for path in graded.top.glob("marks/students/*/report.txt"))


def test_a_complaint(graded: Class) -> None:
    done = make("regrade", f"SUBMISSION={graded.top}/marks/students/cy", "TEST=call_into_c")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].endswith(f"with seed 1: {graded.rows['cy']['score']}/{FULL}")
    assert done.stdout.splitlines()[1:] == ["the verdict stands: call_into_c"]


def test_who_wrote_the_same(graded: Class) -> None:
    told = said(make("similar", f"DIR={graded.top}/marks", "LEAST=90"))
    pairs = {(match[1], match[2]) for match in re.finditer(r"^ *\d+%  (.*)  (.*)$", told, re.MULTILINE)}
    assert ("fay", "łukasz-żółw") in pairs and ("eve", "lovelaceada") not in pairs
    assert {one for one, two in pairs if two == "the reference"} == {"cy", "eve", "hal", "lovelaceada"}
    assert "8 submissions for lab 03-exceptions" in told and "not compared: ivy.jpg" in told
