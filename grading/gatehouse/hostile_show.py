"""One hostile program for people: its instructions, as objdump reads them, and what happened to it."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator

from .hostile_boot import Boot

STEP = re.compile(r"# step (\d+): its frame at (0x[0-9a-f]+) is (.*)")
CODE = re.compile(r"# code(32|64) (0x[0-9a-f]+)((?: [0-9a-f]{2})*)")
MACHINES = {"64": "i386:x86-64", "32": "i386"}
FRAME_NOTE = "flags, and for IRETQ rip, cs, rsp, ss, come from"
SAID_BY_KTAP = re.compile(r"KTAP version|\d+\.\.\d+|(not )?ok \d|# begin |# END |# ended by |# from |"
                          r"Gatehouse lab|# \d+ KiB")


def _disassembled(bits: str, address: str, code: bytes) -> Iterator[str]:
    """Raises OSError where there is no objdump."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(code)
        file.flush()
        text = subprocess.run(["objdump", "-D", "-b", "binary", "-m", MACHINES[bits], "-M", "intel", "--insn-width=10",
                               f"--adjust-vma={address}", file.name], check=True, capture_output=True, text=True).stdout
    for line in text.splitlines():
        if re.match(r"\s+[0-9a-f]+:\t", line):
            yield f"  {line.strip().expandtabs()}"


def told(boot: Boot) -> Iterator[str]:
    """The lines about the one program of a boot."""
    bits = ""
    for line in boot.said.splitlines():
        if step := STEP.fullmatch(line):
            yield f"step {step[1]}: {FRAME_NOTE} {step[2]}: {step[3]}"
        elif code := CODE.fullmatch(line):
            if code[1] != bits and code[3]:
                bits = code[1]
                yield f"  {bits}-bit code"
            yield from _disassembled(code[1], code[2], bytes.fromhex(code[3]))
        elif line and not SAID_BY_KTAP.match(line):
            yield line.removeprefix("# ")
    if ways := boot.ended_by:
        yield f"ended by {', '.join(way for way in ways if ways[way])}"
    if boot.crash:
        yield boot.crash
