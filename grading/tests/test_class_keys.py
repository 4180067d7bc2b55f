"""By what a judgement is known: all that can change a verdict is in its key, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from gatehouse.cohort import record
from gatehouse.cohort.plan import Plan, pristine_digest

PLAN = Plan(Path("/root"), Path("/out"), "03", "isolated", 1, ("qemu", "bochs"), (), "tree")


@pytest.mark.parametrize("other", [
    replace(PLAN, lab="02"), replace(PLAN, policy="carry"), replace(PLAN, seed=2), replace(PLAN, emulators=("qemu",)),
    replace(PLAN, pristine="another"),
    replace(PLAN, solved=(1,))])
def test_rules(other: Plan) -> None:
    assert PLAN.key("files") != other.key("files")


def test_not_where_it_lies() -> None:
    elsewhere = replace(PLAN, root=Path("/r"), out=Path("/o"), id="x")
    assert PLAN.key("files") == elsewhere.key("files") != PLAN.key("others")


@pytest.mark.parametrize("name", [*record.TOOLS, *record.PARTS])
def test_tools(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = record.versions()
    assert versions[name], f"{name} says nothing of itself"
    before = PLAN.key("files")
    monkeypatch.setattr(record, "versions", lambda: versions | {name: "another"})
    assert PLAN.key("files") != before


JUDGES = ["Makefile", "arch/x.c", "kernel/x.c", "userland/x.c", "labs/00-a/lab.toml", "labs/00-a/tests.c",
          "labs/00-a/standins/x.c", "labs/00-a/private/tests.c", "labs/00-a/private/lab.toml",
          "grading/gatehouse/judge.py", "grading/hints.toml", "grading/archive", "grading/lab"]
IS_READ = ["README.md", "docs/design.md", "labs/00-a/README.md", "labs/00-a/tour/x", "labs/00-a/private/notes.md",
           "labs/00-a/mutants/x.patch", "grading/tests/x.py", "grading/gatehouse/__pycache__/x.pyc"]


@pytest.mark.parametrize("name", JUDGES + IS_READ)
def test_the_tree(tmp_path: Path, name: str) -> None:
    for path in JUDGES + IS_READ:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("x")
    before = pristine_digest(tmp_path)
    (tmp_path / name).write_text("y")
    assert (pristine_digest(tmp_path) != before) == (name in JUDGES)
