"""make bench: how many instructions the ways into the kernel and back take, against the figures that are committed.

The kernel counts (kernel/bench/), with the time stamp counter, which under `-icount shift=0` gains one with every
instruction of the guest; it proves that first, by sequences of known length. Here the figures are compared.

Exit status: 0 nothing has grown, 1 something has, 2 it could not be counted.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .qemu import PROGRAM
from .supervise import missing
from .terminal import tied
from .toml_table import Source

ROOT = Path(__file__).resolve().parents[2]
FIGURES = "grading/bench.toml"
# The plainest CPU, without vendor's extras, and each instruction worth one tick of the time stamp counter.
MACHINE = ("-accel", "tcg", "-machine", "q35", "-cpu", "qemu64", "-icount", "shift=0,sleep=off", "-m", "128",
           "-no-user-config", "-nodefaults", "-display", "none", "-no-reboot", "-serial", "stdio", "-debugcon", "null")
WALL = 120                   # seconds; protects whoever waits, says nothing about the guest
COUNTED = re.compile(r"^# path (\w+) (\d+)$", re.MULTILINE)
END = re.compile(r"^# END \[\w+\] \d+ passed, 0 failed", re.MULTILINE)


class CannotCount(Exception):
    """One line, or what the kernel said, that tells why."""


@dataclass(frozen=True)
class Figures:
    """bench.toml: the rows, and the version of GCC whose code they count."""

    gcc: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Row:
    """A row of bench.toml."""

    name: str
    what: str
    committed: int
    budget: int | None
    linux: str | None


def figures(path: Path) -> Figures:
    """Raises CannotCount for the first mistake, with its line."""
    source = Source(path)
    table = source.root()
    gcc = table.string("gcc")
    rows = []
    for row in table.tables("path"):
        rows.append(Row(row.string("name"), row.string("what"), row.number("committed"),
                          row.number("budget", 0) or None, row.optional("linux")))
        row.finish()
    table.finish()
    for line, text in sorted(source.mistakes):
        raise CannotCount(f"{FIGURES}:{line}: {text}")
    return Figures(gcc, tuple(rows))


def compiler(kernel: Path) -> str:
    """The version of GCC that made the kernel, as its debug information has it: "12". Raises CannotCount."""
    found = re.search(rb"GNU C\d+ (\d+)\.\d+\.\d+ ", kernel.read_bytes())
    if found is None:
        raise CannotCount(f"{kernel} does not say which compiler made it")
    return found[1].decode()


def boot(kernel: Path) -> str:
    """What the kernel prints. Raises CannotCount."""
    if lacking := missing({PROGRAM: "qemu-system-x86"}):
        raise CannotCount(lacking)
    try:
        done = subprocess.run(tied([PROGRAM, *MACHINE, "-kernel", kernel]), stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=WALL)
    except subprocess.TimeoutExpired:
        raise CannotCount(f"the machine did not end within {WALL} seconds") from None
    return (done.stdout or done.stderr).decode(errors="replace")


def counted(said: str) -> dict[str, int]:
    """The figures by path. Raises CannotCount if the kernel did not get to its end, or failed a test of its own."""
    if not END.search(said):
        raise CannotCount(f"the counting kernel failed; it said\n{said.rstrip()}")
    return {name: int(length) for name, length in COUNTED.findall(said)}


def verdict(row: Row, got: int, same: bool) -> str:
    """What to say of a path; it has grown if this begins with GROWN or OVER. `same`: by the same compiler."""
    if row.budget is not None and got > row.budget:
        return "OVER its budget"
    if not same:
        return ""
    if got > row.committed:
        return f"GROWN by {got - row.committed}"
    return f"shorter by {row.committed - got}" if got < row.committed else ""


def table(rows: Sequence[Row], got: Mapping[str, int], same: bool) -> list[str]:
    """A line for each path, under a heading."""
    lines = [f"{'path':15}{'instructions':>12}{'committed':>11}{'budget':>8}  Linux"]
    for row in rows:
        lines.append(f"{row.name:15}{got[row.name]:12}{row.committed:11}{row.budget or '-':>8}  {row.linux or '-':30}"
                     f"{verdict(row, got[row.name], same)}".rstrip())
        lines.append(f"  {row.what}")
    return lines


def commit(path: Path, rows: Sequence[Row], got: Mapping[str, int]) -> list[str]:
    """Write down the paths that have become shorter; their names."""
    text = path.read_text()
    shorter = [row for row in rows if got[row.name] < row.committed]
    for row in shorter:
        text = re.sub(rf'(^name +=\s*"{row.name}"$(?:\n(?!\[).*)*?\ncommitted += ){row.committed}$',
                      rf"\g<1>{got[row.name]}", text, count=1, flags=re.MULTILINE)
    path.write_text(text)
    return [row.name for row in shorter]


def compare(path: Path, committed: Figures, got: Mapping[str, int], gcc: str, write: bool) -> int:
    """Print all that is to be said; the exit status."""
    rows, same = committed.rows, gcc == committed.gcc
    if strange := sorted(got.keys() ^ {row.name for row in rows}):
        raise CannotCount(f"{FIGURES} and kernel/bench do not know the same paths: {', '.join(strange)}")
    print("\n".join(table(rows, got, same)))
    grown = [row.name for row in rows if verdict(row, got[row.name], same).startswith(("GROWN", "OVER"))]
    if grown:
        print(f"\n{' and '.join(grown)}: find what was added, or, if it must be, put the new figure into {FIGURES} "
              "in the same commit and say why")
    elif not same:
        print(f"\nGCC {gcc} made this kernel and GCC {committed.gcc} that of the committed figures: "
              "only budgets are judged")
    elif write:
        print(f"\nwritten to {FIGURES}: {', '.join(commit(path, rows, got)) or 'nothing, all is as committed'}")
    elif any(got[row.name] < row.committed for row in rows):
        print("\n`make bench COMMIT=1` writes down what has become shorter")
    return 1 if grown else 0


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--built", type=Path, default=ROOT / "build/bench", help="the folder of the built kernel")
    parser.add_argument("--figures", type=Path, default=ROOT / FIGURES)
    parser.add_argument("--commit", action="store_true", help="write down what has become shorter")
    options = parser.parse_args(words)
    try:
        kernel = options.built / "kernel"
        return compare(options.figures, figures(options.figures), counted(boot(kernel)), compiler(kernel),
                       options.commit)
    except CannotCount as error:
        print(error, file=sys.stderr)
        return 2
