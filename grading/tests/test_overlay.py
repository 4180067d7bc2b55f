"""Overlays: what is taken from a tree, and what a tree may not do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import toy_project
from gatehouse import handout_tree, holes, labs, overlay
from gatehouse.labs import LabError
from gatehouse.overlay import Overlay

SERIAL = "arch/x86_64/cpu/serial.c"
TABLE = "arch/x86_64/entry/table.c"
STUBS = "arch/x86_64/entry/stubs.asm"


@pytest.fixture(name="student")
def _student(toy: Path, tmp_path: Path) -> Path:
    """A handout's tree at lab 01, nothing filled."""
    all_labs = labs.load(toy)
    for name, file in handout_tree.tree(toy, all_labs, all_labs[:3], all_labs[1]).items():
        path = tmp_path / "student" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
    return tmp_path / "student"


def take(toy: Path, student: Path, lab: str = "01", **options: str) -> Overlay:
    all_labs = labs.load(toy)
    return overlay.from_tree(toy, all_labs, labs.find(all_labs, lab), student, toy.parent / "overlay", **options)


def test_only_files_with_holes_are_taken(toy: Path, student: Path) -> None:
    made = take(toy, student)
    assert sorted(made.files) == [STUBS, TABLE]
    assert {path.relative_to(made.dir).as_posix() for path in made.dir.rglob("*.*")} == {STUBS, TABLE}
    assert (made.dir / TABLE).read_bytes() == (student / TABLE).read_bytes()
    assert made.unfilled == ["1.1", "1.2", "1.3"]
    assert made.ignored == made.flagged == made.missing == []


def test_earlier_labs_are_the_references_or_the_students(toy: Path, student: Path) -> None:
    (student / SERIAL).write_text("own\n")
    assert SERIAL not in take(toy, student).files
    made = take(toy, student, earlier="own")
    assert (made.dir / SERIAL).read_text() == "own\n"
    assert made.unfilled == ["1.1", "1.2", "1.3"]


def test_what_else_differs_is_told_and_not_used(toy: Path, student: Path) -> None:
    (student / "kernel/helper.c").write_text("int helper;\n")
    (student / "kernel/main.c").write_text("changed\n")
    (student / "labs/01-table/tests.c").write_text("TEST(rows) {}\n")
    (student / "labs/01-table/ANSWERS.md").write_text("because\n")
    (student / "elsewhere").symlink_to("/")
    (student / "build").mkdir()
    (student / "build/report.json").write_text("{}")
    made = take(toy, student)
    assert sorted(made.ignored) == ["elsewhere", "kernel/helper.c", "kernel/main.c", "labs/01-table/tests.c"]
    assert sorted(made.files) == [STUBS, TABLE]


def test_a_tree_of_a_course_that_left_a_lab_out_differs_in_nothing(toy: Path, student: Path) -> None:
    (student / SERIAL).write_text(holes.solved((toy / SERIAL).read_text(), SERIAL))
    assert take(toy, student).ignored == []


def test_a_missing_file_is_judged_as_the_skeleton(toy: Path, student: Path) -> None:
    (student / TABLE).unlink()
    made = take(toy, student)
    assert made.missing == [TABLE]
    assert made.unfilled == ["1.1", "1.2", "1.3"]
    assert "gate(row)" not in (made.dir / TABLE).read_text()


@pytest.mark.parametrize("name, encoding, told", [
    (TABLE, "utf-16", "is UTF-16: save it as UTF-8"), (STUBS, "utf-16", "is UTF-16: save it as UTF-8"),
    (STUBS, "utf-8-sig", "is UTF-8 with a byte order mark: save it"), (TABLE, "utf-8-sig", ""), (STUBS, "utf-8", ""),
])
def test_what_an_editor_elsewhere_saved(toy: Path, student: Path, name: str, encoding: str, told: str) -> None:
    (student / name).write_bytes((toy / name).read_text().encode(encoding))
    found = [line for line in take(toy, student).warnings if " save it " in line]
    assert len(found) == bool(told) and all(line.startswith(f"{name} {told}") for line in found)


@pytest.mark.parametrize(("target", "text"), [
    ("/etc/passwd", f"{TABLE}:1: {TABLE} is a symbolic link"),
    ("nowhere", f"{TABLE}:1: {TABLE} is a symbolic link"),
])
def test_a_link_is_refused(toy: Path, student: Path, target: str, text: str) -> None:
    (student / TABLE).unlink()
    (student / TABLE).symlink_to(target)
    with pytest.raises(LabError, match=text):
        take(toy, student)


def test_a_folder_that_is_a_link_is_refused(toy: Path, student: Path) -> None:
    (student / "arch").rename(student / "elsewhere")
    (student / "arch").symlink_to("elsewhere")
    with pytest.raises(LabError, match=f"^{TABLE}:1: arch is a symbolic link"):
        take(toy, student)


def test_a_pipe_a_folder_and_a_huge_file_are_refused(toy: Path, student: Path) -> None:
    (student / TABLE).unlink()
    os.mkfifo(student / TABLE)
    with pytest.raises(LabError, match="is not a regular file"):
        take(toy, student)
    (student / TABLE).unlink()
    (student / TABLE).mkdir()
    with pytest.raises(LabError, match="is not a regular file"):
        take(toy, student)
    (student / TABLE).rmdir()
    (student / TABLE).write_bytes(b" " * (1 << 20))
    assert TABLE in take(toy, student).files
    (student / TABLE).write_bytes(b" " * ((1 << 20) + 1))
    with pytest.raises(LabError, match="is larger than 1 MiB"):
        take(toy, student)


def test_any_bytes_are_taken_as_they_are(toy: Path, student: Path) -> None:
    rubbish = bytes(range(256))
    (student / TABLE).write_bytes(rubbish)
    made = take(toy, student)
    assert (made.dir / TABLE).read_bytes() == rubbish


@pytest.mark.parametrize("code", [
    "u64 x = boot_nonce;", 'report(true, "rows");', "report_values(1, 1, 0);", "machine_end(0);", "out8(0xF4, 0);",
    "out8(244, 0);", "out16(0x604, 1);", "out8(0x8900u, 's');", 'asm("mov $0x604, %dx");', '#include "../x.h"',
    '#include <entry/idt.c>', '#include "/etc/passwd"', 'asm(".incbin \\"labs\\"");',
    '#include "labs/01-table/solution/arch/table.h"',
])
def test_flagged(toy: Path, student: Path, code: str) -> None:
    toy_project.edit(student, TABLE, '    hole("1.1");', f"    {code}")
    (flag,) = take(toy, student).flagged
    assert flag.startswith(f"{TABLE}:8: names ")


@pytest.mark.parametrize("code", [
    "// report the nonce to 0xf4", "/* machine_end */", "reporter();", "x = 0xf40;", "x = 2440;", '#include "print.h"',
    "#include <entry/room.h>",
])
def test_not_flagged(toy: Path, student: Path, code: str) -> None:
    toy_project.edit(student, TABLE, '    hole("1.1");', f"    {code}")
    flagged = take(toy, student).flagged
    assert flagged == ([f"{TABLE}:8: names reporter"] if code == "reporter();" else [])


def test_assembly_is_flagged_too(toy: Path, student: Path) -> None:
    toy_project.edit(student, STUBS, "hole 1.2", "        out 0f4h, al ; nonce")
    assert take(toy, student).flagged == [f"{STUBS}:5: names the exit port 0xf4"]


def test_what_the_reference_does_is_not_flagged(toy: Path, student: Path) -> None:
    toy_project.edit(toy, TABLE, "        gate(row);", "        report(row);")
    (student / TABLE).write_text(holes.solved((toy / TABLE).read_text(), TABLE))
    assert take(toy, student).flagged == []


def test_an_overlay_is_rewritten_only_where_it_changed(toy: Path, student: Path) -> None:
    made = take(toy, student)
    for path in (made.dir / TABLE, made.dir / STUBS):
        os.utime(path, (1, 1))
    (made.dir / "stale.c").write_text("")
    toy_project.edit(student, TABLE, '    hole("1.1");', "    return;")
    take(toy, student)
    assert (made.dir / STUBS).stat().st_mtime == 1
    assert (made.dir / TABLE).stat().st_mtime > 1
    assert not (made.dir / "stale.c").exists()


def test_skeleton(toy: Path) -> None:
    all_labs = labs.load(toy)
    made = overlay.from_skeleton(toy, all_labs, all_labs[1], toy.parent / "overlay")
    assert (made.dir / STUBS).read_text() == (toy / "labs/01-table/skeleton" / STUBS).read_text()
    assert made.unfilled == ["1.1", "1.2", "1.3"]
    made = overlay.from_skeleton(toy, all_labs, all_labs[1], toy.parent / "overlay", earlier="own")
    assert sorted(made.files) == sorted([SERIAL, STUBS, TABLE])


def patched(toy: Path, lab: int, patch: str) -> Overlay:
    all_labs = labs.load(toy)
    (toy.parent / "mutant.patch").write_text(patch)
    return overlay.from_patch(toy, all_labs, all_labs[lab], toy.parent / "mutant.patch", toy / "build/overlay")


def test_patch(toy: Path) -> None:
    made = patched(toy, 0, toy_project.FILES["labs/00-serial/mutants/forgets.patch"])
    assert made.files == [SERIAL]
    assert (made.dir / SERIAL).read_text() == (toy / SERIAL).read_text().replace("outb(LCR, 3)", "outb(LCR, 0)")
    assert "outb(LCR, 3)" in (toy / SERIAL).read_text()


def test_a_patch_that_does_not_apply_or_goes_elsewhere(toy: Path) -> None:
    good = toy_project.FILES["labs/00-serial/mutants/forgets.patch"]
    with pytest.raises(LabError, match=r"mutant\.patch:1: does not apply to the files with holes of 00-serial: error"):
        patched(toy, 0, good.replace("outb(LCR, 3)", "outb(LCR, 9)"))
    with pytest.raises(LabError, match="does not apply to the files with holes of 01-table"):
        patched(toy, 1, good)
    with pytest.raises(LabError, match="it adds and removes none"):
        patched(toy, 0, good + "--- /dev/null\n+++ b/kernel/new.c\n@@ -0,0 +1 @@\n+int x;\n")
