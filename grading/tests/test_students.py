"""Three students play through every branch of a course: of the toy project, and of Gatehouse itself."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import toy_project
from course import ALTERNATIVE, Student, copy_of_the_project, messy, other_way, succeed
from gatehouse import handout_tree, holes, labs
from toy_project import commit

PROJECTS: dict[str, Callable[[Path], Path]] = {"toy": toy_project.make, "gatehouse": copy_of_the_project}


@pytest.fixture(name="project", params=PROJECTS)
def _project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return PROJECTS[request.param](tmp_path / "project")


def gradable(project: Path) -> list[labs.Lab]:
    return [lab for lab in labs.load(project) if not lab.announced]


def test_the_perfect_student(project: Path, tmp_path: Path) -> None:
    """Ends with the reference's own sources, as far as they go out: the same files, the same bytes but for the tags."""
    course = tmp_path / "course"
    all_labs = gradable(project)
    for lab in all_labs:
        succeed(project, "handout", str(course), "--upto", lab.tag)
        if lab is all_labs[0]:
            student = Student(course, tmp_path / "student", f"lab{lab.tag}")
        else:
            student.go_on()
        assert student.to_fill() == list(lab.hole_files)
        student.fill({name: holes.solved((project / name).read_text(), name) for name in lab.hole_files})
        assert student.unfilled() == []
    for room in ("kernel", "arch", "userland"):
        theirs = {Path(path) for path in handout_tree.source_files(project) if path.split("/")[0] == room}
        assert theirs == {path.relative_to(student.root) for path in (student.root / room).rglob("*") if path.is_file()}
        for path in theirs:
            assert (student.root / path).read_text() == holes.solved((project / path).read_text(), path.name), path


def test_the_student_who_solves_it_another_way(project: Path, tmp_path: Path) -> None:
    """Everything is published at once; other code, helpers and comments around every hole survive every merge."""
    course = tmp_path / "course"
    succeed(project, "handout", str(course))
    all_labs = gradable(project)
    student = Student(course, tmp_path / "student", f"lab{all_labs[0].tag}")
    written: dict[str, str] = {}
    for lab in all_labs:
        if lab is not all_labs[0]:
            student.go_on()
        own = {name: other_way(name, (student.root / name).read_text()) for name in lab.hole_files}
        student.fill(own)
        written |= own
        assert student.unfilled() == []
    assert {name: (student.root / name).read_text() for name in written} == written
    assert "is the last one" in student.go_on()


def test_the_student_who_is_corrected(project: Path, tmp_path: Path) -> None:
    """Every lab is corrected after it was filled: a base file, the lab's page, and the first line of a file with
    holes. The correction arrives, the student's own code stays."""
    course = tmp_path / "course"
    all_labs = gradable(project)
    written: dict[str, str] = {}
    for lab in all_labs:
        succeed(project, "handout", str(course), "--upto", lab.tag)
        if lab is all_labs[0]:
            student = Student(course, tmp_path / "student", f"lab{lab.tag}")
        else:
            student.go_on()
        own = {name: messy((student.root / name).read_text(), name) for name in lab.hole_files}
        student.fill(own)
        written |= own
        changed = ["kernel/main.c", f"labs/{lab.id}/README.md", *lab.hole_files]
        for name in changed:
            mark = holes.mark(name) or "#"
            correction = f"{mark} corrected in lab {lab.tag}\n"
            (project / name).write_text(correction + (project / name).read_text())
            if name in written:
                written[name] = correction + written[name]
        toy_project.derive(project)
        commit(project, f"correct lab {lab.tag}")
        succeed(project, "handout", str(course))
        assert student.go_on().startswith("corrected: ")
        for name in changed:
            assert (student.root / name).read_text().startswith(f"{holes.mark(name) or '#'} corrected in")
        assert {name: (student.root / name).read_text() for name in written} == written
    assert (student.root / "kernel/main.c").read_text() == (project / "kernel/main.c").read_text()


def kernel(root: Path, lab: str) -> bytes:
    """The image of a lab's kernel, built in its tree."""
    done = subprocess.run(["make", "-s", "-j2", "kernel", f"LAB={lab}"], cwd=root, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    (image,) = root.glob(f"build/{lab}-*/kernel.bin")
    return image.read_bytes()


def test_the_perfect_student_builds_the_reference_kernel(tmp_path: Path) -> None:
    project = copy_of_the_project(tmp_path / "project")
    all_labs = gradable(project)
    succeed(project, "handout", str(tmp_path / "course"))
    student = Student(tmp_path / "course", tmp_path / "student", f"lab{all_labs[-1].tag}")
    for lab in all_labs:
        student.fill({name: holes.solved((project / name).read_text(), name) for name in lab.hole_files})
    assert kernel(student.root, all_labs[-1].tag) == kernel(project, all_labs[-1].tag)


def test_other_correct_code_scores_full_marks_at_home(tmp_path: Path) -> None:
    project = copy_of_the_project(tmp_path / "project")
    all_labs = gradable(project)
    assert [name for lab in all_labs for name in lab.hole_files if not (ALTERNATIVE / name).is_file()] == []
    succeed(project, "handout", str(tmp_path / "course"))
    student = Student(tmp_path / "course", tmp_path / "student", f"lab{all_labs[-1].tag}")
    student.fill({name: (ALTERNATIVE / name).read_text() for lab in all_labs for name in lab.hole_files})
    done = subprocess.run([student.root / "grading/grade"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == f"Score: {100 * len(all_labs)}/{100 * len(all_labs)}"
    assert json.loads((student.root / "build/report.json").read_text())["score"] == 100 * len(all_labs)
    assert "no report is packed" not in succeed(student.root, "handin")
