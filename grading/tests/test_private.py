"""The instructor's own tests: judged where they lie, with their hints and mutants, and handed to nobody."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest
import toy_project
from course import PROJECT, Student, copy_of_the_project, handout
from gatehouse import check, labs
from gatehouse.cohort import gradescope

IDT = "arch/x86_64/entry/idt.c"
RIGHT = "    gate.ist = (u8)ist;\n"
# No random value is likely to be that one.
FITTED = "    gate.ist = (u8)(offset == 0x1122334455667788 ? 0 : ist);\n"
SECRET = "the exam of the winter"


def printed(language: str) -> str:
    """The example of docs/instructors.md."""
    text = (PROJECT / "docs/instructors.md").read_text().partition("### Tests of your own\n")[2]
    return text.partition(f"```{language}\n")[2].partition("```\n")[0]


PRIVATE = {
    "lab.toml": printed("toml"),
    "tests.c": f'#include "exam.h" // {SECRET}\n' + printed("c"),
    "exam.h": f"#define EXAM_OFFSET 0x1122334455667788 // {SECRET}\n",
    "answers.md": f"{SECRET}\n",
    "mutants/fits-the-tests.patch": f"""\
Fails: exam_gate
Hint: for every offset

--- a/{IDT}
+++ b/{IDT}
@@ -19,7 +19,7 @@
     gate.offset_15_0 = (u16)offset;
     gate.offset_31_16 = (u16)(offset >> 16);
     gate.offset_63_32 = (u32)(offset >> 32);
-{RIGHT}+{FITTED}     gate.attributes = (u8)(type | ring << 5 | GATE_PRESENT);
     //@ }} hole("2.1");
     return gate;
""",
}
FOLDER = "labs/02-idt/private"


def add(root: Path) -> None:
    for name, text in PRIVATE.items():
        (root / FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
        (root / FOLDER / name).write_text(text)


def run(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=root, capture_output=True, text=True)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Gatehouse with a private test of lab 02, committed, and what is compiled already."""
    root = copy_of_the_project(tmp_path_factory.mktemp("private") / "gatehouse")
    for name in ("obj", "userland"):
        if (PROJECT / "build" / name).is_dir():
            shutil.copytree(PROJECT / "build" / name, root / "build" / name, symlinks=True)
    add(root)
    toy_project.commit(root, "an exam")
    return root


def test_the_reference_and_the_mutant(project: Path) -> None:
    done = run(project, "grading/grade", "--lab", "02")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "exam_gate" in done.stdout and "Score: 120/120" in done.stdout, done.stdout + done.stderr
    done = run(project, "grading/grade", "--mutant", "fits-the-tests")
    assert done.returncode == 0 and "fits-the-tests" in done.stdout, done.stdout + done.stderr


@pytest.fixture(scope="module")
def marks(project: Path) -> Path:
    handins, out = project.parent / "handins", project.parent / "marks"
    text = (project / IDT).read_text()
    assert RIGHT in text
    told = f'#include "{FOLDER}/tests.c"\n#include "{FOLDER}/exam.h"\nstatic unsigned long offset = EXAM_OFFSET;\n'
    for name, own in (("ada", text), ("bob", text.replace(RIGHT, FITTED)), ("eve", told + text)):
        (handins / name / IDT).parent.mkdir(parents=True)
        (handins / name / IDT).write_text(own)
    done = run(project, "grading/grade-class", "--dir", str(handins), "--out", str(out), "--lab", "2")
    assert done.returncode == 0, done.stderr
    return out


def test_a_class(marks: Path) -> None:
    assert [line.split(",")[:4] for line in (marks / "grades.csv").read_text().splitlines()] == [
        ["student", "score", "points", "status"], ["ada", "120", "120", "judged"], ["bob", "100", "120", "judged"],
        ["eve", "0", "120", "judged"]]
    assert "does not do the same for every offset" in (marks / "students/bob/report.txt").read_text()
    assert "<td class=\"number\">120</td>" in (marks / "summary.html").read_text()


def test_nobody_reads_their_text(marks: Path) -> None:
    told = (marks / "students/eve/report.txt").read_text()
    assert "‘EXAM_OFFSET’ undeclared" in told and SECRET not in told and "PRIVATE_TEST" not in told


def texts(top: Path) -> Iterator[str]:
    for path in top.rglob("*"):
        if path.is_file() and not path.is_symlink():
            yield f"{path.relative_to(top)}\n{path.read_bytes().decode('latin-1')}"


@pytest.fixture(scope="module")
def student(project: Path) -> Student:
    """Who has all that a course holds, its whole history unpacked."""
    course = project.parent / "course"
    handout(project, course, "--upto", "02")
    ada = Student(course, project.parent / "ada", "lab02")
    with (ada.root / "objects").open("wb") as out:
        subprocess.run(["git", "cat-file", "--batch-all-objects", "--batch"], cwd=ada.root, stdout=out, check=True)
    return ada


def test_no_handout_holds_them(student: Student) -> None:
    for text in texts(student.root):
        assert SECRET not in text and "exam_gate" not in text and not text.startswith(FOLDER)


def test_no_archive_for_gradescope_holds_them(project: Path, tmp_path: Path,
                                              capsys: pytest.CaptureFixture[str]) -> None:
    assert gradescope.main(["zip", "02", str(tmp_path / "x.zip")], project) == 0
    assert capsys.readouterr().out.endswith("worth 100 points\n")
    with ZipFile(tmp_path / "x.zip") as packed:
        assert not [name for name in packed.namelist() if "/private/" in name]


def test_check_labs_reads_them(toy: Path) -> None:
    folder = toy / "labs/00-serial/private"
    (folder / "mutants").mkdir(parents=True)
    (folder / "draft.txt").write_text("?")
    assert check.mistakes(toy) == []
    (folder / "lab.toml").write_text('[[test]]\nname = "own"\npoints = 5\nneeds = ["text"]\n')
    assert [str(found) for found in check.mistakes(toy)] == [
        "labs/00-serial/private/lab.toml:1: labs/00-serial/private/tests.c is missing"]
    (folder / "tests.c").write_text("PRIVATE_TEST(own)\n{\n}\n")
    assert check.mistakes(toy) == []
    lab, *_ = labs.load(toy)
    assert [test.name for test in lab.tests] == ["line_settings", "text", "own"]
    assert [test.name for test in lab.private] == ["own"]


@pytest.mark.parametrize("toml, tests, line", [
    ('[[test]]\nname = "own"\npoints = 5\n', "TEST(own)\n",
     "tests.c:1: a test of this file is a PRIVATE_TEST, not a TEST"),
    ('[[test]]\nname = "own"\npoints = 5\n', "\n",
     "lab.toml:2: labs/00-serial/private/tests.c has no PRIVATE_TEST(own)"),
    ("", "\nPRIVATE_TEST(own)\n", "tests.c:2: test own is not in labs/00-serial/private/lab.toml"),
    ('[[test]]\nname = "text"\npoints = 5\n', "PRIVATE_TEST(text)\n", "lab.toml:2: test text is there twice"),
    ('title = "Exam"\n', "", "lab.toml:1: unknown key `title`; known here: test, hint"),
    ('[[hint]]\ntest = "txt"\nsay = "?"\n', "",
     "lab.toml:2: 'txt' is not a test of this lab; known: line_settings, text"),
    ('[[test]]\nname = "own"\npoints = -5\n', "PRIVATE_TEST(own)\n", "lab.toml:3: points are not negative"),
])
def test_mistakes_in_them(toy: Path, toml: str, tests: str, line: str) -> None:
    folder = toy / "labs/00-serial/private"
    folder.mkdir()
    (folder / "lab.toml").write_text(toml)
    (folder / "tests.c").write_text(tests)
    assert f"labs/00-serial/private/{line}" in [str(found) for found in check.mistakes(toy)]


def test_an_announced_lab_has_none(toy: Path) -> None:
    (toy / "labs/03-ring/private").mkdir()
    (toy / "labs/03-ring/private/lab.toml").write_text('[[test]]\nname = "own"\npoints = 5\n')
    found = [str(mistake) for mistake in check.mistakes(toy)]
    assert ("labs/03-ring/private/lab.toml:1: lab 03-ring is announced only: "
            "it has no kernel that tests could be added to") in found
