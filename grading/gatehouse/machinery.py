"""The names by which a kernel reports, sought in the objects that were made from a student's files.

The words of a source can be pasted together by a preprocessor; the symbol that comes out of it stands in the object,
and so does the instruction that does without one (privileged.py). What the reference's object of the same file has,
too, is no reason to look. Like every flag this costs nothing: it says where to read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from . import privileged, symbols
from .build import Builder, object_of
from .labs import Lab
from .sandbox import Open

# Tests, and what the image begins and ends with, are not among what a hole can join (linker.ld).
GIVEN_SECTIONS = re.compile(r"\.tests.*|\.multiboot|\.boot|\.symbols")
STANDINS = "standins.a"
NAMES = re.compile(r"cmdline|v?print|print_to|report_values|skip|sweep_poke|tests?_\w+|machine_(?:end|settle)|"
                   r"serial_(?:write|flush)")


def refused(lab: Lab, labs: Sequence[Lab], taken: Sequence[str], out: Path, base: Path) -> Iterator[str]:
    """What no file of a student's may define, in LAB's kernel of the TAKEN files in OUT: one line each.

    The linker takes from an archive only what is still lacking, so it would not say that something given is defined
    twice, but use the student's.
    """
    files = _of_their_labs(labs, taken, out)
    given = symbols.archived(base) | symbols.archived(out / lab.id / STANDINS) if files else set()
    for file in files:
        made = Path(object_of(out, file))
        try:
            defines, holds = symbols.defined(made), symbols.sections(made)
        except (symbols.NotAKernel, OSError) as error:
            why = error.why if isinstance(error, symbols.NotAKernel) else error.strerror
            yield f"{file}: error: what is made of it cannot be judged: it {why}"
            continue
        for name in sorted(defines & given):
            yield f"{file}: error: it defines {name}, which is given"
        for name in sorted(name for name in defines if "@" in name):      # whoever asks for `x` is given `x@@V`
            yield f"{file}: error: it defines {name}, and no symbol has versions here"
        for name in sorted(name for name in holds if GIVEN_SECTIONS.fullmatch(name)):
            yield f"{file}: error: it has a section {name}, which is for given files only"


def _of_their_labs(labs: Sequence[Lab], taken: Sequence[str], out: Path) -> list[str]:
    """The files of the TAKEN files' labs that are made to objects."""
    return [file for other in labs if set(other.hole_files) & set(taken) for file in other.adds
            if file.endswith((".c", ".asm")) and Path(object_of(out, file)).exists()]


def flags(builder: Builder, lab: Lab, labs: Sequence[Lab], taken: Sequence[str], out: Path,
          sandbox: type[Open] = Open) -> Iterator[str]:
    """For LAB's kernel, built in OUT with the TAKEN files: each file that names or uses what the reference's does not.

    All files of their labs are looked at, because what is included shows where it is compiled.
    """
    made = {file: Path(object_of(out, file)) for file in _of_their_labs(labs, taken, out)}
    kinds = privileged.used(list(made.values()), sandbox)
    odd = [file for file, own in made.items() if _names(own) or kinds[own]]
    references = dict(zip(odd, builder.objects(lab, odd))) if odd else {}
    known = _known(tuple(references.values()))
    for file, reference in references.items():
        if more := sorted(_names(made[file]) - _names(reference)):
            yield f"{file}: names {', '.join(more)}, which the reference's does not"
        if more := sorted(kinds[made[file]] - known[reference]):
            yield f"{file}: uses {', '.join(more)}, which the reference's does not"


@cache
def _known(objects: tuple[Path, ...]) -> Mapping[Path, set[str]]:
    """Of the reference's, which stay as they are while a grader runs."""
    return privileged.used(objects)


def _names(path: Path) -> set[str]:
    return {name for name in symbols.shared(path) if NAMES.fullmatch(name)}
