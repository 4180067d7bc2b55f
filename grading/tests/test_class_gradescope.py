"""Gradescope's autograder: the archive, and what it writes, by Gradescope's "Autograder Specifications"."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from gatehouse import labs
from gatehouse.cohort import gradescope
from gatehouse.sandbox import Bounds, Nobody, Open, Sandbox

ROOT = Path(__file__).resolve().parents[2]
LAB = labs.find(labs.load(ROOT), "00")
SERIAL = "arch/x86_64/serial/serial.c"
FORMATS = {"enum": ["text", "html", "simple_format", "md", "ansi"]}
VISIBILITY = {"enum": ["hidden", "after_due_date", "after_published", "visible"]}
RESULTS: dict[str, Any] = {
    "type": "object", "additionalProperties": False, "required": ["score", "tests"],
    "properties": {
        "score": {"type": "number"}, "execution_time": {"type": "number"}, "output": {"type": "string"},
        "output_format": FORMATS, "test_output_format": FORMATS, "test_name_format": FORMATS, "visibility": VISIBILITY,
        "stdout_visibility": VISIBILITY, "extra_data": {"type": "object"}, "leaderboard": {"type": "array"},
        "tests": {"type": "array", "items": {
            "type": "object", "additionalProperties": False, "properties": {
                "score": {"type": "number"}, "max_score": {"type": "number"}, "status": {"enum": ["passed", "failed"]},
                "name": {"type": "string"}, "name_format": FORMATS, "number": {"type": "string"},
                "output": {"type": "string"}, "output_format": FORMATS, "tags": {"type": "array"},
                "visibility": VISIBILITY, "extra_data": {"type": "object"}}}}}}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the archive holds, as Gradescope unpacks it."""
    top = tmp_path_factory.mktemp("autograder")
    packed = subprocess.run(["make", "-s", "-C", ROOT, "gradescope", "LAB=0"], capture_output=True, text=True,
                            check=True)
    assert packed.stdout == "gradescope-lab00.zip: upload it as the autograder of lab 00-serial, worth 100 points\n"
    (ROOT / "gradescope-lab00.zip").rename(top / "x.zip")
    with zipfile.ZipFile(top / "x.zip") as packed_files:
        for info in packed_files.infolist():
            Path(packed_files.extract(info, top / "source")).chmod(info.external_attr >> 16 & 0o777)
    return top / "source"


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A folder that nobody can reach, as /autograder."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def judged(source: Path, place: Path, sandbox: type[Open], old: str = "", new: str = "") -> dict[str, Any]:
    """results.json for lab 00 with a change."""
    tree = place / "submission" / SERIAL
    tree.parent.mkdir(parents=True, exist_ok=True)
    tree.write_text((ROOT / SERIAL).read_text().replace(old, new, 1) if old else (ROOT / SERIAL).read_text())
    gradescope.judge(source / gradescope.TREE, LAB, place, sandbox)
    said: dict[str, Any] = json.loads((place / "results/results.json").read_text())
    return said


def test_the_archive(source: Path) -> None:
    assert {path.name for path in source.iterdir()} == {"setup.sh", "run_autograder", "gatehouse"}
    for name in ("setup.sh", "run_autograder", "gatehouse/grading/gradescope", "gatehouse/grading/deps"):
        assert os.access(source / name, os.X_OK)
    for script in ("setup.sh", "run_autograder"):
        subprocess.run(["shellcheck", source / script], check=True)
    inside = {path.relative_to(source / "gatehouse").as_posix() for path in (source / "gatehouse").rglob("*")}
    assert not any("/mutants/" in name or "/solution/" in name or name.startswith((".git", "docs")) for name in inside)
    assert not list(source.rglob("grading/tests"))


@pytest.mark.parametrize("sandbox", [Sandbox, pytest.param(Nobody, marks=pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can become nobody"))])
def test_results(source: Path, open_place: Path, sandbox: type[Open]) -> None:
    for old, new, fine in (("", "", True), ("& LSR_THRE)", "& 1)", False), ("void", "vojd", False)):
        said = judged(source, open_place, sandbox, old, new)
        jsonschema.validate(said, RESULTS)
        assert said["score"] == sum(test["score"] for test in said["tests"])
        assert (said["score"] == 100) == fine
        assert sum(test["max_score"] for test in said["tests"]) == 100
        assert all((test["status"] == "passed") == (test["score"] == test["max_score"]) for test in said["tests"])
    assert "vojd" in said["tests"][0]["output"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_without_namespaces_the_reference_is_out_of_view(source: Path, open_place: Path) -> None:
    source.chmod(0o700)
    place = source / "gatehouse" / SERIAL
    said = judged(source, open_place, Nobody, "#include", f'#include "{place}"\n#include')
    assert said["score"] == 0 and "Permission denied" in said["output"]


def test_what_cannot_be_judged_is_told(source: Path, tmp_path: Path) -> None:
    (tmp_path / "submission").mkdir()
    (tmp_path / "submission/photo.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    gradescope.judge(source / gradescope.TREE, LAB, tmp_path, Sandbox)
    said = json.loads((tmp_path / "results/results.json").read_text())
    assert said["score"] == 0 and "has no arch/x86_64/serial/serial.c" in said["output"] and "tests" not in said


def test_bad_words_get_one_line(tmp_path: Path) -> None:
    for words in (["zip", "99"], ["mend", "0"], ["zip"], ["zip", "0", tmp_path / "no" / "x.zip"]):
        done = subprocess.run([ROOT / "grading/gradescope", *words], capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 2 and done.stderr.count("\n") == 1 and not done.stdout
    shutil.rmtree(tmp_path)


def test_the_sandbox_for_this_machine() -> None:
    assert isinstance(gradescope.best(Bounds()), Sandbox)
