"""The stack drawings of docs/entry.md are those of this kernel, and a kernel that builds another stack is not drawn."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from gatehouse import drawing, drawing_page, drawing_plan, vectors
from gatehouse.drawing_plan import CannotDraw, Drawing, Moment

ROOT = Path(__file__).resolve().parents[2]
PLANS = {plan.name: plan for plan in drawing_plan.plan(ROOT)}


@pytest.fixture(scope="module")
def built() -> Path:
    # Called from a recipe, make must not take that one's jobs and variables for its own.
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS")}
    subprocess.run(["make", "-s", "-C", str(ROOT), "kernel", "LAB=drawings"], check=True, stdout=subprocess.DEVNULL,
                   env=environment)
    return ROOT / "build/drawings"


def blocks(text: str) -> dict[str, str]:
    return {found[1]: found[0] for found in drawing_page.BLOCK.finditer(text)}


def test_the_page_shows_this_kernel(built: Path) -> None:
    text = (ROOT / drawing_page.PAGE).read_text()
    emptied = drawing_page.BLOCK.sub(r"\1\2", text)
    assert emptied != text
    assert blocks(drawing_page.page(ROOT, built, emptied)) == blocks(text), "`make docs` draws them anew"


def sit(built: Path, plan: Drawing, run: Path) -> list[drawing.Seen]:
    return drawing.Sitting(ROOT, built, plan, run / "run").look()


def with_moment(plan: Drawing, number: int, **changes: object) -> Drawing:
    moments = list(plan.moments)
    moments[number] = replace(moments[number], **changes)
    return replace(plan, moments=tuple(moments))


def test_a_slot_that_holds_something_else_is_not_drawn(built: Path, tmp_path: Path) -> None:
    """Registers taken one instruction too late are not those that the frame has."""
    plan = with_moment(PLANS["exception"], 0, at="draw_breakpoint")
    with pytest.raises(CannotDraw, match=r"^exception: the slot of \w+ holds 0x\w+, "
                                         r"which is nothing that belongs there$"):
        sit(built, plan, tmp_path)


def test_a_moment_that_never_comes_is_told(built: Path, tmp_path: Path) -> None:
    with pytest.raises(CannotDraw, match="^exception, at entry_nowhere: the kernel has no such symbol$"):
        sit(built, with_moment(PLANS["exception"], 2, at="entry_nowhere"), tmp_path)


def test_a_moment_that_the_run_does_not_come_to_is_told(built: Path, tmp_path: Path) -> None:
    with pytest.raises(CannotDraw, match="^exception, at hole_reached: the machine (did not come to|ended before)"):
        sit(built, with_moment(PLANS["exception"], 4, at="hole_reached"), tmp_path)


def test_a_page_without_a_place_for_a_drawing_is_told(built: Path) -> None:
    with pytest.raises(CannotDraw, match="has places for nothing-such; docs/drawings.toml has "):
        drawing_page.page(ROOT, built, "<!-- drawing nothing-such -->\n<!-- end of drawing -->\n")


def test_a_mistake_in_the_plan_is_one_line_with_its_number(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / drawing_plan.PLAN).write_text('[[drawing]]\nname = "one"\ntset = "two"\n')
    with pytest.raises(CannotDraw, match=r"^docs/drawings\.toml:\d: "):
        drawing_plan.plan(tmp_path)


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading of the page."""
    section = (ROOT / drawing_page.PAGE).read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    table = re.search(r"(?:^\|.*\n)+", section, re.MULTILINE)
    assert table, heading
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[0].splitlines()[2:]]


def test_the_tables_of_the_page_are_those_of_the_vectors() -> None:
    table = vectors.load(ROOT)
    codes = {int(number) for row in rows("The error code and the -1") for number in row[0].split(",")}
    assert codes == {vector.number for vector in table if vector.has_code}
    stacks = {int(row[1]): row[0] for row in rows("Interrupt stacks")}
    assert set(stacks) == {vector.number for vector in table if vector.ist}
    for number, stack in stacks.items():
        assert stack == f"{table[number].name.split()[0]} stack"


def test_a_drawing_has_no_address_of_this_build() -> None:
    """Else every change anywhere in the kernel would be one of the page."""
    for name, block in blocks((ROOT / drawing_page.PAGE).read_text()).items():
        assert not re.search(r"[0-9a-f]{8}", block), name


def test_a_gate_is_known_by_its_number() -> None:
    assert Moment("gate 14", "", False).gate == 14 and Moment("entry_14", "", False).gate is None


# ---- frames that move, and frames that no gate has begun --------------------------------------------------------


def test_a_frame_that_has_not_moved_yet_is_not_drawn_where_it_will_be(built: Path, tmp_path: Path) -> None:
    """rsp points to the end of what was pushed last, and not to a frame."""
    plan = with_moment(PLANS["program-ist"], 3, at="trap")
    with pytest.raises(CannotDraw, match=r"^program-ist: the slot of \w+ holds 0x\w+, "
                                         r"which is nothing that belongs there$"):
        sit(built, plan, tmp_path)


def test_a_slot_that_the_handler_has_changed_must_be_named(built: Path, tmp_path: Path) -> None:
    plan = replace(PLANS["refused"], changed=())
    with pytest.raises(CannotDraw, match="^refused: the slot of cs holds 0xfffb, which is nothing that belongs there$"):
        sit(built, plan, tmp_path)


def test_a_door_without_a_gate_needs_the_instruction(built: Path, tmp_path: Path) -> None:
    plan = replace(PLANS["syscall"], moments=PLANS["syscall"].moments[2:])
    with pytest.raises(CannotDraw, match="^syscall: the first moment must be that of the instruction$"):
        sit(built, plan, tmp_path)


def test_a_program_is_looked_at_where_it_runs(built: Path, tmp_path: Path) -> None:
    """Without the plan's word for it its label is where it lies, and nobody comes there."""
    with pytest.raises(CannotDraw, match="^program-exception, at drawn_program_int3: the machine "):
        sit(built, replace(PLANS["program-exception"], program=""), tmp_path)


def test_whose_gs_it_is_changes_once_on_the_way_in_and_once_on_the_way_out(built: Path, tmp_path: Path) -> None:
    seen = sit(built, PLANS["program-exception"], tmp_path)
    whose = [one.registers["gs"] for one in seen]
    assert whose == ["the program's"] * 3 + ["the kernel's"] * 2 + ["the program's"]
