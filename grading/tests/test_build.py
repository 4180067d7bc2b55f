"""What a build that fails is said to lack, in the student's terms."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from course import copy_of_the_project

from gatehouse.build import Builder, CannotJudge, Source, explain, first_error, locked
from gatehouse.cohort.taking import take
from gatehouse.cohort.unpack import Unusable
from gatehouse.labs import Lab
from gatehouse.sandbox import Open

GCC = """\
In file included from /o/arch/x86_64/entry/idt.c:3:
/o/arch/x86_64/entry/idt.c: In function 'idt_fill':
/o/arch/x86_64/entry/idt.c:31:9: error: implicit declaration of function 'my_gate' \
[-Werror=implicit-function-declaration]
   31 |         my_gate(v);
      |         ^~~~~~~
/o/arch/x86_64/entry/idt.c:40:1: error: expected ';' before '}' token
cc1: all warnings being treated as errors
make: *** [Makefile:123: /o/idt.o] Error 1
"""


def test_the_first_error_with_its_lines() -> None:
    assert first_error(GCC)[0].startswith("/o/arch/x86_64/entry/idt.c:31:9: error: implicit")
    assert first_error(GCC)[1:] == ["   31 |         my_gate(v);", "      |         ^~~~~~~"]


def test_an_error_in_a_macro_is_told_with_where_it_was_used() -> None:
    gcc = ["serial.c:10:25: error: 'nothing' undeclared (first use in this function)",
           "   10 | #define TWICE(x) ((x) + nothing)", "      |                         ^~~~~~~",
           "serial.c:17:47: note: in expansion of macro 'TWICE'",
           "   17 |     out8(COM1, TWICE(1));", "      |                ^~~~~"]
    more = ["serial.c:10:25: note: each undeclared identifier is reported only once for each function it appears in",
            "   10 | #define TWICE(x) ((x) + nothing)"]
    assert first_error("\n".join([*gcc, *more])) == gcc
    nasm = ["a.asm:5: error: symbol `rax2' not defined", "a.asm:2: ... from macro `bar' defined here"]
    assert first_error("\n".join([*nasm, "a.asm:9: error: another"])) == nasm


@pytest.mark.parametrize("line", [
    "arch/x86_64/entry/normal.asm:12: error: symbol `save_al' not defined",
    "arch/x86_64/entry/normal.asm:21: fatal: `%rep' without `%endrep' within expansion of macro `save'",
    "arch/x86_64/entry/idt.c:39: Error: no such instruction: `lidt2 [rbp-10]'",
    "idt.c:3:10: fatal error: helper.h: No such file or directory",
    "/usr/bin/ld: arch/x86_64/entry/idt.c:31: undefined reference to `my_gate'",
    "ld: build/obj/a.o: in function `f':\nld: a.c:2: multiple definition of `f'; b.c:2: first defined here",
])
def test_each_tool_has_errors(line: str) -> None:
    assert first_error(f"  CC x\nwarning: y\n{line}\nmake: *** [x] Error 1\n") == [line.splitlines()[-1]]


def test_text_without_an_error_is_told_as_it_is() -> None:
    assert first_error("No space left on device\nmake: *** [x] Error 1\n") == ["No space left on device"]
    assert first_error("no space\nmake[1]: *** [Makefile:1: /home/me/build/x.o] Error 1\n") == ["no space"]
    assert first_error("make: *** No rule to make target 'x'.  Stop.\n") == [
        "make: *** No rule to make target 'x'.  Stop."]


def test_paths_are_the_students() -> None:
    lines = explain(GCC, Source(overlay=Path("/o")))
    assert lines[0].startswith("arch/x86_64/entry/idt.c:31:9: error:")


@pytest.mark.parametrize("error, name", [
    ("idt.c:31:9: error: implicit declaration of function 'my_gate'", "my_gate"),
    ("idt.c:31:9: error: ‘my_gate’ undeclared (first use in this function)", "my_gate"),
    ("idt.c:31: undefined reference to `my_gate'", "my_gate"),
    ("idt.c:31:9: error: unknown type name ‘my_gate’", "my_gate"),
    ("normal.asm:3: error: symbol `my_gate' not defined", "my_gate"),
])
def test_a_name_left_in_a_file_that_is_not_taken(tmp_path: Path, error: str, name: str) -> None:
    (tmp_path / "kernel").mkdir()
    (tmp_path / "kernel/mine.c").write_text("void my_gate(int v)\n{\n}\n")
    (tmp_path / "kernel/other.c").write_text("void my_gates(int v)\n{\n}\n")
    source = Source(Path("/o"), tmp_path, ("kernel/other.c", "kernel/mine.c"), ("idt.c",))
    assert explain(error, source)[-1] == (
        f"{name} is in kernel/mine.c, which is not taken: only files with holes are (such as idt.c)")
    assert len(explain(error, Source(Path("/o"), tmp_path, ("kernel/other.c",), ("idt.c",)))) == 1


@pytest.mark.parametrize("error", ["idt.c:3:10: fatal error: mine.h: No such file or directory",
                                   "normal.asm:3: error: unable to open include file `mine.h'"])
def test_a_header_that_is_not_taken(tmp_path: Path, error: str) -> None:
    (tmp_path / "mine.h").write_text("int x;\n")
    source = Source(Path("/o"), tmp_path, ("mine.h",), ("idt.c",))
    assert explain(error, source)[-1] == "mine.h is not taken: only files with holes are (such as idt.c)"


def project(root: Path, recipe: str) -> Builder:
    (root / "Makefile").write_text(f".PHONY: base kernel\nbase kernel:\n\t{recipe}\n")
    return Builder(root, 1)


WRITES_IMAGES = ("mkdir -p $(OUT)/02-idt; "
                 "echo '$(LAB)$(OVERLAY)' | tee $(OUT)/02-idt/kernel > $(OUT)/02-idt/disk.img")


def test_the_images_are_copied_out(tmp_path: Path) -> None:
    builder = project(tmp_path, WRITES_IMAGES)
    given = Lab(number=2, id="02-idt", title="", root=tmp_path)
    assert builder.kernel(given, Source(Path("/o")), tmp_path / "out", tmp_path / "kept") == []
    assert (tmp_path / "kept/kernel").read_text() == "02/o\n" and (tmp_path / "kept/disk.img").exists()


def test_flags_of_a_calling_make_are_not_handed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAKEFLAGS", " -- LAB=09 OVERLAY=/evil")
    builder = project(tmp_path, WRITES_IMAGES)
    given = Lab(number=2, id="02-idt", title="", root=tmp_path)
    assert builder.kernel(given, Source(), tmp_path / "out", tmp_path / "kept") == []
    assert (tmp_path / "kept/kernel").read_text() == "02\n"


def test_a_build_that_fails_says_why(tmp_path: Path) -> None:
    builder = project(tmp_path, "echo 'idt.c:1:1: error: no' >&2; exit 1")
    given = Lab(number=2, id="02-idt", title="", root=tmp_path)
    assert builder.kernel(given, Source(), tmp_path / "out", tmp_path / "kept") == ["idt.c:1:1: error: no"]
    with pytest.raises(CannotJudge, match="the base does not build: idt.c:1:1: error: no"):
        builder.base()


def test_a_build_that_makes_nothing_is_not_the_students_fault(tmp_path: Path) -> None:
    given = Lab(number=2, id="02-idt", title="", root=tmp_path)
    with pytest.raises(CannotJudge, match="make built no"):
        project(tmp_path, "true").kernel(given, Source(), tmp_path / "out", tmp_path / "kept")


def test_one_grader_at_a_time(tmp_path: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with locked(tmp_path):
            order.append("second")
    with locked(tmp_path):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.05)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_what_an_object_depends_on_is_known_by_every_name_of_its_folder(tmp_path: Path) -> None:
    """By hand make is called with `build`, by the grader with the whole path."""
    project = copy_of_the_project(tmp_path / "project")

    def compiled(*words: str) -> str:
        command = ["make", "kernel", "LAB=01", *words]
        return subprocess.run(command, cwd=project, check=True, capture_output=True, text=True).stdout

    compiled()
    ahead = time.time() + 10
    os.utime(project / "arch/x86_64/include/common.inc", (ahead, ahead))
    assert "NASM arch/x86_64/cpu/gdt_load.asm" in compiled(f"OUT={project}/build", "-n")


@pytest.mark.parametrize("who", ["$PPID", "$$"])
def test_a_build_that_is_killed_is_nobodys_failure(tmp_path: Path, who: str) -> None:
    (tmp_path / "Makefile").write_text(f"kernel:\n\t@kill -KILL {who.replace('$', '$$')}\n")
    with pytest.raises(CannotJudge, match="has ended a program of the build"):
        Builder(tmp_path, 1).kernel(Lab(0, "00-serial", "", tmp_path), Source(), tmp_path / "out", tmp_path / "into")


class Beset(Open):
    """A sandbox in which every command is this script."""

    def __init__(self, script: str) -> None:
        super().__init__()
        self.script = script

    def enclose(self, command: Sequence[str], directory: Path, *, read: Sequence[Path] = (),
                write: Sequence[Path] = ()) -> list[str]:
        return ["sh", "-c", self.script]


@pytest.mark.parametrize("script", [
    "kill -KILL $$", "exit 137", "exit 143", "exit 1",
    "echo 'bwrap: Creating new namespace failed: Resource temporarily unavailable' >&2; exit 1",
    "echo \"bwrap: Can't find source path /x: No such file or directory\" >&2; exit 1",
])
def test_what_this_computer_does_to_a_sandbox_is_nobodys_failure(tmp_path: Path, script: str) -> None:
    with pytest.raises(CannotJudge):
        Builder(tmp_path, 1, Beset(script)).kernel(Lab(0, "00-serial", "", tmp_path), Source(), tmp_path / "out",
                                                   tmp_path / "into")
    with pytest.raises(CannotJudge):
        take(tmp_path, ["a.c"], tmp_path / "dest", Beset(script))


@pytest.mark.parametrize("script", ["exit 152", "echo MemoryError >&2; exit 1", "yes >&2"])
def test_who_takes_too_much_to_unpack_is_told_so(tmp_path: Path, script: str) -> None:
    with pytest.raises(Unusable, match="takes more to unpack than"):
        take(tmp_path, ["a.c"], tmp_path / "dest", Beset(script))
