"""What labs may lean on: the include lines of sources, and the symbols of objects.

A kernel of lab N holds the base and the files of labs 0..N, so a file may include only what is there with it; and
the base is linked as an archive, so a base file that nothing names is in no kernel at all.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from . import holes
from .labs import Lab, LabError

BASE = -1       # the "lab" of given code
COMPLETE = 100  # that of code for the complete kernel: after every lab

_INCLUDE = re.compile(r'^[ \t]*[#%][ \t]*include[ \t]*[<"]([^">\n]+)[">]', re.MULTILINE)
OWN_TESTS = ("kernel/tests/", "kernel/bench/", "kernel/drawings/", "kernel/emulators/", "kernel/hostile/",
             "kernel/sweep/")            # OWN in the Makefile
_COMPILED = (".c", ".asm")
_DEFINED = frozenset("TDBRVWCSGAi")


def includes(root: Path, sources: list[str], labs: list[Lab]) -> Iterator[LabError]:
    """Each include line that needs a file of a later lab than its own file's."""
    joins = {path: lab.number for lab in labs for path in lab.adds}
    names = {lab.number: lab.id for lab in labs}
    files = [(path, COMPLETE if path.startswith(OWN_TESTS) else joins.get(path, BASE)) for path in sources]
    for lab in labs:
        files += [(f"labs/{lab.id}/standins/{path}", BASE) for path in lab.standins]
        files += [(path, lab.number) for path in lab.test_sources]
    for path, own in files:
        text = _code(root, path)
        for found in _INCLUDE.finditer(text):
            joined = _joins(found[1], path, sources, joins)
            if joined > own:
                owner = "base file" if own == BASE else f"file of {names[own]}"
                yield LabError(path, text.count("\n", 0, found.start(1)) + 1,
                               f"this {owner} includes {found[1]}, which joins with {names[joined]}")


def _code(root: Path, path: str) -> str:
    """The text of a file without its comments, "" for what cannot be read."""
    try:
        text = (root / path).read_text("utf-8", errors="surrogateescape")
    except OSError:
        return ""
    return holes.without_comments(text, holes.mark(path) or "//")


def _joins(name: str, included_by: str, sources: list[str], joins: dict[str, int]) -> int:
    """The lab with which an included file joins: that of the neighbour so called, else the earliest of that name."""
    beside = str(PurePosixPath(included_by).parent / name)
    if beside in sources:
        return joins.get(beside, BASE)
    candidates = [path for path in sources if path == name or path.endswith(f"/{name}")]
    return min((joins.get(path, BASE) for path in candidates), default=BASE)


def unnamed(root: Path, sources: list[str], labs: list[Lab], objects: Path) -> Iterator[LabError]:
    """Each base source of which no other object, and no linker script, names a symbol.

    The kernel's own tests and the like are linked as objects, so nothing needs to name them.
    """
    added = {path for lab in labs for path in lab.adds}
    base = [path for path in sources if path not in added and PurePosixPath(path).suffix in _COMPILED
            and not path.startswith(OWN_TESTS)]
    defines, needs = _symbols(objects)
    if not defines:
        yield LabError(str(objects), 1, "there are no objects here; build the kernel first")
    scripts = {word for script in root.glob("arch/**/*.ld*") for word in re.findall(r"\w+", script.read_text("utf-8"))}
    for path in base:
        built = next((name for name in defines if _is_object_of(name, path)), None)
        if built is None:
            continue
        named = scripts.union(*(wanted for name, wanted in needs.items() if name != built))
        if not defines[built] & named:
            yield LabError(path, 1, "no other object names a symbol of this base file, so no kernel links it")


def _is_object_of(name: str, path: str) -> bool:
    return name in (f"{path}.o", str(PurePosixPath(path).with_suffix(".o")))


def _symbols(objects: Path) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """What every object below a folder defines and what it needs, by the object's path below that folder."""
    defines: dict[str, set[str]] = {}
    needs: dict[str, set[str]] = {}
    paths = sorted(path.relative_to(objects).as_posix() for path in objects.rglob("*.o"))
    if not paths:
        return defines, needs
    listing = subprocess.run(["nm", "-g", "-A", "-P", "--", *paths], cwd=objects, capture_output=True, text=True,
                             check=False).stdout
    for line in listing.splitlines():
        name, _, rest = line.partition(": ")
        symbol, kind, *_ = rest.split()
        defines.setdefault(name, set())
        needs.setdefault(name, set())
        (defines if kind in _DEFINED else needs)[name].add(symbol)
    return defines, needs
