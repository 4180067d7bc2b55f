"""make bochs and make bochs-debug: one lab in Bochs, with its serial port in this terminal."""

from __future__ import annotations

import os
import re
import selectors
import subprocess
import sys
from pathlib import Path

from .bochs import BOCHSRC, CMDLINE_AT, CMDLINE_MOST, DISK, Bochs
from .by_hand import END, FAILED, HOLE, PANIC, PASSED, UNFILLED, CannotStart, Wish, tell_end
from .symbols import Symbols
from .terminal import STDIN, STDOUT, in_foreground, tied

CONFIGURATION, COMMANDS, LOG, NAMES = "bochsrc", "commands", "bochs.log", "symbols"
ENVIRONMENT = {"TERM": "dumb"}           # for the guest's screen, which nobody sees
ITS_WORDS = re.compile(rb"\(0\)[. ]|Next at t=|=====|Bochs |\s{8,}|<bochs:|\s*$")     # the debugger's, not the guest's
ASLEEP = "HLT instruction with IF=0"
TRIPLE_FAULT = "exception with no resolution"
HINTS = """\
  lb "entry_normal"   c        stop where the entry code begins, and go there; `lb` takes any symbol in quotes
  s   p   u /8                 one instruction; one, over a call; what comes next
  print-stack 21   r   sreg    the stack from rsp up; the registers; IDTR, TR and the segments; q quits
"""


def prepare(asked: Wish, commands: str, serial: Path | str) -> list[str]:
    """Everything for one Bochs in the run's folder, and the command that starts it there. Raises CannotStart.

    It gets the symbols of the upper half only: it calls a number by the nearest symbol below, however far.
    """
    if lacking := Bochs().missing():
        raise CannotStart(lacking)
    image = bytearray((asked.built / DISK).read_bytes())
    line = asked.cmdline.encode() + b"\0"
    if len(line) > CMDLINE_MOST:
        raise CannotStart(f"the command line is longer than the {CMDLINE_MOST - 1} bytes that the disk holds")
    image[CMDLINE_AT:CMDLINE_AT + len(line)] = line
    (asked.run / DISK).write_bytes(image)
    names = [(address, name) for address, name in Symbols(asked.kernel).places() if address >> 63]
    (asked.run / NAMES).write_text("".join(f"{address:x} {name}\n" for address, name in names))
    settings = BOCHSRC % (serial, asked.run / LOG, asked.run / "words")
    settings = settings.replace(f"path={DISK}", f"path={asked.run / DISK}").replace("cpu0=report", "cpu0=ignore")
    (asked.run / CONFIGURATION).write_text(settings)
    (asked.run / COMMANDS).write_text(f'ldsym global "{asked.run / NAMES}"\n{commands}')
    return ["bochs", "-q", "-f", str(asked.run / CONFIGURATION), "-rc", str(asked.run / COMMANDS)]


def run(asked: Wish) -> int:
    """To the end of the machine, or Ctrl-C."""
    print("Ctrl-C quits")
    read_end, write_end = os.pipe()
    line = prepare(asked, "c\nq\n", f"/dev/fd/{write_end}")
    with (asked.run / "messages").open("w") as messages:
        machine = subprocess.Popen(tied(line), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=messages,
                                   pass_fds=[write_end], env={**os.environ, **ENVIRONMENT}, start_new_session=True)
    os.close(write_end)
    try:
        said = _listen(asked, machine, read_end)
    finally:
        machine.kill()
        machine.wait()
        os.close(read_end)
    return _tell(asked, said)


def _listen(asked: Wish, machine: subprocess.Popen[bytes], serial: int) -> str:
    """Pass on what the guest says until both of its ways out are closed, or it sleeps for ever."""
    assert machine.stdout is not None
    said = b""
    words = b""
    with selectors.DefaultSelector() as sources:
        sources.register(serial, selectors.EVENT_READ, serial)
        sources.register(machine.stdout, selectors.EVENT_READ, None)
        while sources.get_map():
            ready = sources.select(1.0)
            if not ready and ASLEEP in _log(asked):
                break
            for key, _ in ready:
                data = os.read(key.fd, 1 << 16)
                if not data:
                    sources.unregister(key.fileobj)
                    continue
                if key.data == serial:
                    said += data
                else:
                    *lines, words = (words + data).split(b"\n")
                    data = b"".join(line + b"\n" for line in lines if not ITS_WORDS.match(line))
                    said += data
                sys.stdout.buffer.write(data)
                sys.stdout.flush()
    return said.decode(errors="replace")


def _log(asked: Wish) -> str:
    path = asked.run / LOG
    return path.read_text(errors="replace") if path.exists() else ""


def _tell(asked: Wish, said: str) -> int:
    """Bochs has no port for a status: what the guest said must do."""
    log = _log(asked)
    if HOLE.search(said):
        return tell_end(UNFILLED, asked, "bochs", said)
    if TRIPLE_FAULT in log:
        print("-- ended: triple fault, an exception for which there was no way in, three deep")
        print(f"   `make grade{asked.again}` shows the exceptions that led there")
        return 1
    if ASLEEP in log and "Shutdown" not in log and "shutdown" not in log:
        print("-- ended: hlt with interrupts off, from which nothing wakes the machine")
        return 1
    if not log:
        raise CannotStart(f"Bochs did not start: {(asked.run / 'messages').read_text(errors='replace').strip()[-300:]}")
    end = END.search(said)
    if end:
        return tell_end(FAILED if int(end[1]) else PASSED, asked, "bochs", said)
    if "\nPANIC: " in said:
        return tell_end(PANIC, asked, "bochs", said)
    print("-- ended before the kernel said that it was done")
    return 1


def debug(asked: Wish) -> int:
    """The debugger in this terminal, the machine at the first line of C.

    Bochs itself writes the serial port's bytes between its own words: somebody else would write into its prompt.
    """
    if not (os.isatty(STDIN) and os.isatty(STDOUT)):
        raise CannotStart("the debugger of Bochs wants a terminal; `make bochs` does without")
    line = prepare(asked, 'lb "kernel_main"\nc\n', f"/dev/fd/{STDOUT}")
    print(f"The machine goes to kernel_main first. Then, for example:\n{HINTS}")
    quiet = ["sh", "-c", 'exec 2>"$0"; exec "$@"', str(asked.run / "messages")]
    in_foreground([*quiet, *line], ENVIRONMENT)
    if "hutdown" in _log(asked) or TRIPLE_FAULT in _log(asked):
        print("-- the machine ended, and Bochs with it")
    return 0
