"""The disk that Bochs starts from: a copy of the kernel's, with the command line of this run in it."""

from __future__ import annotations

from pathlib import Path

DISK = "disk.img"
CMDLINE_AT, CMDLINE_MOST = 512, 1536     # in the disk's image
CYLINDER = 16 * 63 * 512                 # Bochs guesses the geometry of whole cylinders only


def write_disk(source: Path, cmdline: str, target: Path) -> None:
    """A disk of one's own with the command line in it.  Raises ValueError if that is too long."""
    line = cmdline.encode() + b"\0"
    if len(line) > CMDLINE_MOST:
        raise ValueError(f"the command line is longer than the {CMDLINE_MOST - 1} bytes that the disk holds")
    image = bytearray(source.read_bytes())
    image[CMDLINE_AT:CMDLINE_AT + len(line)] = line
    target.with_name(f"{target.name}.lock").unlink(missing_ok=True)      # of a Bochs that was killed here
    target.write_bytes(image + bytes(-len(image) % CYLINDER))
