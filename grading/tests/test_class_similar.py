"""make similar: who wrote the same, and what JPlag and MOSS get."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from course import ALTERNATIVE
from gatehouse import labs
from gatehouse.cohort import similar
from gatehouse.cohort.intake import Entry
from gatehouse.cohort.plan import Plan

ROOT = Path(__file__).resolve().parents[2]
LAB = labs.find(labs.load(ROOT), "4")        # holes in C and in assembly
COPIED = [(r"\bfault\b", "what"), (r"\bcode\b", "bits"), (r"^    ", "\t"), (r"//.*", "// mine")]


@pytest.fixture(scope="module")
def handins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ada wrote it all herself, bob copied from her, cy found the reference, dan did nothing, and eve sent a photo."""
    top = tmp_path_factory.mktemp("class") / "handins"
    for name in LAB.hole_files:
        for student in ("ada", "bob", "cy", "dan"):
            (top / student / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ALTERNATIVE / name, top / "ada" / name)
        text = (ALTERNATIVE / name).read_text()
        for pattern, other in COPIED:
            text = re.sub(pattern, other, text, flags=re.MULTILINE) if name.endswith(".c") else text
        (top / "bob" / name).write_text(text)
        shutil.copyfile(ROOT / name, top / "cy" / name)
        shutil.copyfile(ROOT / "labs" / LAB.id / "skeleton" / name, top / "dan" / name)
    (top / "eve.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    return top


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ROOT / "grading/similar", *words], capture_output=True, text=True)


def test_pairs(handins: Path, tmp_path: Path) -> None:
    done = run("--dir", handins, "--lab", "4", "--export", tmp_path / "for")
    assert done.returncode == 0, done.stderr
    first, second, *rest = done.stdout.splitlines()
    alike = {match[1] for line in (first, second) if (match := re.fullmatch(r" *(?:9\d|100)%  (.*)", line))}
    assert alike == {"cy  the reference", "ada  bob"}
    assert rest[0] == "4 submissions for lab 04-faults; 2 pairs share 60% or more"
    assert rest[1] == "not compared: eve.jpg"
    assert rest[2].startswith("The reference is public: ")
    assert sorted(path.name for path in (tmp_path / "for/submissions/ada").iterdir()) == ["holes.asm", "holes.c"]
    assert not (tmp_path / "for/submissions/dan").exists() or \
        not (tmp_path / "for/submissions/dan/holes.c").read_text().strip()


def test_those_who_found_the_reference_are_not_paired() -> None:
    with_it = [similar.Pair(100, "cy", similar.REFERENCE), similar.Pair(97, "eve", similar.REFERENCE)]
    told = [similar.Pair(98, "cy", "eve"), similar.Pair(100, "ada", "bob"), similar.Pair(90, "ada", "cy")]
    assert similar.unexplained([*with_it, *told, similar.Pair(96, "cy", "eve")]) == [*with_it, *told]


def test_what_was_given_is_not_compared() -> None:
    for name in LAB.hole_files:
        skeleton = (ROOT / "labs" / LAB.id / "skeleton" / name).read_text()
        assert not similar.written(skeleton, skeleton).strip()
    work = similar.work_of(ROOT, LAB, ROOT / "labs" / LAB.id / "skeleton")
    assert work == {kind: "\n" * text.count("\n") for kind, text in work.items()}


@pytest.mark.parametrize("words, line", [
    (["--dir", "{top}", "--lab", "4", "--least", "101"], "'101' is not a percentage from 0 to 100"),
    (["--dir", "{top}/eve.jpg", "--lab", "4"], "is not a directory"), (["--dir", "{top}"], "say which lab with LAB="),
    (["--dir", "{top}", "--lab", "4", "--export", "/proc/x"],
     "/proc/x cannot be a folder for what is exported: No such"),
    (["--dir", "{top}", "--lab", "4", "--export", "{top}/for"], "EXPORT lies in DIR, where submissions are"),
    (["--dir", "{top}/ada", "--lab", "4", "--export", "{top}/bob"], "bob holds other files; EXPORT is a new folder"),
    (["--dir", "{top}/dan", "--lab", "4"], "holds no submission for lab 04-faults"),
    (["--dir", "{top}/../marks", "--lab", "4"], "holds no submission for lab 04-faults"),
])
def test_bad_words_get_one_line(handins: Path, words: list[str], line: str) -> None:
    entry = Entry("ada", "ada", handins / "ada")
    (handins.parent / "marks/students/ada/files").mkdir(parents=True, exist_ok=True)       # judged for another lab
    Plan(ROOT, handins.parent / "marks", "00", "isolated", 1, (), (entry,)).write()
    done = run(*(word.format(top=handins) for word in words))
    assert done.returncode == 2 and line in done.stderr and done.stderr.count("\n") == 1 and not done.stdout


def test_one_alone_and_those_whose_names_begin_alike(handins: Path, tmp_path: Path) -> None:
    """A name becomes part of a path, and is cut there."""
    first, second = "अनुराधा वर्मा", "अनुराधा शर्मा"
    for who in (first, second):
        shutil.copytree(handins / "ada", tmp_path / "class" / who)
    done = run("--dir", tmp_path / "class", "--lab", "4", "--export", tmp_path / "for them")
    assert f"%  {first}  {second}\n2 submissions for lab 04-faults; 1 pair shares 60% or more\n" in done.stdout
    assert len(list((tmp_path / "for them/submissions").glob("*/holes.c"))) == 2
    assert f"moss -l c -d '{tmp_path}/for them/submissions'/*/holes.c\n" in done.stdout
    shutil.rmtree(tmp_path / "class" / second)
    done = run("--dir", tmp_path / "class", "--lab", "4")
    assert done.stdout == "1 submission for lab 04-faults; 0 pairs share 60% or more\n"
