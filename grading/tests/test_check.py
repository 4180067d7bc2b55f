"""check-labs: the toy project is clean, and every mistake made in it is one line with file and number."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import toy_project
from gatehouse import check, derived, labs

TABLE = "arch/x86_64/entry/table.c"
SERIAL = "arch/x86_64/cpu/serial.c"
LAB0, LAB1, LAB2, LAB3 = (f"labs/{name}/lab.toml" for name in ("00-serial", "01-table", "02-frame", "03-ring"))
ROWS, OBSERVED = (f"grading/emulators/{name}.toml" for name in ("rows", "observed"))
SKELETON, SOLUTION = (f"labs/01-table/{folder}/{TABLE}" for folder in derived.FOLDERS)
Break = Callable[[Path], None]


def found(root: Path, objects: Path | None = None) -> list[str]:
    lines = [str(mistake) for mistake in check.mistakes(root, objects)]
    for line in lines:
        assert re.fullmatch(r"[^\n:]+:[1-9]\d*: [^\n]+", line), line
    return lines


def edit(name: str, old: str, new: str) -> Break:
    return lambda root: toy_project.edit(root, name, old, new)


def write(name: str, text: str) -> Break:
    def run(root: Path) -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).unlink(missing_ok=True)
        (root / name).write_text(text)
    return run


def remove(name: str) -> Break:
    return lambda root: (root / name).unlink()


def link(name: str, target: str) -> Break:
    def run(root: Path) -> None:
        (root / name).unlink()
        (root / name).symlink_to(target)
    return run


def test_clean(toy: Path) -> None:
    assert found(toy) == []


LAB_TOML = {
    "syntax": (edit(LAB1, 'hours  = "3"', "hours  = "), f"{LAB1}:3: not TOML: "),
    "an end too early": (write(LAB1, "number = 1\ntitle = ["), f"{LAB1}:2: not TOML: "),
    "not UTF-8": (lambda root: (root / LAB1).write_bytes(b"\xff"), f"{LAB1}:1: not UTF-8: "),
    "unknown key": (edit(LAB1, "lines  = 50", "lines = 50\nlevel = 3"), f"{LAB1}:5: unknown key `level`; known here: "),
    "unknown key of a test": (edit(LAB0, "points = 40", "points = 40\nworth = 1"), f"{LAB0}:18: unknown key `worth`"),
    "missing key": (edit(LAB1, 'title  = "The table"\n', ""), f"{LAB1}:1: missing key `title`"),
    "missing key of a test": (edit(LAB0, 'name   = "text"\n', ""), f"{LAB0}:19: missing key `name`"),
    "a number as a string": (edit(LAB1, "lines  = 50", 'lines  = "50"'), f"{LAB1}:4: `lines` is a whole number"),
    "true as a number": (edit(LAB1, "lines  = 50", "lines  = true"), f"{LAB1}:4: `lines` is a whole number"),
    "a string as a list": (edit(LAB0, 'needs  = ["line_settings"]', 'needs  = "line_settings"'),
                           f"{LAB0}:22: `needs` is a list of strings"),
    "a list with a number": (edit(LAB2, 'adds   = [', 'adds   = [3, '), f"{LAB2}:5: `adds` is a list of strings"),
    "a table with a number": (edit(LAB0, '"row:lost-text"', "7"), f"{LAB0}:23: `not_on` is a table of strings"),
    "tables for a table": (edit(LAB1, "[probe]", "[[probe]]"), f"{LAB1}:27: `probe` is a table"),
    "a table for tables": (edit(LAB2, "[[test]]", "[test]"), f"{LAB2}:15: `test` is a list of tables"),
    "points": (edit(LAB0, "points = 40", "points = 41"), "add up to 101, not 100"),
    "negative points": (edit(LAB0, "points = 40", "points = -40"), f"{LAB0}:17: points are not negative"),
    "a test twice": (edit(LAB0, 'name   = "text"', 'name   = "line_settings"'), f"{LAB0}:20: test line_settings is"),
    "a regex": (edit(LAB0, "got (0x[0-9a-f]+)", "got (0x"), f"{LAB0}:28: `match` is not a regular expression: "),
    "a regex of a panic": (edit(LAB2, "double fault", "double (fault"), f"{LAB2}:19: `says` is not a regular"),
    "a group too many": (edit(LAB0, "\\\\1", "\\\\2"), f"{LAB0}:29: `say` uses \\2, but `match` has 1 groups"),
    "a hint's test": (edit(LAB0, 'test    = "text"', 'test    = "txt"'), f"{LAB0}:26: 'txt' is not a test of this lab"),
    "a hint's outcome": (edit(LAB0, '"wrong value"', '"wrong"'), f"{LAB0}:27: 'wrong' is not an outcome"),
    "a hole's test": (edit(LAB0, 'green = ["text"]', 'green = ["txt"]'), f"{LAB0}:13: 'txt' is not a test of this"),
    "a later test needed": (edit(LAB0, "points = 40", 'points = 40\nneeds = ["text"]'),
                            f"{LAB0}:18: 'text' is not an earlier test"),
    "an unknown emulator": (edit(LAB0, "qemu =", "vmware ="), f"{LAB0}:23: 'vmware' is not an emulator"),
    "a reason that is no row": (edit(LAB0, '"row:lost-text"', '"QEMU forgives"'),
                                f"{LAB0}:23: `not_on` names a row of docs/"),
    "an unknown row": (edit(LAB0, "row:lost-text", "row:lost-texts"),
                       f"{LAB0}:23: 'lost-texts' is no row of docs/emulators.md; do you mean lost-text"),
    "a row that nobody has observed": (edit(LAB0, "row:lost-text", "row:not-seen"),
                                       f"{LAB0}:23: row not-seen has not been"),
    "a row that speaks for the emulator": (
        edit(LAB0, "qemu = ", "bochs = "),
        f"{LAB0}:23: row lost-text says that bochs does as the manual demands (lost)"),
    "a row without demand": (edit(ROWS, 'demand    = ["lost"]\n', ""),
                             f"{ROWS}:2: a row demands something of both vendors"),
    "a row twice": (edit(ROWS, '"not-seen"', '"lost-text"'), f"{ROWS}:16: row lost-text is there twice"),
    "an unknown key of a row": (edit(ROWS, "open      =", "free      ="),
                                f"{ROWS}:20: unknown key `free`; known here: "),
    "an observation of no row": (edit(OBSERVED, "[lost-text]", "[lost-txt]"), f"{OBSERVED}:5: unknown key `lost-txt`"),
    "an observation of no model": (edit(OBSERVED, 'qemu-amd    = "not lost"', 'qemu-via    = "not lost"'),
                                   f"{OBSERVED}:7: 'qemu-via' is no model"),
    "an unknown end": (edit(LAB2, '"panic"', '"crash"'), f"{LAB2}:18: 'crash' is not an end"),
    "a panic that says nothing": (edit(LAB2, 'says   = "double fault"\n', ""), f"{LAB2}:18: `says` belongs to"),
    "an empty injection": (
        edit(LAB0, "points = 40", 'points = 40\ninject = ""\nnot_on = { bochs = "row:mc-injection" }'),
        f"{LAB0}:18: `inject` is lines such as mce 0 5 0xb2"),
    "a monitor's other command": (
        edit(LAB0, "points = 40", 'points = 40\ninject = "quit"\nnot_on = { bochs = "row:mc-injection" }'),
        f"{LAB0}:18: 'quit' is not an injection; known: mce, nmi"),
    "an injection with a path": (
        edit(LAB0, "points = 40", 'points = 40\ninject = "mce /x"\nnot_on = { bochs = "row:mc-injection" }'),
        f"{LAB0}:18: `inject` is lines such as mce 0 5 0xb2"),
    "an injection for Bochs": (edit(LAB0, "points = 40", 'points = 40\ninject = "nmi"'),
                               f"{LAB0}:18: a test with `inject` is `not_on` bochs"),
    "a probe's test": (edit(LAB1, 'gates = "rows"', 'gates = "row"'), f"{LAB1}:31: 'row' is not a test of this lab"),
    "a path with ..": (edit(LAB1, "entry/room.h", "entry/../room.h"),
                       f"{LAB1}:6: 'arch/x86_64/entry/../room.h' is not"),
    "a path twice": (edit(LAB1, '/room.h",', '/room.h", "arch/x86_64/entry/room.h",'), f"{LAB1}:6: arch/x86_64/entry/"),
    "the number": (edit(LAB1, "number = 1", "number = 4"), f"{LAB1}:1: number is 4, but the folder is 01-table"),
    "a number twice": (edit(LAB1, "number = 1", "number = 0"), f"{LAB1}:1: number 0 is taken"),
    "a hole's name": (edit(LAB1, 'id = "1.1"', 'id = "one"'), f"{LAB1}:12: hole 'one' is not called LAB.NUMBER"),
    "a hole named twice": (edit(LAB1, 'id = "1.1"', 'id = "1.2"'), f"{LAB1}:16: hole 1.2 is there twice"),
    "announced, with adds": (edit(LAB3, "adds      = []", 'adds      = ["kernel/main.c"]'),
                             f"{LAB3}:3: an announced lab has no adds"),
    "generic hints": (write("grading/hints.toml", '[[hint]]\noutcome = "hung"\nsay = "look"\n'),
                      "grading/hints.toml:2: 'hung' is not an outcome"),
}
FILES = {
    "unknown file": (edit(LAB1, "entry/table.c", "entry/tabel.c"), f"{LAB1}:7: unknown file arch/x86_64/entry/tabel.c"),
    "a file of two labs": (edit(LAB2, 'adds   = [', f'adds   = ["{TABLE}", '),
                           f"{LAB2}:5: {TABLE} belongs to 01-table"),
    "a file that is no source of the kernel": (edit(LAB1, '"arch/x86_64/entry/room.h"', '"docs/students.md"'),
                                               f"{LAB1}:6: docs/students.md is not under"),
    "no tests": (remove("labs/01-table/tests.c"), f"{LAB1}:1: labs/01-table/tests.c is missing"),
    "no page": (remove("labs/01-table/README.md"), f"{LAB1}:1: labs/01-table/README.md is missing"),
    "a test without code": (edit("labs/00-serial/tests.c", "TEST(text)", "// TEST(text)"),
                            f"{LAB0}:20: labs/00-serial/tests.c has no TEST(text)"),
    "a test without points": (edit("labs/00-serial/tests.c", "TEST(text)", "TEST(more)\n{\n}\nTEST(text)"),
                              f"labs/00-serial/tests.c:5: test more is not in {LAB0}"),
    "tests in another order": (write("labs/00-serial/tests.c", "TEST(text)\n{\n}\nTEST(line_settings)\n{\n}\n"),
                               "labs/00-serial/tests.c:1: test text stands where"),
    "announced, with tests": (write("labs/03-ring/tests.c", "TEST(a) {}\n"), f"{LAB3}:3: labs/03-ring/tests.c exists"),
    "a stand-in for nothing": (write("labs/02-frame/standins/kernel/frame.c", "int f;\n"),
                               "labs/02-frame/standins/kernel/frame.c:1: stands in for a file that 02-frame does not"),
    "a stand-in unannounced": (write("labs/03-ring/standins/kernel/user.c", "int u;\n"),
                               f"labs/03-ring/standins/kernel/user.c:1: {LAB3} has no [[standin]]"),
    "a stand-in missing": (remove("labs/03-ring/standins/arch/x86_64/entry/user.asm"), f"{LAB3}:7: labs/03-ring/stand"),
    "a stand-in for a base file": (edit(LAB3, "arch/x86_64/entry/user.asm", "kernel/main.c"),
                                   f"{LAB3}:7: kernel/main.c exists already, in the base"),
    "a stand-in for a lab's file": (edit(LAB3, "arch/x86_64/entry/user.asm", TABLE),
                                    f"{LAB3}:7: {TABLE} exists already, in 01-table"),
    "a stand-in that no lab could add": (edit(LAB3, "arch/x86_64/entry/user.asm", "docs/user.md"),
                                         f"{LAB3}:7: docs/user.md is no path that a lab could add"),
    "a base file includes a lab's": (edit("kernel/main.c", "print.h", "room.h"),
                                     "kernel/main.c:1: this base file includes room.h, which joins with 01-table"),
    "a base file includes a file with holes": (write("arch/x86_64/cpu/cpu.asm", '\n%include "frame.inc"\n'),
                                               "arch/x86_64/cpu/cpu.asm:2: this base file includes frame.inc, which"),
    "a lab includes a later lab's": (edit("arch/x86_64/entry/stubs.asm", "common.inc", "frame.inc"),
                                     "arch/x86_64/entry/stubs.asm:1: this file of 01-table includes frame.inc, which"),
    "a stand-in includes a lab's": (
        write("labs/02-frame/standins/arch/x86_64/entry/normal.asm", '%include "frame.inc"'),
        "labs/02-frame/standins/arch/x86_64/entry/normal.asm:1: this base file includes"),
}
HOLES = {
    "nested": (edit(TABLE, "        gate(row);", "    //@ lab 1.4  In it. {"), f"{TABLE}:9: nested hole: 1.1 (line 7)"),
    "unclosed": (edit(TABLE, '    //@ } hole("1.1");\n', ""), f"{TABLE}:7: hole 1.1 is never closed"),
    "closed by another number": (edit(TABLE, 'hole("1.1")', 'hole("1.2")'), f"{TABLE}:10: wrongly numbered hole"),
    "malformed": (edit(TABLE, "//@ lab 1.1 ", "//@ lab 1,1 "), f"{TABLE}:7: malformed tag"),
    "of another lab": (edit(TABLE, "lab 1.1", "lab 2.3"), f"{TABLE}:10: wrongly numbered hole: opened as 2.3"),
    "of another lab, both lines": (lambda root: (root / TABLE).write_text((root / TABLE).read_text()
                                                                          .replace("1.1", "2.3")),
                                   f"{TABLE}:7: wrongly numbered hole: 2.3 in a file of 01-table"),
    "the same twice": (lambda root: (root / TABLE).write_text((root / TABLE).read_text().replace("1.1", "1.2")),
                       f"arch/x86_64/entry/stubs.asm:4: hole 1.2 is there twice, first at {TABLE}:7"),
    "a gap": (lambda root: (root / TABLE).write_text((root / TABLE).read_text().replace("1.1", "1.4")),
              "wrongly numbered hole: 1.2, but there is no 1.1"),
    "not in lab.toml": (edit(LAB1, '[[hole]]\nid = "1.1"\nturns_green = ["rows"]\n', ""),
                        f"{TABLE}:7: {LAB1} has no [[hole]] with id 1.1"),
    "only in lab.toml": (edit(LAB1, '[[hole]]\nid = "1.1"', '[[hole]]\nid="1.4"\nturns_green=[]\n[[hole]]\nid = "1.1"'),
                         f"{LAB1}:12: no file of this lab has hole 1.4"),
    "in a base file": (write("kernel/more.c", '//@ lab 1.1  A. {\n//@ } hole("1.1");\n'),
                       "kernel/more.c:1: hole 1.1 in a file that no lab adds"),
    "in a test": (write("labs/01-table/more.c", '//@ lab 1.1  A. {\n//@ } hole("1.1");\n'),
                  "labs/01-table/more.c:1: hole 1.1 in a file that no lab adds"),
    "in a stand-in": (write("labs/02-frame/standins/arch/x86_64/entry/normal.asm", ";@ lab 2.1  A. {\n;@ } hole 2.1\n"),
                      "labs/02-frame/standins/arch/x86_64/entry/normal.asm:1: hole 2.1 in a file"),
    "a tag in a base file": (write("kernel/more.c", "\n//@ lab\n"), "kernel/more.c:2: malformed tag"),
}
DERIVED = {
    "an old skeleton": (edit(SKELETON, "LAB 1.1: Every", "LAB 1.1: Each"),
                        f"{SKELETON}:7: the skeleton is not what the source gives"),
    "a skeleton cut off": (edit(SKELETON, "    lidt();\n}\n", ""),
                           f"{SKELETON}:9: the skeleton is not"),
    "an edited source": (edit(TABLE, "    lidt();", "    lidt(); // now"), f"{SKELETON}:9: the skel"),
    "no skeleton": (remove(SKELETON), f"{SKELETON}:1: the skeleton is mis"),
    "a stale skeleton": (write("labs/01-table/skeleton/arch/old.c", ""),
                         "labs/01-table/skeleton/arch/old.c:1: nothing"),
    "no link": (remove(SOLUTION), f"{SOLUTION}:1: the link is missing"),
    "a link that dangles": (link(SOLUTION, "../gone.c"),
                            f"{SOLUTION}:1: the link dangles: it points to ../../../../../../{TABLE}"),
    "a link elsewhere": (link(SOLUTION, f"../../../../../../{SERIAL}"),
                         f"{SOLUTION}:1: the link is not what it should be"),
    "an absolute link": (link(SOLUTION, "/etc/passwd"),
                         f"{SOLUTION}:1: the link is not what it should be"),
    "a copy for a link": (write(SOLUTION, "int copy;\n"),
                          f"{SOLUTION}:1: the link is not what it should be"),
}


@pytest.mark.parametrize(("harm", "expected"), [pytest.param(*pair, id=name) for group in
                         (LAB_TOML, FILES, HOLES, DERIVED) for name, pair in group.items()])
def test_mistake(toy: Path, harm: Break, expected: str) -> None:
    harm(toy)
    lines = found(toy)
    assert any(expected in line for line in lines), f"{expected!r} is not in\n" + "\n".join(lines)


def test_the_tool_prints_mistakes_and_fails(toy: Path) -> None:
    toy_project.edit(toy, LAB1, "lines  = 50", "lines  = true")
    toy_project.edit(toy, TABLE, "lab 1.1", "lab 1.9")
    done = subprocess.run([toy / "grading/lab", "check"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines() == found(toy)
    assert len(done.stderr.splitlines()) == 2


def test_skeletons_mend_what_is_derived(toy: Path) -> None:
    for harm, _ in DERIVED.values():
        try:
            harm(toy)
        except (AssertionError, FileNotFoundError):
            continue        # an earlier harm took what this one needs
    assert found(toy)
    toy_project.derive(toy)
    assert found(toy) == []
    assert not (toy / "labs/01-table/skeleton/arch/old.c").exists()


def test_skeletons_leave_no_empty_folder(toy: Path) -> None:
    stale = toy / "labs/03-ring/solution/arch/x86_64"
    stale.mkdir(parents=True)
    (stale / "gone.asm").symlink_to("nowhere")
    toy_project.derive(toy)
    assert not (toy / "labs/03-ring/solution").exists()
    assert derived.write(labs.load(toy)[0]) == []


def objects(root: Path, sources: dict[str, str]) -> Path:
    """Compile C texts as if they were the objects of a build."""
    for name, text in sources.items():
        path = root / "build/obj" / Path(name).with_suffix(".o")
        path.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cc", "-x", "c", "-c", "-", "-o", path], input=text, text=True, check=True)
    return root / "build/obj"


def test_a_base_file_that_nobody_names(toy: Path) -> None:
    built = objects(toy, {"kernel/main.c": "void print(void); void kernel_main(void) { print(); }",
                          "kernel/print.c": "static int private; void print(void) { private++; }",
                          TABLE: "void print(void); void lonely(void) { print(); }"})
    expected = "kernel/main.c:1: no other object names a symbol of this base file"
    assert [line.startswith(expected) for line in found(toy, built)] == [True]
    (toy / "arch/x86_64/boot").mkdir()
    (toy / "arch/x86_64/boot/kernel.ld").write_text("ENTRY(kernel_main)\n")
    assert found(toy, built) == []


def test_a_base_file_that_names_only_itself(toy: Path) -> None:
    built = objects(toy, {"kernel/print.c": "void print(void); void again(void) { print(); } void print(void) {}"})
    assert [line.split(":")[0] for line in found(toy, built)] == ["kernel/print.c"]


def test_no_objects_are_not_a_clean_build(toy: Path) -> None:
    (toy / "build").mkdir()
    assert ["there are no objects here" in line for line in found(toy, toy / "build")] == [True]
