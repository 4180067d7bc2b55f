"""A class of reference solutions, each with changes in one file, as grade-class judges it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from gatehouse import labs
from gatehouse.cohort import record

ROOT = Path(__file__).resolve().parents[2]
Changes = Iterable[tuple[str, str]]         # what stands there, and what takes its place
Judged = dict[str, tuple[record.Record, str]]


def judge(top: Path, students: Mapping[str, tuple[str, str, Changes]]) -> Judged:
    """Record and report of each student: a lab, a file, its changes. All is made in the empty folder TOP."""
    known, numbers = labs.load(ROOT), sorted({number for number, *_ in students.values()})
    for name, (number, file, changes) in students.items():
        for given in labs.find(known, number).hole_files:
            text = (ROOT / given).read_text()
            for old, new in changes if given == file else ():
                assert old in text
                text = text.replace(old, new, 1)
            path = top / number / name / given
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    out = {}
    for number in numbers:
        done = subprocess.run([ROOT / "grading/grade-class", "--dir", top / number, "--out", top / f"marks{number}",
                               "--lab", number], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        for folder in (top / f"marks{number}/students").iterdir():
            kept = record.read(folder)
            assert kept
            out[folder.name] = kept, (folder / "report.txt").read_text()
    return out
