"""Trees of students who did something else than the reference, and the grader called on them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gatehouse import labs

ROOT = Path(__file__).resolve().parents[2]

IDT = "arch/x86_64/entry/idt.c"
GDT = "arch/x86_64/cpu/gdt.c"
SERIAL = "arch/x86_64/serial/serial.c"
NORMAL = "arch/x86_64/entry/normal.asm"


@dataclass(frozen=True)
class Graded:
    """What a call of the grader left behind."""

    status: int
    out: str
    err: str
    report: dict[str, Any]

    def outcomes(self, emulator: str) -> dict[str, str]:
        """The outcome of each test of the first lab."""
        return {test["name"]: test["verdicts"][emulator]["outcome"] for test in self.report["labs"][0]["tests"]}

    def verdict(self, test: str, emulator: str) -> dict[str, Any]:
        return next(one["verdicts"][emulator] for one in self.report["labs"][0]["tests"] if one["name"] == test)

    @property
    def last_line(self) -> str:
        return self.out.splitlines()[-1]


def tree(place: Path, edits: Mapping[str, list[tuple[str, str]]]) -> Path:
    """A student's tree: the solutions, with texts replaced.  Fails if an old text is not there just once."""
    for lab in labs.load(ROOT):
        for path in lab.hole_files:
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, place / path)
    for path, changes in edits.items():
        text = (place / path).read_text()
        for old, new in changes:
            assert text.count(old) == 1, f"{path} holds {text.count(old)} times: {old}"
            text = text.replace(old, new)
        (place / path).write_text(text)
    return place


def grade(place: Path, *words: str, environment: Mapping[str, str] | None = None) -> Graded:
    """Call the grader with the words, its report beside PLACE."""
    report = place.parent / f"{place.name}.json"
    done = subprocess.run([ROOT / "grading" / "grade", "--json", report, *words], capture_output=True, text=True,
                          env={**os.environ, **(environment or {})}, timeout=300)
    return Graded(done.returncode, done.stdout, done.stderr,
                  json.loads(report.read_text()) if report.exists() else {})
