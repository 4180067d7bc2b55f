"""What a class leaves behind for people and for servers: the sheet, the page, JUnit."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from gatehouse import labs
from gatehouse.cohort import junit, plan, regrade, sheet, summary
from gatehouse.cohort.intake import Entry, slug_of
from gatehouse.cohort.plan import Plan
from gatehouse.cohort.record import Record
from gatehouse.safe import named

ROOT = Path(__file__).resolve().parents[2]
LAB = labs.find(labs.load(ROOT), "03")
NASTY = '<script>alert("x")</script>&\n\x1b[31m'


def made(student: str, score: int, status: str = "judged", symptoms: dict[str, str] | None = None,
         reason: str = "") -> Record:
    tests = {test.name: test.points for test in LAB.tests}
    failed = symptoms or {}
    return Record(student, slug_of(student), f"/x/{student}", LAB.id, "isolated", 1, "k",
                  status, score,     # type: ignore[arg-type]
                  tests=tests | {name: 0 for name in failed}, symptoms=failed, reason=reason)


RECORDS = [
    made("ada", 100),
    made("Bob", 45, symptoms={"frame": "wrong value: rip: expected 1, got 2", "nesting": "panic: PANIC: x"}),
    made("cy", 90, symptoms={"frame": "wrong value: rip: expected 1, got 2"}),
    made("dan", 97, symptoms={"frame": f"hang: {NASTY}"}),
    made(NASTY, 0, "unusable", reason=f"{NASTY} is no folder"), made("eve", 0, "trouble", reason="QEMU is missing"),
]


class Page(HTMLParser):
    """The text of each cell, and what the page refers to."""

    VOID = {"meta", "br"}

    def __init__(self, text: str) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in {"html", "meta", "title", "style", "h1", "h2", "p", "div", "table", "tr", "th", "td", "a",
                       "code", "br"}
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "td":
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        while self.open.pop() != tag:
            assert tag == "html"

    def handle_data(self, data: str) -> None:
        if "td" in self.open:
            self.cells[-1] += data


def test_the_page() -> None:
    text = summary.page(LAB, RECORDS)
    page = Page(text)
    assert "6 submissions, 4 judged, mean 83.0, median 93.5, seed 1, 1 unusable, 1 trouble." in text
    marks = dict(zip(page.cells[0:33:3], page.cells[1:33:3]))
    assert marks["100"] == "1" and marks["90–99"] == "2" and marks["40–49"] == "1"
    assert sum(map(int, marks.values())) == 4
    assert page.cells[33:37] == ["frame", "3", "75%",
                                 f"2 × wrong value: rip: expected 1, got 21 × hang: {named(NASTY)}"]
    assert page.cells[37:41] == ["nesting", "1", "25%", "1 × panic: PANIC: x"]
    assert page.cells[41::4] == [named(NASTY), "ada", "Bob", "cy", "dan", "eve"]
    assert page.cells[42::4] == ["0/100", "100/100", "45/100", "90/100", "97/100", "–"]


def test_the_page_needs_nothing_else() -> None:
    text = summary.page(LAB, RECORDS)
    assert not re.search(r"https?:|<script|<link|<img|@import|url\(", text)
    assert all(re.fullmatch(r"students/[\w.%~-]+/report\.txt", link) for link in Page(text).links)
    assert Page(summary.page(LAB, [])).cells == []


def test_what_does_not_build_is_told_once() -> None:
    failure = "build failure: arch/x.c:1: error: expected ';'"
    records = [made("ada", 90, symptoms={"frame": "hang: x"}),
               made("bob", 0, symptoms={test.name: failure for test in LAB.tests})]
    page = Page(summary.page(LAB, records))
    assert page.cells[33:37] == ["it does not build", "1", "50%", f"1 × {failure}"]
    assert page.cells[37:41] == ["frame", "1", "50%", "1 × hang: x"]
    assert page.cells[41:] == ["ada", "90/100", "judged", "frame", "bob", "0/100", "judged", failure]


def test_remarks() -> None:
    record = made("ada", 50)
    record.unfilled, record.blame = ["3.1"], ["returns: fails"]
    record.look = ["look at x.c:1: names nonce", "look at y"]
    record.remarks = ["also handed in, not judged: a", "also handed in, not judged: b"]
    assert sheet.remark(record) == ("holes left empty: 3.1; look at x.c:1: names nonce (and 1 more); returns: fails; "
                                    "also handed in, not judged: a (and 1 more)")
    record = made("eve", 0, "unusable", reason="a photo")
    assert sheet.remark(record) == "a photo"
    record.remarks = ["also handed in, not judged: x.zip"]
    assert sheet.remark(record) == "a photo; also handed in, not judged: x.zip"


def test_junit(tmp_path: Path) -> None:
    junit.write(tmp_path, RECORDS)
    suites = {suite.get("name"): suite for suite in ElementTree.parse(tmp_path / junit.FILE).getroot()}
    bob = suites["Bob"]
    assert (bob.get("tests"), bob.get("failures"), bob.get("errors")) == (str(len(LAB.tests)), "2", "0")
    failure = bob.find("testcase[@name='frame']/failure")
    assert failure is not None and failure.attrib == {"type": "wrong value", "message": "rip: expected 1, got 2"}
    assert suites["eve"].get("errors") == "1" and suites["ada"].find("testcase/failure") is None
    assert len(suites) == len(RECORDS)
    junit.write(tmp_path, [made("李雷", 100)])
    assert [suite.get("name") for suite in ElementTree.parse(tmp_path / junit.FILE).getroot()] == ["李雷"]


def test_the_sheet(tmp_path: Path) -> None:
    sheet.write(tmp_path, ["frame"], [made("+1", 5, "trouble"), *RECORDS])
    lines = (tmp_path / sheet.FILE).read_text().split("\n")
    assert lines[0] == "student,score,points,status,remark,frame"
    assert "'+1,,100,trouble,," in lines and "Bob,45,100,judged,,0" in lines and "ada,100,100,judged,,10" in lines
    assert len(lines) == 2 + 7


@pytest.mark.parametrize("name", ["=1+1", "  =1+1", "\t@x", "\n-x", "+x", "\uff1d1+1", "\r=x"])
def test_a_spreadsheet_computes_nothing(tmp_path: Path, name: str) -> None:
    sheet.write(tmp_path, [], [made(name, 5, "unusable", reason=name)])
    row = list(csv.reader((tmp_path / sheet.FILE).read_text().split("\n")))[1]
    assert row[0] == row[4] == f"'{name.strip()}"


def test_nor_where_cells_end_at_semicolons(tmp_path: Path) -> None:
    sheet.write(tmp_path, [], [made("ada;=1+1", 5, "unusable", reason="x; @y; z; \uff1d1")])
    assert "ada;'=1+1,5,100,unusable,x; '@y; z; '\uff1d1\n" in (tmp_path / sheet.FILE).read_text()


ODD = ["\x1b]0;x\x07", "a\nb\rc", "\x9b31m", "\u202ereverse", "\udc9b", "\x00", "]]>&<\"'", "\ufffe"]


@pytest.mark.parametrize("name", ODD)
def test_nothing_that_a_terminal_or_a_parser_would_obey(tmp_path: Path, name: str) -> None:
    records = [made(name, 0, "unusable", reason=name), made(f"2{name}", 9, symptoms={"frame": f"hang: {name}"})]
    sheet.write(tmp_path, [], records)
    summary.write(tmp_path, LAB, records)
    junit.write(tmp_path, records)
    assert len(ElementTree.parse(tmp_path / junit.FILE).getroot()) == 2
    assert len(Page((tmp_path / summary.FILE).read_text()).links) == 2
    for file in (sheet.FILE, summary.FILE, junit.FILE):
        text = (tmp_path / file).read_bytes().decode()
        assert all(char.isprintable() or char == "\n" for char in text), file


@pytest.mark.parametrize("name", ODD)
def test_what_is_said_of_a_complaint(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "students" / "x"
    folder.mkdir(parents=True)
    Plan(ROOT, tmp_path, "03", "isolated", 1, ("qemu",), ()).write()
    made(name, 0, "unusable", reason=name).write(folder)
    assert regrade.main([str(folder)], ROOT) == 2
    said = capsys.readouterr()
    assert all(char.isprintable() for char in said.err.removesuffix("\n")) and "has no verdict, so " in said.err
    assert not said.out


def test_a_plan_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    entry = Entry("ada", "ada", tmp_path / "ada", (tmp_path / "old",))
    written = Plan(ROOT, tmp_path, "03", "carry", 1, ("qemu", "bochs"), (entry,), "x", (0, 1))
    written.write()
    assert plan.read(tmp_path) == written
    data = json.loads((tmp_path / plan.FILE).read_text())
    del data["solved"]
    (tmp_path / plan.FILE).write_text(json.dumps(data))
    assert plan.read(tmp_path) == replace(written, solved=())
