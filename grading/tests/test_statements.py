"""What docs/entry.md has of two other texts: that each statement's section, code and test are there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from gatehouse import labs

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/entry.md"
HEADING = "Two other texts, statement by statement"
ROW = re.compile(r"^\| (.*) \| (.+) \| (.+) \| (.+) \|$", re.MULTILINE)
CODE = re.compile(r"`([\w./-]+)` `([^`]+)`")
TEST = re.compile(r"(\d\d) `(\w+)`")
LEAST = 35                   # statements; both texts together have more than these have rows


@dataclass(frozen=True)
class Statement:
    text: str
    section: str
    code: str
    tests: str


def statements() -> list[Statement]:
    page = PAGE.read_text().partition(f"\n## {HEADING}\n")[2].partition("\n## ")[0]
    found = [Statement(*match) for match in ROW.findall(page)]
    return [row for row in found if row.section not in ("section", "---")]


STATEMENTS = statements()


@pytest.fixture(scope="module")
def tests() -> set[tuple[str, str]]:
    return {(f"{lab.number:02}", test.name) for lab in labs.load(ROOT) for test in lab.tests}


def test_no_row_is_lost() -> None:
    assert len(STATEMENTS) >= LEAST


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda statement: statement.section)
def test_what_a_statement_names_is_there(statement: Statement, tests: set[tuple[str, str]]) -> None:
    headings = re.findall(r"^##+ (.+)$", PAGE.read_text(), re.MULTILINE)
    assert headings.count(statement.section) == 1, f"the page has no section {statement.section!r}"
    named = CODE.fullmatch(statement.code)
    assert named, f"{statement.code} is no file and what is in it"
    path, content = named.groups()
    assert re.search(rf"(?<!\w){re.escape(content)}(?!\w)", (ROOT / path).read_text()), f"{path} has no {content}"
    wanted = TEST.findall(statement.tests)
    assert wanted and ", ".join(f"{lab} `{name}`" for lab, name in wanted) == statement.tests
    assert set(wanted) <= tests, f"no such test: {sorted(set(wanted) - tests)}"
