"""The strip in lab 10's README: where a door fails that believes CS, from a run of such a kernel.

    <!-- strip of the CS-test mutants: begin -->
    ...
    <!-- strip of the CS-test mutants: end -->

A column is an instruction of entry code, in the order in which the CPU takes them; C is what happens in C.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from . import labs, overlay
from .disassembly import disassemble
from .sweep_machine import Names
from .sweep_run import Bench, CannotSweep, Model, Sweeper
from .sweep_trial import EVENTS, Trial, Way, attempt
from .symbols import Symbols

LAB = 10
BLOCK = re.compile(r"(?<=^<!-- strip of the CS-test mutants: begin -->\n).*?"
                   r"(?=^<!-- strip of the CS-test mutants: end -->$)", re.MULTILINE | re.DOTALL)
# The door of the kernel's table, and what the README calls it.
ROWS = {"first entry": "to a program", "#BP, ring 3": "#BP in a program", "SYSCALL, back by SYSRET": "SYSCALL"}
MARGIN = 19                  # columns
TELLING = ("swapgs", "iretq", "sysretq")
FAILS, SURVIVES, IN_C = "x", ".", " C "


@contextmanager
def mutant(root: Path, name: str) -> Iterator[Path]:
    """The folder of the sweep's kernel with one of lab 10's wrong solutions. Raises CannotSweep, LabError."""
    all_labs = labs.load(root)
    lab = labs.find(all_labs, str(LAB))
    (root / "build").mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="sweep-mutant-", dir=root / "build") as folder:
        laid = overlay.from_patch(root, all_labs, lab, lab.dir / "mutants" / f"{name}.patch", Path(folder) / "overlay")
        done = subprocess.run(["make", "-s", "-C", str(root), "kernel", "LAB=sweep", f"OVERLAY={laid.dir}",
                               f"OUT={folder}/out"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:
            raise CannotSweep(f"a kernel with {name} does not build: {done.stderr.strip()}")
        yield Path(folder) / "out/sweep"


def strips(kernel: Path) -> list[str]:
    """An NMI at each boundary of some ways, in a kernel whose NMI door believes CS. Raises CannotSweep."""
    symbols, code = Symbols(kernel / "kernel"), disassemble(kernel / "kernel")
    lines = []

    def name(address: int) -> str:
        """The instruction, where that says it all; else the function."""
        mnemonic = code.instructions[address].name
        return mnemonic if mnemonic in TELLING else symbols.describe(address).partition("+")[0]

    with TemporaryDirectory(prefix="sweep-") as place:
        bench = Bench(kernel, Names.of(kernel / "kernel"), Path(place), 1.0, 1, [*EVENTS], "")
        sweeper = Sweeper(bench, Model("qemu"))
        ways = {way.door.name: way for way in sweeper.traced([door for door in sweeper.doors() if door.name in ROWS])}
        with bench.machine(Model("qemu")) as (machine, _):
            for door, title in ROWS.items():
                failed = [attempt(machine, Trial(ways[door], step, "NMI")) is not None for step in ways[door].steps]
                lines += ["", *drawn(title, ways[door], failed, name)]
    return lines[1:]


def drawn(title: str, way: Way, failed: Sequence[bool], name: Callable[[int], str]) -> list[str]:
    """A way's columns, and below them where those begin that fail."""
    row, columns, calls = "", [], 0
    for step, wrong in zip(way.steps, failed):
        if step.calls > calls:
            row += IN_C
            calls = step.calls
        columns.append(len(row))
        row += FAILS if wrong else SURVIVES
    marks = " " * MARGIN
    for column, step, wrong in zip(columns, way.steps, failed):
        if wrong and (not column or row[column - 1] != FAILS):
            marks = f"{marks:{MARGIN + column}}|{name(step.rip)}"
    return [f"{title:{MARGIN}}{row}", marks.rstrip()]


def page(text: str, lines: Sequence[str]) -> str:
    """The README with these strips. Raises CannotSweep if there is no place for them."""
    if not BLOCK.search(text):
        raise CannotSweep("the README has no place for the strip")
    block = "```\n" + "\n".join(lines) + "\n```\n"
    return BLOCK.sub(lambda _: block, text)


def write(root: Path) -> None:
    """Draw them anew. Raises CannotSweep."""
    readme = labs.find(labs.load(root), str(LAB)).dir / "README.md"
    with mutant(root, "cs-test-of-nmi") as kernel:
        readme.write_text(page(readme.read_text(), strips(kernel)))
