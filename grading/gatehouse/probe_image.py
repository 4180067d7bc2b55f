"""Whether the kernel's code and constants are still what the linker made of them.

Nothing in this kernel writes to its own code. Who does it at run time, a test's or what counts its results, has not
passed that test; what the machine holds in the end is compared with the file, byte by byte.
"""

from __future__ import annotations

from collections.abc import Iterator

from .machine import READ_MOST, NotMapped, View
from .probe_facts import Finding

CHECK = "image"
MOST = 4                    # symbols that are named


def modified(view: View) -> list[Finding]:
    """A finding for each function or constant that is not as in the kernel's file, the first few by name."""
    found: dict[str, Finding] = {}
    for address in view.written:
        name = view.symbols.describe(address).partition("+")[0]
        found[name] = Finding(CHECK, 0, address, f"given code was modified at run time: {name}")
    for address, content in view.symbols.sealed():
        for place, expected, got in _differences(view, address, content):
            name = view.symbols.describe(place).partition("+")[0]
            if name not in found and len(found) < MOST:
                found[name] = Finding(CHECK, expected, got, f"given code was modified at run time: {name}")
    return list(found.values())


def _differences(view: View, address: int, content: bytes) -> Iterator[tuple[int, int, int]]:
    """Address, byte in the file, byte in memory (-1 if nothing is mapped there)."""
    for start in range(0, len(content), READ_MOST):
        piece = content[start:start + READ_MOST]
        try:
            seen = view.read(address + start, len(piece))
        except NotMapped:
            yield address + start, piece[0], -1
            continue
        if seen != piece:
            yield from ((address + start + number, want, have)
                        for number, (want, have) in enumerate(zip(piece, seen)) if want != have)
