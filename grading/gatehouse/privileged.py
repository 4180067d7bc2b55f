"""Which of the instructions that only a kernel may use stand in objects, by objdump.

A word can be hidden from whoever searches a source, and a symbol can be done without: who writes to the serial port
by himself, maps a page for writing that is not, or takes away what the tests set up, needs one of these.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import bounded
from .sandbox import Bounds, Open

SECONDS = 30.0
SAID_MOST = 16 << 20         # bytes of objdump's: half a million instructions, where a file of ours has a thousand
READ = Bounds(memory=512 << 20, cpu=10, processes=4, file=1 << 20, proc=False)
UNSEEN = "more instructions than are looked at"
KINDS = {
    "OUT": r"outs?[bwld]?\b", "MOV to a control register": r"mov +cr\d", "MOV to a debug register": r"mov +dr\d",
    "LGDT": "lgdt", "LIDT": "lidt", "LTR": "ltr", "INVLPG": "invlpg", "INVPCID": "invpcid", "WRMSR": "wrmsr",
    "CLTS": "clts", "LMSW": "lmsw",
}
FILE = re.compile(r"^(\S.*):     file format ")
PREFIXES = r"(?:(?:rep[a-z]*|(?:data|addr)(?:16|32)|lock|[c-gs]s|rex(?:\.[WRXB]+)?|bnd|notrack|xacquire|xrelease) +)*"
INSTRUCTION = re.compile(rf"^ *[0-9a-f]+:\t{PREFIXES}(?:" +
                         "|".join(f"(?P<k{number}>{pattern})" for number, pattern in enumerate(KINDS.values())) + ")")


def used(objects: Sequence[Path], sandbox: type[Open] = Open) -> Mapping[Path, set[str]]:
    """The kinds that each of OBJECTS holds, UNSEEN if it or one before it is too long; none of what cannot be read.

    They lie below one folder, and are read in SANDBOX.
    """
    found: dict[Path, set[str]] = {path: set() for path in objects}
    if not objects:
        return found
    folder = min((path.parent for path in objects), key=lambda place: len(place.parts)).absolute()
    while not all(path.absolute().is_relative_to(folder) for path in objects):
        folder = folder.parent
    names = {str(path.absolute()): path for path in objects}
    command = ["objdump", "-d", "-M", "intel", "--no-show-raw-insn", *names]
    try:
        done = bounded.ended(sandbox(READ).enclose(command, folder, read=[folder]), folder, SECONDS, SAID_MOST)
    except (OSError, bounded.Late):
        return found
    here: set[str] = set()
    kinds, left = list(KINDS), set(names)
    for line in done.out.splitlines():
        if file := FILE.match(line):
            here = found[names[file[1]]] if file[1] in names else set()
            left.discard(file[1])
        elif instruction := INSTRUCTION.match(line):
            here.add(kinds[int(str(instruction.lastgroup)[1:])])
    for unseen in (here, *(found[names[name]] for name in left)) if done.flooded else ():
        unseen.add(UNSEEN)
    return found
