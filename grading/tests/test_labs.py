"""Reading the labs, and labs.mk."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import toy_project
from gatehouse import labs, lab_toml, make_include
from gatehouse.labs import LabError


def test_a_lab_as_data(toy: Path) -> None:
    serial, table, frame, ring = labs.load(toy)
    assert (serial.id, serial.number, serial.tag, serial.hours, serial.lines) == ("00-serial", 0, "00", "2-3", 25)
    assert [(test.name, test.points, test.needs) for test in serial.tests] == [
        ("line_settings", 40, ()), ("text", 60, ("line_settings",))]
    assert serial.tests[1].not_on == {"qemu": "lost-text"}
    assert serial.hints[0].say == r"the line stops at \1"
    assert [(hole.id, hole.file, hole.line) for hole in serial.holes] == [
        ("0.1", "arch/x86_64/cpu/serial.c", 5), ("0.2", "arch/x86_64/cpu/serial.c", 12)]
    assert serial.holes[1].title == "The line is ready when THRE is set, however long that takes."
    assert table.hole_files == ("arch/x86_64/entry/table.c", "arch/x86_64/entry/stubs.asm")
    assert table.probe is not None and table.probe.checks == {"gates": "rows"} and table.probe.doors == ("NORMAL",)
    assert [hole.id for hole in frame.holes] == ["2.2", "2.1"]
    assert (frame.tests[0].ends, frame.tests[0].says) == ("panic", "double fault")
    assert frame.standins == ("arch/x86_64/entry/normal.asm",)
    assert ring.announced and not ring.hole_files


@pytest.mark.parametrize("name", ["1", "01", "01-table", "table"])
def test_find(toy: Path, name: str) -> None:
    assert labs.find(labs.load(toy), name).number == 1


def test_find_lists_what_there_is(toy: Path) -> None:
    with pytest.raises(LabError, match="^no lab is called 'tabel'; there are 00-serial, 01-table, 02-frame, 03-ring$"):
        labs.find(labs.load(toy), "tabel")


def test_load_raises_the_first_mistake(tmp_path: Path) -> None:
    toy = toy_project.make(tmp_path / "toy")
    toy_project.edit(toy, "labs/01-table/lab.toml", "lines  = 50", "lines  = true")
    with pytest.raises(LabError) as caught:
        labs.load(toy)
    assert (caught.value.path, caught.value.line) == ("labs/01-table/lab.toml", 4)


def test_make_include(toy: Path) -> None:
    text = make_include.text(labs.load(toy))
    assert text.splitlines()[1:8] == [
        "LABS := 00 01 02",
        "ALL_LABS := 00 01 02 03",
        "",
        "ID.00 := 00-serial",
        "ADDS.00 := arch/x86_64/cpu/serial.c",
        "STANDINS.00 :=",
        "TESTS.00 := labs/00-serial/tests.c",
    ]
    assert "TESTS.01 := labs/01-table/tests.c labs/01-table/triggers.asm\n" in text
    assert "STANDINS.03 := arch/x86_64/entry/user.asm\n" in text
    done = subprocess.run([toy / "grading/lab", "mk"], capture_output=True, text=True, check=True)
    assert done.stdout == text


def test_make_reads_a_lab_with_mistakes(tmp_path: Path) -> None:
    toy = toy_project.make(tmp_path / "toy")
    tool = toy / "grading/lab"
    toy_project.edit(toy, "labs/00-serial/lab.toml", "points = 40", "points = 41")
    assert "LABS := 00 01 02\n" in subprocess.run([tool, "mk"], capture_output=True, text=True, check=True).stdout
    toy_project.edit(toy, "labs/00-serial/lab.toml", "points = 41", "points = ")
    done = subprocess.run([tool, "mk"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("labs/00-serial/lab.toml:17: not TOML: ")


def test_generic_hints(tmp_path: Path) -> None:
    path = tmp_path / "hints.toml"
    path.write_text('[[hint]]\noutcome = "hang"\nmatch = "RIP (.*)"\nsay = "look at \\\\1"\n')
    (hint,) = labs.load_hints(path)
    assert (hint.test, hint.outcome, hint.say) == (None, "hang", r"look at \1")
    path.write_text('[[hint]]\ntest = "a"\nsay = "hints for all labs name no test"\n')
    with pytest.raises(LabError, match=r":2: unknown key `test`"):
        labs.load_hints(path)


def test_the_outcomes_are_the_graders() -> None:
    from gatehouse import outcome
    assert list(lab_toml.OUTCOMES) == [one.value for one in outcome.Outcome]
