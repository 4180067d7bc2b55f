"""make docs: the drawings that stand between markers in docs/entry.md, made anew.

    <!-- drawing NAME -->
    ...
    <!-- end of drawing -->

High addresses on top; a column for each moment; `<- rsp` stands below the lowest slot that is in use.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import textwrap
from collections.abc import Sequence
from pathlib import Path

from .drawing import SLOT, Seen, Sitting, Stack
from .drawing_plan import PLAN, CannotDraw, Drawing, plan
from .stopped import CannotStop

ROOT = Path(__file__).resolve().parents[2]
PAGE = "docs/entry.md"
BLOCK = re.compile(r"(?<=^<!-- drawing )([\w-]+)( -->\n)(?:.*?\n)??(?=^<!-- end of drawing -->$)",
                   re.MULTILINE | re.DOTALL)
FOLDED = frozenset("rdx rcx rax r8 r9 r10 r11 rbx rbp r12 r13 r14".split())
LEAST, GAP, MARGIN = 12, 3, "  "
TOLD = re.compile(r"^(ss|rsp|cs|rip)\b.*")
MARK, SKIPPED, SAME, FURTHER = "<- rsp", "(skipped)", ":", ":"


def drawn(drawing: Drawing, seen: Sequence[Seen]) -> list[str]:
    """The drawing in lines."""
    rows: list[list[str]] = []
    stacks = list(dict.fromkeys(one.stack for one in seen))
    for stack in stacks:
        if len(stacks) > 1:
            rows += [[], [f"{stack.name}:"]] if rows else [[f"{stack.name}:"]]
        rows += _stack(drawing, seen, stack)
    if drawing.registers:
        rows.append([])
    rows += [[name, *(one.registers[name] for one in seen)] for name in drawing.registers]
    titles = [one.moment.title for one in seen]
    cells = [row for row in rows if len(row) > 1]
    widths = [max(len(row[column]) for row in cells) for column in range(len(seen) + 1)]
    widths = [widths[0], *(max(width, LEAST) for width in widths[1:])]
    heads = [textwrap.wrap(title, width) for title, width in zip(titles, widths[1:])]
    heading = [["", *(head[line] if line < len(head) else "" for head in heads)]
               for line in range(max(len(head) for head in heads))]
    empty: list[str] = []
    return [_line(row, widths) for row in (*heading, empty, *rows)]


def _line(row: list[str], widths: list[int]) -> str:
    """A row of cells; one that is alone may be wider than its column."""
    cells = [cell.ljust(width + GAP) for cell, width in zip(row, widths)] if len(row) > 1 else row
    return f"{MARGIN}{''.join(cells)}".rstrip()


def _stack(drawing: Drawing, seen: Sequence[Seen], stack: Stack) -> list[list[str]]:
    """The rows of one stack, from its highest address in the drawing down."""
    here = [one for one in seen if one.stack == stack]
    used = {address for one in here for address in one.slots}
    marks = {one.rsp for one in here}
    addresses = range(max(used | marks), min(used | marks) - SLOT, -SLOT)
    rows: list[list[str]] = []
    folded = False
    for address in addresses:
        cells = [_cell(one, stack, address, used) for one in seen]
        if not any(cells) and address not in marks:
            if rows[-1] != [FURTHER]:
                rows.append([FURTHER])
            continue
        fold = drawing.fold and set(cells) - {""} <= FOLDED and any(cells)
        if not (fold and folded):
            shown = [_shown(cell, former, fold) for cell, former in zip(cells, ["", *cells])]
            rows.append([SAME if fold else f"...{address & 0xfff:03x}", *shown])
        folded = fold
        mark = [MARK if one in here and one.rsp == address else "" for one in seen]
        if any(mark) and all(not (a and b) for a, b in zip(mark, cells)):
            rows[-1] = [rows[-1][0], *(a or b for a, b in zip(mark, rows[-1][1:]))]
        elif any(mark):
            rows.append(["", *mark])
    if stack.guarded and stack.low in marks:
        rows.append(["(the guard page, not mapped)"])
    return rows


def _cell(one: Seen, stack: Stack, address: int, used: set[int]) -> str:
    if one.stack != stack:
        return ""
    if address in one.slots:
        return one.slots[address]
    return SKIPPED if one.slots and max(used) < address < max(used) + 2 * SLOT and address > one.rsp else ""


def _shown(cell: str, former: str, fold: bool) -> str:
    """What the CPU put there is told once: the column to the left has it."""
    if fold and cell:
        return SAME
    if cell == former:
        return "" if cell == SKIPPED else TOLD.sub(r"\1", cell)
    return cell


def page(root: Path, built: Path, text: str) -> str:
    """The page with its drawings as they are to be. Raises CannotDraw, CannotStop."""
    plans = {drawing.name: drawing for drawing in plan(root)}
    with tempfile.TemporaryDirectory(prefix="gatehouse-") as run:
        blocks = {name: "\n".join([*drawn(drawing, Sitting(root, built, drawing, Path(run) / name).look()), ""])
                  for name, drawing in plans.items()}
    named = [found[1] for found in BLOCK.finditer(text)]
    if sorted(named) != sorted(blocks):
        raise CannotDraw(f"{PAGE} has places for {', '.join(named)}; {PLAN} has {', '.join(blocks)}")
    return BLOCK.sub(lambda found: f"{found[1]}{found[2]}```\n{blocks[found[1]]}```\n", text)


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="draw", description=__doc__.partition("\n")[0])
    parser.add_argument("--built", type=Path, default=ROOT / "build/drawings", help="the folder of the built kernel")
    options = parser.parse_args(words)
    path = ROOT / PAGE
    try:
        before = path.read_text()
        after = page(ROOT, options.built, before)
    except (CannotDraw, CannotStop) as error:
        print(error, file=sys.stderr)
        return 2
    path.write_text(after)
    print(f"{PAGE}: {'as it was' if after == before else 'drawn anew'}")
    return 0
