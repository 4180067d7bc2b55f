"""The commands with which a person boots and debugs one lab: make qemu, bochs, qemu-gdb, gdb, debug, bochs-debug, tour.

Exit status: 0 it ended well, 1 it did not, 2 it could not be started (one line says why), 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import io
import re
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import labs
from .disagreements import VENDORS
from .labs import Lab, LabError

ROOT = Path(__file__).resolve().parents[2]
HOLE = re.compile(r"reached hole (\d+\.\d+)")
END = re.compile(r"^# END \[\w*\] \d+ passed, (\d+) failed", re.MULTILINE)
SUCCESS = re.compile(r"^ok \d+ (\w+) \[\w+\](?: # \d+ facts)?$", re.MULTILINE)
FAILURE = re.compile(r"^not ok \d+ (\w+)", re.MULTILINE)
PASSED, FAILED, PANIC, UNFILLED = range(4)          # arch/machine.h
TRIPLE_FAULT = "triple fault, an exception for which there was no way in, three deep"


class CannotStart(Exception):
    """One line that says what is missing or wrong."""


@dataclass(frozen=True)
class Wish:
    """What was asked for: a built kernel's folder, its lab (None for the complete kernel), and words for it."""

    built: Path
    lab: Lab | None
    cmdline: str
    run: Path           # a folder that goes when we do
    cpu: str = VENDORS[0]

    @property
    def kernel(self) -> Path:
        return self.built / "kernel"

    @property
    def again(self) -> str:
        """LAB= for another command."""
        return f" LAB={self.lab.tag}" if self.lab else ""


def wish(built: Path, lab_name: str | None, tests: str, seed: str, run: Path, trace: str = "") -> Wish:
    """Raises CannotStart for a test that the lab does not have, and for a seed that is no number."""
    lab = labs.find(labs.load(ROOT), lab_name) if lab_name else None
    names = [name for name in re.split(r"[\s,]+", tests) if name]
    known = [test.name for test in lab.tests] if lab else None
    for name in names:
        if known is not None and name not in known and name != "all":
            raise CannotStart(f"TEST={name}: lab {lab.id} has no such test; it has {', '.join(known)}" if lab else "")
    if seed and not re.fullmatch(r"0x[0-9a-f]+|\d+", seed):
        raise CannotStart(f"SEED={seed} is no number: 1 and 0x2a are")
    if trace not in ("", "on", "off"):
        raise CannotStart(f"TRACE={trace} is neither TRACE=on nor TRACE=off")
    words = [f"lab={lab.tag}"] if lab else []
    words += [f"test={','.join(names)}"] if names else []
    words += [f"seed={seed}"] if seed else []
    words += [f"trace={trace}"] if trace else []
    cpus = {test.cpu for test in lab.tests if test.name in names} if lab else set()
    return Wish(built.resolve(), lab, " ".join(words), run, cpus.pop() if len(cpus) == 1 else VENDORS[0])


def tell_end(status: int, asked: Wish, emulator: str, said: str) -> int:
    """Say what ended the machine; the exit status for make."""
    status, lines = told_end(status, asked.lab, emulator, said)
    print("\n".join(lines))
    if status in (FAILED, PANIC):
        print(f"   `make grade{asked.again}` gives hints, `make debug{asked.again}` shows it in gdb")
    return 0 if status == PASSED else 1


def told_end(status: int, lab: Lab | None, emulator: str, said: str) -> tuple[int, list[str]]:
    """The end of a machine in words, from its status (enum machine_status) and from all that came out of it.

    A test that this emulator cannot judge may fail in it, so another status is what counts: it is returned.
    """
    lines: list[str] = []
    if status == FAILED:
        failed = FAILURE.findall(said)
        excused = {test.name: test.not_on[emulator] for test in (lab.tests if lab else ())
                   if test.name in failed and emulator in test.not_on}
        lines += [f"-- {name} fails, and that is no mistake: docs/emulators.md, row {row}"
                  for name, row in excused.items()]
        failed = [name for name in failed if name not in excused]
        status = FAILED if failed or not excused else PASSED
        if failed:
            lines.append(f"-- ended: failed: {', '.join(failed)}")
    texts = {PASSED: f"all passed{unjudged(lab, said)}", PANIC: "the kernel panicked", UNFILLED: where_hole(said)}
    if status != FAILED:
        lines.append(f"-- ended: {texts.get(status, f'with status {status}, which has no meaning')}")
    return status, lines


def unjudged(lab: Lab | None, said: str) -> str:
    """The tests that passed for the kernel only, because the grader compares what they send."""
    passed = SUCCESS.findall(said)
    names = [test.name for test in (lab.tests if lab else ()) if test.data and test.name in passed]
    again = f" LAB={lab.tag}" if lab else ""
    return f", but nobody compared the data of {' and '.join(names)}: make grade{again} does" if names else ""


def where_hole(said: str) -> str:
    """The hole that the machine says it reached, and where it is."""
    found = HOLE.search(said)
    where = [f": {hole.file}:{hole.line}" for lab in labs.read(ROOT)[0] for hole in lab.found
             if found and hole.id == found[1]]
    return f"at {f'hole {found[1]}' if found else 'a hole'}, which is not filled yet{where[0] if where else ''}"


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="debug", description=__doc__.partition("\n")[0])
    parser.add_argument("command", choices=["qemu", "bochs", "qemu-gdb", "gdb", "debug", "bochs-debug", "tour"])
    parser.add_argument("--built", type=Path, default=ROOT / "build", help="the folder of the built kernel")
    parser.add_argument("--lab", help="its lab; without, the complete kernel")
    parser.add_argument("--test", default="", help="names of tests, with commas or spaces between")
    parser.add_argument("--seed", default="")
    parser.add_argument("--trace", default="", help="on: the kernel prints every system call")
    parser.add_argument("--state", type=Path, default=ROOT / "build", help="where qemu-gdb leaves word for gdb")
    parser.add_argument("--check", action="store_true", help="tour: play and check it, without a reader")
    options = parser.parse_args(words)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)       # in step with what the emulator writes
    try:
        with tempfile.TemporaryDirectory(prefix="gatehouse-") as run:
            return _command(options, Path(run))
    except (CannotStart, LabError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print()
        return 130


def _command(options: argparse.Namespace, run: Path) -> int:
    """Each command imports what it needs itself, to start quickly."""
    if options.command == "gdb":
        from . import hand_gdb
        return hand_gdb.attach(options.state)
    asked = wish(options.built, options.lab, options.test, options.seed, run, options.trace)
    match options.command:
        case "qemu":
            from . import hand_qemu
            return hand_qemu.run(asked)
        case "qemu-gdb":
            from . import hand_gdb
            return hand_gdb.wait_for_gdb(asked, options.state)
        case "debug":
            from . import hand_gdb
            return hand_gdb.both(asked)
        case "bochs":
            from . import hand_bochs
            return hand_bochs.run(asked)
        case "bochs-debug":
            from . import hand_bochs
            return hand_bochs.debug(asked)
    from . import tour_play
    return tour_play.tour(asked, options.check)
