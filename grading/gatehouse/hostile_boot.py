"""One boot of the kernel that throws hostile programs at itself (kernel/hostile), and what came of it.

The grader's QEMU logs every exception, and its watchdog allows a boot no more than half a billion instructions.
Here a boot is mostly exceptions and takes many billions, so QEMU is started plainly.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .bochs import Bochs
from .machine import Ending, Limits
from .qemu import MODELS, PROGRAM
from .supervise import Channel, Child, Flood, Gone, Overtime, missing

# One instruction is a nanosecond; what RDRAND gives is the same in every run.
MACHINE = ("-accel", "tcg", "-machine", "q35", "-icount", "shift=0,sleep=off", "-seed", "1", "-m", "128",
           "-no-user-config", "-nodefaults", "-display", "none", "-no-reboot", "-debugcon", "null")
STARTS, EACH = 60.0, {"qemu": 0.02, "bochs": 0.1}     # seconds, generously: of a boot, of a program
BOCHS_START, BOCHS_EACH = 100_000_000, 2_000_000        # instructions, the same
OUTPUT = 1 << 20                                       # bytes
FROM = re.compile(r"^# from (\d+)$", re.MULTILINE)
FINDING = re.compile(r"^# program (\d+): (.*)$", re.MULTILINE)
PANIC = re.compile(r"^PANIC: (.*)$", re.MULTILINE)
ENDED = re.compile(r"^# ended by (.+): (\d+)$", re.MULTILINE)
END = re.compile(r"^# END \[\w+\] ", re.MULTILINE)
BATCH = 256                          # programs between two lines `# from`; kernel/hostile/hostile.c


class CannotThrow(Exception):
    """One line that says why nothing can be said of the kernel."""


@dataclass(frozen=True)
class Model:
    """An emulator and the vendor of its CPU."""

    emulator: str
    cpu: str

    def __str__(self) -> str:
        return f"{'QEMU' if self.emulator == 'qemu' else 'Bochs'}, {'Intel' if self.cpu == 'intel' else 'AMD'}"


@dataclass(frozen=True)
class Boot:
    """What came of the programs SEED, SEED + 1, ... , so many."""

    seed: int
    count: int
    said: str
    crash: str                       # how the machine ended, if not as it should
    emulators_fault: bool = False    # it died itself

    @property
    def findings(self) -> list[tuple[int, str]]:
        """What the kernel says it has found, by program."""
        return [(int(seed), text) for seed, text in FINDING.findall(self.said)]

    @property
    def reached(self) -> int:
        """The first program that may have run when the machine crashed."""
        begun = FROM.findall(self.said)
        return int(begun[-1]) if begun else self.seed

    @property
    def ended_by(self) -> dict[str, int]:
        """How many programs each way of ending had."""
        return {what: int(count) for what, count in ENDED.findall(self.said)}


def lacking(model: Model) -> str | None:
    """One line that says what to install, or None."""
    return Bochs().missing() if model.emulator == "bochs" else missing({PROGRAM: "qemu-system-x86"})


def boot(kernel: Path, model: Model, seed: int, count: int) -> Boot:
    """Throw these programs.  KERNEL is the folder of the built kernel.  Raises CannotThrow."""
    with tempfile.TemporaryDirectory(prefix="hostile-") as place:
        if model.emulator == "bochs":
            return _bochs(kernel, model, seed, count, Path(place))
        return _qemu(kernel, model, seed, count, Path(place))


def _words(seed: int, count: int) -> str:
    return f"seed={seed} count={count}"


def _wall(model: Model, count: int) -> float:
    return STARTS + EACH[model.emulator] * count


def _qemu(kernel: Path, model: Model, seed: int, count: int, place: Path) -> Boot:
    messages = place / "qemu.log"
    crash, own = "", False
    with Channel(OUTPUT) as serial, messages.open("wb") as log:
        command = [PROGRAM, *MACHINE, "-cpu", MODELS[model.cpu], "-serial", f"file:{serial.path}", "-kernel",
                   str((kernel / "kernel").resolve()), "-append", _words(seed, count)]
        with Child(command, place, _wall(model, count), give=[serial.write_end], stdout=log.fileno(),
                   stderr=log.fileno()) as child:
            child.watch(serial.read_end, serial.feed)
            try:
                child.until(lambda: False)
            except Gone:
                if child.returncode:
                    lines = messages.read_text("utf-8", "replace").strip().splitlines()
                    crash, own = f"QEMU dies: {lines[-1] if lines else child.returncode}", True
            except Overtime:
                crash = "the machine does not come to its end"
            except Flood:
                crash = "the machine says too much"
        said = bytes(serial.data).decode(errors="replace")
    return _judged(Boot(seed, count, said, crash, own))


def _bochs(kernel: Path, model: Model, seed: int, count: int, place: Path) -> Boot:
    limits = Limits(BOCHS_START + BOCHS_EACH * count, OUTPUT, _wall(model, count))
    run = Bochs().of(model.cpu).run(kernel, _words(seed, count), place, limits)
    said = run.serial.decode(errors="replace")
    if run.ending is Ending.FAILED:
        return Boot(seed, count, said, f"Bochs dies: {run.detail}", True)
    return _judged(Boot(seed, count, said, "" if run.ending is Ending.ENDED else f"{run.ending}: {run.detail}"))


def _judged(boot: Boot) -> Boot:
    """With the crash in words, if the kernel did not get to its end."""
    if panic := PANIC.search(boot.said):
        return Boot(boot.seed, boot.count, boot.said, f"panic: {panic[1]}")
    if boot.crash or END.search(boot.said):
        return boot
    return Boot(boot.seed, boot.count, boot.said, "the machine resets: a triple fault")
