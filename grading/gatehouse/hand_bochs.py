"""make bochs and make bochs-debug: one lab in Bochs, with its serial port in this terminal."""

from __future__ import annotations

import os
import re
import selectors
import subprocess
from pathlib import Path

from .bochs import BOCHSRC, MODELS, Bochs
from .bochs_disk import DISK, write_disk
from .bochs_log import Log, Loop, Restarted
from .by_hand import END, FAILED, HOLE, PANIC, PASSED, TRIPLE_FAULT, UNFILLED, CannotStart, Wish, tell_end
from .hand_console import Console
from .hand_voices import Voices
from .outcome import trail_told
from .places import Places
from .supervise import CHUNK
from .symbols import Symbols
from .terminal import STDIN, STDOUT, Listener, in_foreground, show, tied

CONFIGURATION, COMMANDS, LOG, NAMES = "bochsrc", "commands", "bochs.log", "symbols"
ENVIRONMENT = {"TERM": "dumb"}           # for the guest's screen, which nobody sees
ITS_WORDS = re.compile(rb"\(0\)[. ]|Next at t=|=====|Bochs |\s{8,}|<bochs:|\s*$")     # the debugger's, not the guest's
DEBUG_LINE = re.compile(rb"^\d+d\[.*\n", re.MULTILINE)
ASLEEP = "HLT instruction with IF=0"
NO_RESOLUTION = "exception with no resolution"
SWITCHED_OFF = re.compile("shutdown requested|soft power off")
LOG_KEPT = 1 << 16
# What is worth a visit, the latest in the course first: each lab's kernel has its own.
VISITS = {"interrupt_end": "where an interrupt ends", "idt_use_ist": "where gates get their stacks",
          "demand_fault": "where a page fault is judged", "entry_normal": "where all stubs lead",
          "entry_3": "where INT3 leads", "gdt_load": "where the GDT is loaded",
          "serial_write": "where bytes are sent"}
HINTS = """\
  lb "{name}"{space}   c        stop {why}, and go there; `lb` takes any symbol in quotes
  s   p   u /8                 one instruction; one, over a call; what comes next
  print-stack 21   r   sreg    the stack from rsp up; the registers; IDTR, TR and the segments; q quits
"""


class LogReader:
    """Bochs's log, read as it comes: the vectors into a trail, the end of the rest kept."""

    def __init__(self, kernel: Path) -> None:
        self._kernel = kernel
        self._log = Log()
        self._kept = b""
        self.pipe = Listener(self._feed)

    def _feed(self, data: bytes) -> None:
        try:
            self._log.feed(data)
        except (Loop, Restarted):
            pass                     # no reason to stop reading: Bochs would wait
        whole, newline, rest = (self._kept + data).rpartition(b"\n")
        self._kept = (DEBUG_LINE.sub(b"", whole + newline) + rest)[-LOG_KEPT:]

    @property
    def text(self) -> str:
        return self._kept.decode(errors="replace")

    def death(self) -> list[str]:
        """What to say of a triple fault; nothing if there was none. Bochs tells where only of the last exception."""
        if NO_RESOLUTION not in self.text:
            return []
        trail = trail_told(self._log.tally.events(lambda _: 0), hex)[:1]
        last = [] if self._log.rip is None else [f"  the last at {Places(self._kernel).describe(self._log.rip)}"]
        return [f"-- ended: {TRIPLE_FAULT}", *trail, *last]


def prepare(asked: Wish, commands: str, serial: Path | str, log: str | None = None) -> list[str]:
    """Everything for one Bochs in the run's folder, and the command that starts it there. Raises CannotStart.

    It gets the symbols of the upper half only: it calls a number by the nearest symbol below, however far.
    Into a `log` of the caller's it also writes the vectors that the CPU takes.
    """
    if lacking := Bochs().missing():
        raise CannotStart(lacking)
    try:
        write_disk(asked.built / DISK, asked.cmdline, asked.run / DISK)
    except ValueError as error:
        raise CannotStart(str(error)) from None
    names = [(address, name) for address, name in Symbols(asked.kernel).places() if address >> 63]
    (asked.run / NAMES).write_text("".join(f"{address:x} {name}\n" for address, name in names))
    settings = BOCHSRC % (MODELS[asked.cpu], serial, log or asked.run / LOG, asked.run / "words")
    settings = settings.replace(f"path={DISK}", f"path={asked.run / DISK}")
    (asked.run / CONFIGURATION).write_text(settings if log else settings.replace("cpu0=report", "cpu0=ignore"))
    (asked.run / COMMANDS).write_text(f'ldsym global "{asked.run / NAMES}"\n{commands}')
    return ["bochs", "-q", "-f", str(asked.run / CONFIGURATION), "-rc", str(asked.run / COMMANDS)]


def run(asked: Wish) -> int:
    """To the end of the machine, or Ctrl-C."""
    print("Ctrl-C quits")
    read_end, write_end = os.pipe()
    log = LogReader(asked.kernel)
    line = prepare(asked, "c\nq\n", f"/dev/fd/{write_end}", log.pipe.path)
    with (asked.run / "messages").open("w") as messages:
        machine = subprocess.Popen(tied(line), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=messages,
                                   pass_fds=[write_end, log.pipe.write_end], env={**os.environ, **ENVIRONMENT},
                                   start_new_session=True)
    os.close(write_end)
    log.pipe.start()
    try:
        said = _listen(log, machine, read_end)
    finally:
        machine.kill()
        machine.wait()
        os.close(read_end)
        log.pipe.finish()
    return _tell(asked, log, said)


def _listen(log: LogReader, machine: subprocess.Popen[bytes], serial: int) -> str:
    """Pass on what the guest says until both of its ways out are closed, or it sleeps for ever."""
    assert machine.stdout is not None
    said = b""
    words = b""
    console = Console()
    with selectors.DefaultSelector() as sources:
        sources.register(serial, selectors.EVENT_READ, serial)
        sources.register(machine.stdout, selectors.EVENT_READ, None)
        try:
            while sources.get_map():
                ready = sources.select(1.0)
                if not ready and ASLEEP in log.text:
                    break
                for key, _ in ready:
                    data = os.read(key.fd, CHUNK)
                    if not data:
                        sources.unregister(key.fileobj)
                        continue
                    if key.data is None:
                        *lines, words = (words + data).split(b"\n")
                        data = b"".join(line + b"\n" for line in lines if not ITS_WORDS.match(line))
                    said += data
                    show(console.feed(data))
        finally:
            show(console.finish())
    return said.decode(errors="replace")


def _tell(asked: Wish, log: LogReader, said: str) -> int:
    """Bochs has no port for a status: what the guest said must do."""
    if HOLE.search(said):
        return tell_end(UNFILLED, asked, "bochs", said)
    if death := log.death():
        print("\n".join(death))
        print(f"   `make grade{asked.again}` gives hints, and says where each of them was")
        return 1
    if ASLEEP in log.text and not SWITCHED_OFF.search(log.text):
        print("-- ended: hlt with interrupts off, from which nothing wakes the machine")
        return 1
    if not log.text:
        raise CannotStart(f"Bochs did not start: {(asked.run / 'messages').read_text(errors='replace').strip()[-300:]}")
    end = END.search(said)
    if end:
        return tell_end(FAILED if int(end[1]) else PASSED, asked, "bochs", said)
    if "\nPANIC: " in said:
        return tell_end(PANIC, asked, "bochs", said)
    print("-- Bochs ended before the kernel was done")
    return 1


def debug(asked: Wish) -> int:
    """The debugger in this terminal, the machine at the first line of C."""
    if not (os.isatty(STDIN) and os.isatty(STDOUT)):
        raise CannotStart("the debugger of Bochs wants a terminal; `make bochs` does without")
    log, voices = LogReader(asked.kernel), Voices()
    line = prepare(asked, 'lb "kernel_main"\nc\n', voices.serial_path, log.pipe.path)
    known = Symbols(asked.kernel)
    name, why = next(((name, why) for name, why in VISITS.items() if known.get(name)), ("machine_end", "at the end"))
    hints = HINTS.format(name=name, why=why, space=" " * (len("entry_normal") - len(name)))
    print(f"The machine goes to kernel_main first. Then, for example:\n{hints}")
    quiet = ["sh", "-c", 'exec 2>"$0"; exec "$@"', str(asked.run / "messages")]

    def started() -> None:
        log.pipe.start()
        voices.start()

    try:
        in_foreground([*quiet, *line], ENVIRONMENT, [voices.serial, log.pipe.write_end], voices.words, started)
    finally:
        voices.finish()
        log.pipe.finish()
    if death := log.death():
        print("\n".join(death))
    elif SWITCHED_OFF.search(log.text):
        print("-- the kernel switched the machine off, and Bochs ended with it")
    return 0
