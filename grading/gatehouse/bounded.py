"""A build that ends with its grader, keeps to its bounds, and is told in a line which of them it met."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .sandbox import Bounds
from .supervise import Channel, Child, Flood, Gone, Overtime

SAID_MOST = 1 << 20              # bytes of what make and all that it calls print
HOURS = 3600.0                   # for a machine that stands still; what a build may use is counted in processor time
# How the compilers, the linker and make say that a limit was met, each line as a whole theirs.
WHOLE = r"^(?:make(?:\[\d+\])?: \*\*\* \[\S+: \S+\] |(?:\S*gcc|collect2): .*: )"
MET = {
    "processor": re.compile(rf"{WHOLE}CPU time limit exceeded|^CPU time limit exceeded$", re.MULTILINE),
    "file": re.compile(WHOLE + r"File size limit exceeded", re.MULTILINE),
    "memory": re.compile(r"^(?:(?:\S*/)?(?:cc1|as|ld|nasm|awk|objcopy)\S*: .*)?"
                         r"(?:out of memory|(?:virtual )?memory exhausted|annot allocate memory)", re.MULTILINE),
}
# No bound ends a program so: somebody has, or a computer without memory left.
ENDING = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)
KILLED = re.compile(WHOLE + "(?:Killed|Terminated)", re.MULTILINE)
SIGNALLED = 128                                    # and the signal's number
NO_SANDBOX = re.compile(r"bwrap: .*\n?")           # and nothing else
MADE = re.compile(r"^make(?:\[\d+\])?: \*\*\* \[\S+: \S*?/obj/(\S+)\.o\]", re.MULTILINE)


class Late(Exception):
    """The build did not come to an end, and did not use its processor time either."""


class Killed(Exception):
    """The build was ended from outside, or could not begin."""


@dataclass(frozen=True)
class Ended:
    """How a command ended: status, what it wrote to stdout and to stderr, and whether that was more than is read."""

    status: int
    out: str
    wrong: str
    flooded: bool = False


def ended(command: Sequence[str], directory: Path, seconds: float, most: int = SAID_MOST) -> Ended:
    """Run COMMAND, which is enclosed already, and wait for it. Raises Late."""
    with Channel(most) as out, Channel(most) as wrong:
        with Child(command, directory, seconds, give=[out.write_end, wrong.write_end], stdout=out.write_end,
                   stderr=wrong.write_end) as child:
            child.watch(out.read_end, out.feed)
            child.watch(wrong.read_end, wrong.feed)
            flooded = False
            try:
                child.until(lambda: False)
            except Gone:
                pass
            except Flood:
                flooded = True
            except Overtime:
                raise Late(f"it takes longer than {seconds:.0f} s") from None
            child.close()
            return Ended(child.returncode or 0, _text(out), _text(wrong), flooded)


def build(command: Sequence[str], directory: Path) -> str | None:
    """What COMMAND said if it failed, None if all went well; too much of it is a failure, too. Raises Late, Killed."""
    made = ended(command, directory, HOURS)
    if made.flooded:
        return f"{made.wrong}\nmore than {SAID_MOST >> 20} MiB of messages"
    if why := nobodys_doing(made):
        raise Killed(why)
    return made.wrong or made.out or f"make ended with status {made.status} and said nothing" if made.status else None


def nobodys_doing(made: Ended) -> str | None:
    """Why a command failed that did not fail by itself, or None."""
    if not made.status or made.flooded:
        return None
    # Bubblewrap makes a status of the signal that ended what runs in it.
    if made.status in (status for number in ENDING for status in (-number, SIGNALLED + number)) or \
            KILLED.search(made.wrong):
        return "this computer, or somebody on it, has ended a program of the build"
    if NO_SANDBOX.fullmatch(made.wrong):
        return f"no sandbox can be made: {made.wrong.strip()}"
    if made.status in range(1, SIGNALLED) and not made.wrong and not made.out:
        return f"a program ended with status {made.status} and did not say why"
    return None


def _text(channel: Channel) -> str:
    return channel.data.decode(errors="replace")


def exceeded(text: str, bounds: Bounds) -> str | None:
    """One line for the first bound that a build met, by what its tools SAID, or None."""
    for what, pattern in MET.items():
        if pattern.search(text):
            made = MADE.search(text)
            file = f"{made[1]}: what is made of it takes" if made else "linking the kernel takes"
            limit = {"processor": f"{bounds.cpu} s of processor time", "memory": f"{bounds.memory >> 20} MiB of memory",
                     "file": f"{bounds.file >> 20} MiB on the disk"}[what]
            return f"{file} more than {limit}"
    return None
