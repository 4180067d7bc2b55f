"""make bench: that it counts right, and what it says when a path grows or shrinks."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from gatehouse import bench
from gatehouse.bochs import Bochs
from gatehouse.symbols import Symbols

ROOT = Path(__file__).resolve().parents[2]
LONGEST_TRIGGER = 32         # bytes of kernel/bench/triggers.asm
TRACE = re.compile(r"^Trace 0: \S+ \[\w+/(\w+)/", re.MULTILINE)

ROWS = (bench.Row("one", "the first", 70, 80, "228"), bench.Row("two", "the second", 100, None, None))
FIGURES = """\
# A comment stays.
gcc = "12"

[[path]]
name      = "one"
what      = "the first"
committed = 70
budget    = 80
linux     = "228"

[[path]]
name      = "two"
what      = "the second"
committed = 100
"""


@pytest.fixture(scope="module")
def built() -> Path:
    # Called from a recipe, make must not take that one's jobs and variables for its own.
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS")}
    subprocess.run(["make", "-s", "-C", str(ROOT), "kernel", "LAB=bench"], check=True, stdout=subprocess.DEVNULL,
                   env=environment)
    return ROOT / "build/bench"


@pytest.fixture(scope="module")
def counted(built: Path) -> dict[str, int]:
    return bench.counted(bench.boot(built / "kernel"))


def test_no_path_has_grown(built: Path, counted: dict[str, int], capsys: pytest.CaptureFixture[str]) -> None:
    status = bench.compare(ROOT / bench.FIGURES, bench.figures(ROOT / bench.FIGURES), counted,
                           bench.compiler(built / "kernel"), write=False)
    assert status == 0, capsys.readouterr().out


def test_bochs_counts_the_same(built: Path, counted: dict[str, int], tmp_path: Path) -> None:
    run = Bochs().run(built, "", tmp_path)
    got = bench.counted(run.serial.decode())
    # A program cannot tell the write that faults from the one that succeeds, as the kernel's own gates do for the
    # other figures: Bochs counts both, QEMU the second.
    assert {**got, "first_touch": got["first_touch"] - 1} == counted


def test_the_count_is_that_of_the_instructions_one_by_one(built: Path, counted: dict[str, int], tmp_path: Path) -> None:
    """QEMU logs each instruction by its address: those from the stub up to the return to the trigger."""
    symbols = Symbols(built / "kernel")
    places = [(symbols.address(name), symbols.size(name)) for name in ("trap", "skip_ud2")]
    begin, end = symbols.address("entry_text_start"), symbols.address("entry_text_end")
    places += [(begin, end - begin), (symbols.address("count_ud2"), LONGEST_TRIGGER)]
    subprocess.run([bench.PROGRAM, *bench.MACHINE, "-kernel", built / "kernel", "-append", "test=exception",
                    "-singlestep", "-d", "exec,nochain",
                    "-dfilter", ",".join(f"{start:#x}+{size:#x}" for start, size in places),
                    "-D", tmp_path / "log"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=bench.WALL)
    addresses = [int(address, 16) for address in TRACE.findall((tmp_path / "log").read_text())]
    begun = addresses.index(symbols.address("entry_6"))
    back = next(place for place in range(begun, len(addresses))
                if symbols.describe(addresses[place]).startswith("count_ud2"))
    assert back - begun == counted["exception"]


def compared(tmp_path: Path, capsys: pytest.CaptureFixture[str], one: int, two: int, write: bool = False,
             gcc: str = "12") -> tuple[int, str, str]:
    """Exit status, what was printed, and the file afterwards."""
    path = tmp_path / "bench.toml"
    path.write_text(FIGURES)
    figures = bench.figures(path)
    assert figures == bench.Figures("12", ROWS)
    status = bench.compare(path, figures, {"one": one, "two": two}, gcc, write)
    return status, capsys.readouterr().out, path.read_text()


def test_growth_fails_whether_over_the_figure_or_the_budget(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, said, _ = compared(tmp_path, capsys, 71, 100)
    assert status == 1 and "GROWN by 1" in said and "put the new figure into grading/bench.toml" in said
    status, said, _ = compared(tmp_path, capsys, 81, 100)
    assert status == 1 and "OVER its budget" in said


def test_an_improvement_is_said_and_written_when_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, said, after = compared(tmp_path, capsys, 70, 90)
    assert status == 0 and "shorter by 10" in said and "make bench COMMIT=1" in said and after == FIGURES
    status, said, after = compared(tmp_path, capsys, 60, 90, write=True)
    assert status == 0 and "one, two" in said
    assert after == FIGURES.replace("= 70", "= 60").replace("= 100", "= 90")


def test_growth_is_never_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, after = compared(tmp_path, capsys, 71, 90, write=True)
    assert status == 1 and after == FIGURES


def test_another_compiler_is_held_to_the_budget_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, said, after = compared(tmp_path, capsys, 75, 90, write=True, gcc="13")
    assert status == 0 and "GROWN" not in said and "only budgets are judged" in said and after == FIGURES
    status, said, _ = compared(tmp_path, capsys, 81, 90, gcc="13")
    assert status == 1 and "OVER its budget" in said


def test_what_cannot_be_counted_is_no_verdict(tmp_path: Path) -> None:
    with pytest.raises(bench.CannotCount, match="do not know the same paths: three, two"):
        bench.compare(tmp_path, bench.Figures("12", ROWS), {"one": 1, "three": 3}, "12", write=False)
    with pytest.raises(bench.CannotCount, match="it said\nPANIC: a mistake"):
        bench.counted("PANIC: a mistake\n")
    with pytest.raises(bench.CannotCount, match="failed"):
        bench.counted("# path one 3\n# END [0] 1 passed, 1 failed, 0 skipped\n")
    (tmp_path / "bench.toml").write_text(FIGURES.replace("what ", "waht "))
    with pytest.raises(bench.CannotCount, match=r"bench\.toml:4: missing key `what`"):
        bench.figures(tmp_path / "bench.toml")
