"""make emulators: provoke every behaviour of grading/emulators/rows.toml on four models of a CPU, and write it down.

The kernel (kernel/emulators/) says `# observed: WORDS` for each row; a few rows are observed from here, because what
counts arrives outside the machine. A row that ends the machine costs only itself: the rest is booted again.

Exit status: 0 all is as committed (or written), 1 something differs (with --check), 2 it could not be observed.
"""

from __future__ import annotations

import argparse
import re
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from . import disagreements, emulators_page, ktap
from .bochs import Bochs
from .crew import crew, ctrl_c_ends
from .disagreements import ABSENT, MODELS, OBSERVED, Disagreements, Row
from .machine import Emulator, Ending, Limits, Run, View
from .qemu import Qemu

ROOT = Path(__file__).resolve().parents[2]
EMULATORS: dict[str, Emulator] = {"qemu-intel": Qemu(), "qemu-amd": Qemu().of("amd"),
                                  "bochs-intel": Bochs(), "bochs-amd": Bochs().of("amd")}
SEEN = re.compile(r"# observed: (.+)")
MACHINE_CHECK = "mce 0 5 0xb200000000000185 0x4 0x1234000 0x8c"     # bank 5, uncorrected; QEMU's monitor, `help mce`
LIMITS = Limits(instructions=100_000_000)
VERSION = {"qemu": (["qemu-system-x86_64", "--version"], r"version (\d[\w.]*)"),
           "bochs": (["bochs", "--help", "features"], r"Bochs x86 Emulator (\d[\w.]*)")}


class CannotObserve(Exception):
    """One line that says why."""


def observe(kernel: Path, table: Disagreements, model: str, place: Path) -> dict[str, str]:
    """What each row came to on one model.  Raises CannotObserve."""
    out: dict[str, str] = {}
    rows = {row.test: row for row in table.rows.values() if not row.outside}
    waiting, died = list(rows), ""
    while True:
        directory = Path(tempfile.mkdtemp(prefix=f"{model}-", dir=place))
        run, said, names = _boot(kernel, EMULATORS[model], waiting, directory)
        for name in names:
            section = said.sections[name]
            if section.ok and (seen := _seen(rows[name], section)):
                out[rows[name].name] = seen
        if run.ending is Ending.ENDED and said.ended:
            if lost := [name for name in names if rows[name].name not in out]:
                raise CannotObserve(f"{model}: no observation of {', '.join(lost)}")
            return out | (run.seen or {})
        culprit = said.last
        if culprit is None or said.panic is not None:
            raise CannotObserve(f"{model}: {said.panic or run.detail or run.ending}, {run.directory}")
        if culprit == died:
            out[rows[culprit].name] = ENDINGS.get(run.ending, run.detail)
        died = culprit                   # once may be this computer's doing
        waiting = [name for name in waiting if rows[name].name not in out]


ENDINGS = {Ending.RESET: "the machine resets", Ending.STUCK: "the machine hangs", Ending.HALTED: "the machine hangs"}


def _boot(kernel: Path, emulator: Emulator, tests: Sequence[str], directory: Path
          ) -> tuple[Run, ktap.Transcript, list[str]]:
    """One boot with these tests, and their names in the order in which the kernel ran them."""
    nonce = secrets.token_hex(8)
    run = emulator.run(kernel, f"nonce={nonce} test={','.join(tests)}", directory, LIMITS, _look,
                       lambda serial: MACHINE_CHECK)
    if run.ending is Ending.FAILED:
        raise CannotObserve(f"{emulator.name}: {run.detail}")
    order = [found.decode() for found in re.findall(rb"^# begin \d+ (\w+)$", run.serial, re.MULTILINE)]
    names = order + [name for name in tests if name not in order]
    return run, ktap.parse(run.serial, names, nonce), names


def _look(view: View) -> dict[str, str]:
    """The rows that only the emulator shows."""
    return {"tr-type": f"{view.tr.type:#x}"}


def _seen(row: Row, section: ktap.Section) -> str | None:
    """What a row came to."""
    if section.skip is not None:
        return ABSENT
    if row.name in ARRIVED:
        return ARRIVED[row.name]("\n".join(section.lines))
    found = [match[1] for line in section.lines if (match := SEEN.fullmatch(line))]
    return found[0] if len(found) == 1 else None


def _burst(text: str) -> str:
    arrived = text.count("U")
    return "none is lost" if arrived == BURST else "lost" if arrived < BURST else f"{arrived} arrive"


def _five_bits(text: str) -> str:
    return "five bits" if text.count("\x15") == FEW else "eight bits" if text.count("U") == FEW else "other bytes"


BURST, FEW = 300, 4         # bytes that kernel/emulators/devices.c sends
ARRIVED = {"uart-overrun": _burst, "uart-five-bits": _five_bits}


def versions() -> dict[str, str]:
    """The emulators' own words.  Raises CannotObserve."""
    found = {}
    for name, (command, pattern) in VERSION.items():
        said = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, errors="replace")
        if not (version := re.search(pattern, said.stdout + said.stderr)):
            raise CannotObserve(f"`{' '.join(command)}` tells no version")
        found[name] = version[1]
    return found


def observed(kernel: Path, root: Path) -> Disagreements:
    """The table as it is now: rows from the files, observations from the machines.  Raises CannotObserve."""
    table = disagreements.load(root)
    for path, line, text in table.mistakes:
        raise CannotObserve(f"{path}:{line}: {text}")
    for emulator in EMULATORS.values():
        if lacking := emulator.missing():
            raise CannotObserve(lacking)
    with tempfile.TemporaryDirectory(prefix="rows-") as place, crew(2) as pool:
        boots = dict(zip(MODELS, pool.map(lambda model: observe(kernel, table, model, Path(place)), MODELS)))
    now = {row: {model: boots[model][row] for model in MODELS} for row in table.rows}
    return Disagreements(table.rows, now, versions())


def changes(committed: Disagreements, now: Disagreements) -> list[str]:
    """A line for each row that is not as committed, with what the manual would have."""
    out = []
    for row in now.rows:
        for model in MODELS:
            old, new = committed.observed.get(row, {}).get(model), now.observed[row][model]
            if old != new:
                emulator = model.partition("-")[0]
                before = f"was \"{old}\" in {emulator} {committed.versions.get(emulator, '?')}" if old else "is new"
                out.append(f"row {row}: {model} {now.versions[emulator]} shows \"{new}\" "
                           f"({now.verdict(row, model)}); {before}")
    return out


def written(table: Disagreements) -> str:
    """observed.toml."""
    lines = ["# Written by `make emulators`: what each model was seen to do. rows.toml says what it should.", "",
             "[versions]", *(f'{name} = "{version}"' for name, version in table.versions.items())]
    for row, seen in table.observed.items():
        lines += ["", f"[{row}]", *(f'{model:<11} = "{seen[model]}"' for model in MODELS)]
    return "\n".join(lines) + "\n"


@ctrl_c_ends("observe: interrupted")
def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="observe", description=__doc__.partition("\n")[0])
    parser.add_argument("--root", type=Path, default=ROOT)
    parser.add_argument("--built", type=Path, help="the folder of the built kernel")
    parser.add_argument("--check", action="store_true", help="write nothing; say what is not as committed")
    parser.add_argument("--page", action="store_true", help="run nothing; write the page from what is committed")
    options = parser.parse_args(words)
    root: Path = options.root
    if options.page:
        (root / emulators_page.PAGE).write_text(emulators_page.page(root, disagreements.load(root)), encoding="utf-8")
        return 0
    try:
        now = observed(options.built or root / "build/emulators", root)
    except CannotObserve as error:
        print(error, file=sys.stderr)
        return 2
    changed = changes(disagreements.load(root), now)
    print("\n".join(changed) or f"all {len(now.rows)} rows are as committed")
    if options.check:
        return 1 if changed else 0
    (root / OBSERVED).write_text(written(now), encoding="utf-8")
    (root / emulators_page.PAGE).write_text(emulators_page.page(root, now), encoding="utf-8")
    return 0
