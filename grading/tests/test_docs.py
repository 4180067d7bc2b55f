"""The pages that people read: every command, path and link in them exists, and what they print is what is printed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from course import copy_of_the_project
from gatehouse import handout_tree, holes, labs
from students import ROOT, SERIAL, grade, tree

PAGES = sorted(path.relative_to(ROOT).as_posix()
               for path in (ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("labs/*/README.md")))
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"(?<!`)`([^`\n]+(?:\n[^`\n]+)?)`(?!`)")
LINK = re.compile(r"\[[^]\n]*(?:\n[^]\n]*)?\]\(([^)\s]+)\)")
COMMAND = re.compile(r"(?:^|[;&|$(] ?|: +|`)make(?: -\w+| [A-Z]+=\S*)* ([a-z][a-z-]*(?:\|[a-z-]+)*)", re.MULTILINE)
PATH = re.compile(r"<?([\w.*-]+(?:/[\w.*-]+)*/?[\w.*-]*)>?(?::\d+)*")
SUFFIX = re.compile(r"\.(?:c|h|asm|inc|def|ld|awk|cfg|toml|py|md|json|patch|mk)$")
HOLE_AT = re.compile(r"^ *(\S+):(\d+): (?:(?=.* to fill)|the correction.* hole )([\d.]+)( as published)?", re.MULTILINE)

# From where a page may name a path: the root, the rooms of the machine, what includes and labs see.
BASES = [ROOT, *(ROOT / name for name in ("arch/x86_64", "arch/x86_64/include", "arch", "grading", "grading/gatehouse",
                                          "docs"))]
# What a student, a build or a reader makes; the words for any lab and any file.
MADE = re.compile(r"build/.*|labs/current\.mk|(?:.*/)?ANSWERS\.md|.*/mine\.\w+|origin/.*|\.\./.*")
ANY = [("NN-name", "[0-9][0-9]-*"), ("NAME", "*"), ("PATH", "*")]


def text(page: str) -> str:
    return (ROOT / page).read_text()


def prose(page: str) -> str:
    return FENCE.sub("", text(page))


def targets() -> set[str]:
    """What the Makefile offers: the words behind .PHONY."""
    found = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return {word for line in found for word in line.split()}


def commands(page: str) -> Iterator[str]:
    """The targets that a page tells people to make, in code spans and blocks."""
    for code in [*SPAN.findall(prose(page)), *(block[1] for block in FENCE.findall(text(page)))]:
        for found in COMMAND.findall(code):
            yield from found.split("|")


def paths(page: str) -> Iterator[str]:
    """The words in code spans that look like paths of the repository."""
    tops = {path.name for path in ROOT.iterdir()}
    for span in SPAN.findall(prose(page)):
        for word in span.split():
            if not (found := PATH.fullmatch(word)) or MADE.fullmatch(found[1]):
                continue
            first, slash, _ = found[1].partition("/")
            if slash and (first in tops or SUFFIX.search(found[1]) or found[1].endswith("/")):
                yield found[1]


def exists(page: str, name: str) -> bool:
    for word, pattern in ANY:
        name = name.replace(word, pattern)
    bases = [*BASES, (ROOT / page).parent, *ROOT.glob("labs/*")]
    return any(next(base.glob(name.rstrip("/")), None) for base in bases)


def slug(heading: str) -> str:
    """The anchor that a heading gets on a forge."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def broken(page: str, link: str, there: set[str] | None = None) -> bool:
    """Whether a relative link leads nowhere; `there` are the only files that count."""
    name, _, anchor = link.partition("#")
    target = ((ROOT / page).parent / name).resolve() if name else ROOT / page
    if not target.exists() or there is not None and target.relative_to(ROOT).as_posix() not in there:
        return True
    headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE) if anchor else []
    return bool(anchor) and anchor not in map(slug, headings)


def relative_links(page: str) -> list[str]:
    return [link for link in LINK.findall(prose(page)) if "://" not in link]


@pytest.mark.parametrize("page", PAGES)
def test_every_command_exists(page: str) -> None:
    assert sorted(set(commands(page)) - targets()) == []


@pytest.mark.parametrize("page", PAGES)
def test_every_path_exists(page: str) -> None:
    assert sorted({name for name in paths(page) if not exists(page, name)}) == []


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    assert [link for link in relative_links(page) if broken(page, link)] == []


def test_links_of_a_handout_stay_in_it(tmp_path: Path) -> None:
    """A handout leaves pages out, so no page in it may lead to one of those."""
    project = copy_of_the_project(tmp_path / "project")
    all_labs = labs.load(project)
    course = [lab for lab in all_labs if not lab.announced]
    there = set(handout_tree.tree(project, all_labs, course, course[-1]))
    pages = [page for page in PAGES if page in there and page not in handout_tree.GENERATED]
    assert "docs/students.md" in pages
    assert [(page, link) for page in pages for link in relative_links(page) if broken(page, link, there)] == []


def test_these_checks_see_what_is_wrong() -> None:
    assert COMMAND.findall("$ make nonsense LAB=3") == COMMAND.findall("make -s nonsense") == ["nonsense"]
    assert "nonsense" not in targets() and "grade" in targets() and "grade" in set(commands("docs/students.md"))
    assert SERIAL in set(paths("docs/students.md"))
    assert exists("README.md", "labs/NN-name/lab.toml") and not exists("README.md", "kernel/none.c")
    assert broken("README.md", "docs/none.md") and broken("README.md", "docs/design.md#none")
    assert not broken("README.md", "docs/design.md#adding-a-lab")


def test_holes_stand_where_pages_say() -> None:
    """Lines of `make holes`, and of a correction that comes too near to a hole."""
    seen = 0
    for page in PAGES:
        for file, line, identity, near in HOLE_AT.findall(text(page)):
            skeleton = next(ROOT.glob(f"labs/*/skeleton/{file}")).read_text()
            title, _ = holes.titles(skeleton, file)[identity]
            far = abs(title - int(line))
            assert far <= (2 if near else 0), f"{page} says {file}:{line}, the hole is at {title}"
            seen += 1
    assert seen >= 4


def report(page: str, contains: str) -> list[str]:
    """The grader's report on the page that contains a text, as far as it is the same in every run."""
    found = [block for _, block in FENCE.findall(text(page)) if "Score: " in block and contains in block]
    assert len(found) == 1, f"{page} has {len(found)} reports with {contains!r}"
    return same_in_every_run(found[0].removeprefix("$ make grade\n"))


def same_in_every_run(printed: str) -> list[str]:
    lines = re.sub(r"\[[0-9a-f]{16}\]", "[nonce]", printed).splitlines()
    return [line for line in lines if not re.match(r" +(?:kept|again|debug): ", line)]


def test_the_first_report_of_a_student(tmp_path: Path) -> None:
    place = tmp_path / "student"
    shutil.copytree(ROOT / "labs/00-serial/skeleton", place)
    graded = grade(place, "--tree", str(place), "--lab", "0")
    assert same_in_every_run(graded.out) == report("docs/students.md", "reached hole 0.1")


def test_the_failure_that_students_learn_to_read(tmp_path: Path) -> None:
    place = tree(tmp_path / "student", {SERIAL: [
        ("    out8(COM1 + UART_LCR, LCR_8_BITS);", "    out8(COM1 + UART_LCR, 0);"),
        ("    while (!(in8(COM1 + UART_LSR) & LSR_TEMT))\n        continue;\n", '    hole("0.3");\n')]})
    graded = grade(place, "--tree", str(place), "--lab", "0")
    assert same_in_every_run(graded.out) == report("docs/students.md", "LCR is 0")
