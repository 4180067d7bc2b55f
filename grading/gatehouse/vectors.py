"""The kernel's table of vectors, arch/x86_64/entry/vectors.def, which C and NASM read too."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PATH = Path("arch/x86_64/entry/vectors.def")
ROW = re.compile(r'VECTORS\( *(\d+), *(\d+), *(\w+), *(\w+), *(\w+), *(\w+), *(\w+), *"([^"]*)"\)')
STACKS = {"IST_NONE": 0, "IST_DF": 1, "IST_NMI": 2, "IST_DB": 3, "IST_MC": 4}
RINGS = {"KERNEL": 0, "USER": 3}
COUNT = 256


class BadTable(Exception):
    """The table is not as promised: `path:line: text`."""


@dataclass(frozen=True)
class Vector:
    """What the table says of one vector."""

    number: int
    has_code: bool
    door: str
    ist: int         # the IST stack's number that it is due in the end
    ring: int        # from which INT n may use it
    handler: str
    name: str        # the mnemonic, or NMI, and then what it is


def load(root: Path) -> list[Vector]:
    """All 256, in order.  Raises BadTable, OSError."""
    vectors: list[Vector] = []
    for number, line in enumerate((root / PATH).read_text().splitlines(), 1):
        row = ROW.fullmatch(line.strip())
        try:
            if not row:
                raise ValueError("not a row of the table")
            first, last, code, door, ist, ring, handler, name = row.groups()
            if int(first) != len(vectors) or int(last) < int(first):
                raise ValueError(f"a gap or an overlap: vector {len(vectors)} was due")
            if code not in ("CODE", "NO_CODE") or ist not in STACKS or ring not in RINGS:
                raise ValueError("an unknown word in a column")
        except ValueError as error:
            raise BadTable(f"{PATH}:{number}: {error}") from error
        vectors += [Vector(vector, code == "CODE", door, STACKS[ist], RINGS[ring], handler, name)
                    for vector in range(int(first), int(last) + 1)]
    if len(vectors) != COUNT:
        raise BadTable(f"{PATH}: it ends at vector {len(vectors) - 1}, not at {COUNT - 1}")
    return vectors
