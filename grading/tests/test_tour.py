"""The tours: that they tell the truth, that they notice when they do not, and how they meet a person."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from by_hand_kernels import ROOT, built, command, run
from gatehouse import by_hand, labs, tour, tour_play
from gatehouse.labs import LabError
from typist import Typist

TOURS = sorted(path.parent.parent.name[:2] for path in ROOT.glob(f"labs/*/{tour.FILE}"))
LAB = {name: next(ROOT.glob(f"labs/{name}-*")) for name in TOURS}


def test_the_labs_that_promise_a_tour_have_one() -> None:
    assert {"02", "03"} <= set(TOURS)


@pytest.mark.parametrize("source", ["reference", "other"])
@pytest.mark.parametrize("lab", TOURS)
def test_a_tour_tells_the_truth(lab: str, source: str) -> None:
    done = run("tour", lab, source=source)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].endswith("steps, all as told")


@pytest.mark.parametrize("lab", TOURS)
def test_a_tour_meets_a_hole_kindly(lab: str) -> None:
    done = run("tour", lab, source="skeleton")
    assert done.returncode == 1
    assert re.search(r"^Your kernel has come as far as it can: it stands at hole \d+\.\d+, .*: arch/\S+:\d+\.$",
                     done.stderr, re.MULTILINE), done.stderr
    assert f"make tour LAB={lab}" in done.stderr


def changed(tmp_path: Path, lab: str, *changes: tuple[str, str]) -> Path:
    """A lab's folder with another tour in it."""
    place = tmp_path / "labs" / LAB[lab].name
    (place / "tour").mkdir(parents=True)
    text = (LAB[lab] / tour.FILE).read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    (place / tour.FILE).write_text(text)
    return place


@pytest.mark.parametrize(("old", "new", "step", "told"), [
    ("u64(rsp + 24) == before.rsp\",", "u64(rsp + 24) == before.rsp + 8\",", "What the CPU pushed",
     r"expected u64\(rsp \+ 24\) == before\.rsp \+ 8, but here 0x\w+ and 0x\w+"),
    ("64-Bit Interrupt Gate", "64-Bit Call Gate", "The same, decoded", r"does not show '64-Bit Call Gate', but"),
    ("until = \"rip == remember\"", "until = \"rip == remembered\"", "Into C",
     r"500 times does not lead to rip == remembered"),
    ("\"trigger_int3\"'", "\"trigger_int4\"'", "The CPU knows the table", "symbol not found"),
    ("3 passed, 0 failed", "4 passed, 0 failed", "What the tests say", r"4 passed"),
])
def test_a_stale_tour_names_its_step(tmp_path: Path, capfd: pytest.CaptureFixture[str], old: str, new: str, step: str,
                                     told: str) -> None:
    place = changed(tmp_path, "02", (old, new))
    plan = tour.load(tmp_path, place)
    (tmp_path / "run").mkdir()
    asked = by_hand.wish(built("02"), "02", ",".join(plan.test), "", tmp_path / "run")
    assert tour_play.follow(asked, plan, tour_play.Checker()) == 1
    error = capfd.readouterr().err
    found = re.search(r'^labs/02-idt/tour/tour\.toml:(\d+): (?:in )?step "(.*?)"', error)
    assert found and re.fullmatch(step, found[2]), error
    assert re.search(told, error), error
    assert place.joinpath(tour.FILE).read_text().splitlines()[int(found[1]) - 1] == "[[step]]"


@pytest.mark.parametrize(("old", "new", "told"), [
    ("title = ", "titel = ", "missing key `title`|unknown key `titel`"),
    ("check = [\"rip == idt_initialise\"", "check = [\"rip = idt_initialise\"",
     "`check`: 'rip = idt_initialise' is no expression"),
    ("\"idtr.base == idt\"", "\"open('x')\"", "the functions are u8, u16"),
    ("do   = [\"info idt 3\"]", "do   = ['lb 0xffffffff80101e6e']", "holds an address"),
    ("{idt:#x}", "{idt:#x", "`then`: "),
    ("note  = \"before\"", "notes = \"before\"", "unknown key `notes`"),
])
def test_a_mistake_in_a_tour_is_one_line_with_its_number(tmp_path: Path, old: str, new: str, told: str) -> None:
    place = changed(tmp_path, "02", (old, new))
    with pytest.raises(LabError) as caught:
        tour.load(tmp_path, place)
    assert re.match(r"labs/02-idt/tour/tour\.toml:\d+: ", str(caught.value))
    assert re.search(told, str(caught.value)), caught.value
    assert caught.value.line > 1 or old == "title = "


def test_a_person_follows_a_tour_looks_around_and_leaves() -> None:
    with Typist(command("tour", "02"), ROOT) as typist:
        typist.see("From int3 through the gate")
        typist.see(r"1 of \d+ ── Before LIDT")
        typist.see(r'<bochs:1> lb "idt_initialise"')
        typist.type("\n")
        typist.see(r"<bochs:2> c")
        typist.type("\n")
        typist.see(r"idt_initialise\+0")
        typist.see(r"<bochs:3> sreg")
        typist.type("c\n")
        typist.see("would move the machine")
        typist.type("print-stack 1\n")
        typist.see("STACK 0xffffffff")
        typist.see(r"sreg")
        typist.type("\n")
        typist.see(r"idtr:base=0x0+, limit=0x0")
        typist.see(r"2 of \d+ ")
        typist.type("q\n")
        assert typist.end() == 0


def test_a_person_is_told_of_a_hole_in_the_kernel() -> None:
    with Typist(command("tour", "03", source="skeleton"), ROOT) as typist:
        for _ in range(12):
            shown = typist.see(r"<bochs:\d+> |Your kernel has come as far as it can: it stands at hole 3\.1")[0]
            if shown.startswith("Your"):
                break
            typist.type("\n")
        assert typist.end() == 1


def test_a_lab_without_a_tour_says_so() -> None:
    done = run("tour", "00")
    assert done.returncode == 2
    assert done.stderr == "there is no tour of lab 00-serial\n"


def test_tours_name_tests_that_exist() -> None:
    known = {lab.tag: {test.name for test in lab.tests} for lab in labs.load(ROOT)}
    for name in TOURS:
        assert set(tour.load(ROOT, LAB[name]).test) <= known[name]


def test_a_kernel_that_does_something_else_is_no_end_for_a_person(tmp_path: Path) -> None:
    """The lab in which the tour is stale, read by a person: told, and gone on with."""
    copy = tmp_path / "tree"
    shutil.copytree(ROOT / "labs" / LAB["02"].name / "tour", copy / "tour")
    text = (copy / tour.FILE).read_text().replace('check = ["rip == idt_initialise"', 'check = ["rip == idt_load"')
    (copy / tour.FILE).write_text(text)
    program = (f"import sys; sys.path.insert(0, {str(ROOT / 'grading')!r}); from pathlib import Path; "
               f"from gatehouse import by_hand, tour, tour_play, tour_reader; run = Path({str(tmp_path)!r}); "
               f"plan = tour.load(run, run / 'tree'); "
               f"asked = by_hand.wish(Path({str(built('02'))!r}), '02', ','.join(plan.test), '', run); "
               f"sys.exit(tour_play.follow(asked, plan, tour_reader.Person()))")
    with Typist(["/usr/bin/python3", "-c", program], ROOT) as typist:
        for _ in range(3):
            typist.see(r"<bochs:\d+> ")
            typist.type("\n")
        typist.see(r"Not as the tour tells it: expected rip == idt_load, but here")
        typist.see(r"2 of \d+ ")
        typist.see(r"<bochs:\d+> ")
        typist.type("q\n")
        assert typist.end() == 0
