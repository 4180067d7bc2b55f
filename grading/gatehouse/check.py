"""check-labs: every mistake in the labs of the project's own tree, each as one line with file and line number."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from . import check_links, derived, holes, labs, lab_toml
from .labs import Hole, Lab, LabError
from .toml_table import Source

ROOMS = ("kernel", "arch", "userland")      # where the kernel's own sources lie
SOURCES = (".c", ".h", ".asm", ".inc", ".def")

_TEST = re.compile(r"^[ \t]*(?P<macro>(?:PRIVATE_)?TEST|TEST_BEFORE)\((?:\s*\w+\s*,)?\s*(?P<name>\w+)\s*\)",
                   re.MULTILINE)


def mistakes(root: Path, objects: Path | None = None) -> list[LabError]:
    """Every mistake. `objects` is where a complete build left its objects; without it no link is looked at."""
    if labs.course(root) is not None:
        return [LabError(labs.CURRENT, 1, "this is a handout; check-labs is for the project's own tree")]
    all_labs, found = labs.read(root)
    found = list(found)
    broken = {mistake.path for mistake in found}
    found += _shared_files(all_labs)
    for lab in all_labs:
        found += _files(lab)
        if lab.announced:
            found += _announced(lab, all_labs)
            continue
        found += _tests(lab)
        found += _private(lab)
        found += _standins(lab)
        if not broken & {*lab.adds, _toml(lab)}:
            found += _hole_numbers(lab)
            found += _derived(lab)
    found += _base_holes(root, all_labs)
    found += _generic_hints(root)
    found += check_links.includes(root, sources(root), all_labs)
    if objects is not None:
        found += check_links.unnamed(root, sources(root), all_labs, objects)
    once = {str(mistake): mistake for mistake in found}
    return sorted(once.values(), key=lambda mistake: (mistake.path, mistake.line, mistake.text))


def sources(root: Path) -> list[str]:
    """The kernel's own sources, as paths from the root."""
    return sorted(path.relative_to(root).as_posix() for room in ROOMS for path in (root / room).rglob("*")
                  if path.suffix in SOURCES and path.is_file())


def _toml(lab: Lab) -> str:
    return f"labs/{lab.id}/lab.toml"


def _at(lab: Lab, text: str, *place: str | int, value: str | None = None) -> LabError:
    """A mistake at a key of the lab's lab.toml."""
    return LabError(_toml(lab), Source(lab.dir / "lab.toml").line(*place, value=value), text)


def _files(lab: Lab) -> Iterator[LabError]:
    for path in lab.adds:
        if not (lab.root / path).is_file():
            yield _at(lab, f"unknown file {path}", "adds", value=path)
        elif not path.startswith(tuple(f"{room}/" for room in ROOMS)):
            yield _at(lab, f"{path} is not under {', '.join(ROOMS)}", "adds", value=path)


def _shared_files(all_labs: list[Lab]) -> Iterator[LabError]:
    owner: dict[str, Lab] = {}
    for lab in all_labs:
        for path in lab.adds:
            if path in owner:
                yield _at(lab, f"{path} belongs to {owner[path].id} already", "adds", value=path)
            owner.setdefault(path, lab)


def _tests(lab: Lab) -> Iterator[LabError]:
    """tests.c must define (TEST, TEST_BEFORE) what lab.toml plans, in the same order; a README.md goes with it."""
    if not (lab.dir / "README.md").is_file():
        yield _at(lab, f"labs/{lab.id}/README.md is missing")
    name = f"labs/{lab.id}/tests.c"
    if not (lab.root / name).is_file():
        yield _at(lab, f"{name} is missing (a lab without tests says `announced = true`)")
        return
    public = [test.name for test in lab.tests if test not in lab.private]
    yield from _planned(lab.root, name, ("TEST", "TEST_BEFORE"), _toml(lab), public)


def _private(lab: Lab) -> Iterator[LabError]:
    """private/tests.c must define (PRIVATE_TEST) what private/lab.toml plans, in the same order."""
    name, toml = (f"labs/{lab.id}/{labs.PRIVATE}/{file}" for file in ("tests.c", "lab.toml"))
    own = [test.name for test in lab.private]
    if (lab.root / name).is_file():
        yield from _planned(lab.root, name, ("PRIVATE_TEST",), toml, own)
    elif own:
        yield LabError(toml, 1, f"{name} is missing")


def _planned(root: Path, name: str, macros: tuple[str, ...], toml: str, planned: list[str]) -> Iterator[LabError]:
    """The file NAME defines by one of MACROS, the first as a rule, what TOML plans, in the same order."""
    text = holes.without_comments((root / name).read_text("utf-8"), "//")
    defined: dict[str, int] = {}
    for found in _TEST.finditer(text):
        line = defined[found["name"]] = text.count("\n", 0, found.start("macro")) + 1
        if found["macro"] not in macros:
            yield LabError(name, line, f"a test of this file is a {macros[0]}, not a {found['macro']}")
    for index, test in enumerate(planned):
        if test not in defined:
            yield LabError(toml, Source(root / toml).line("test", index, "name"), f"{name} has no {macros[0]}({test})")
    for test, line in defined.items():
        if test not in planned:
            yield LabError(name, line, f"test {test} is not in {toml}")
    both = [test for test in planned if test in defined]
    for test, wanted in zip((test for test in defined if test in planned), both):
        if test != wanted:
            yield LabError(name, defined[test], f"test {test} stands where {toml} has {wanted}")
            break


def _announced(lab: Lab, all_labs: list[Lab]) -> Iterator[LabError]:
    """An announced lab lends exactly the stand-ins that it announces, for files that do not exist yet."""
    if (lab.dir / "tests.c").exists():
        yield _at(lab, f"labs/{lab.id}/tests.c exists, so the lab is not announced any more", "announced")
    paths = [standin.path for standin in lab.announces]
    for index, path in enumerate(paths):
        owner = next((other.id for other in all_labs if path in other.adds), None)
        if path not in lab.standins:
            yield _at(lab, f"labs/{lab.id}/standins/{path} is missing", "standin", index, "path")
        if owner or (lab.root / path).exists():
            yield _at(lab, f"{path} exists already, in {owner or 'the base'}", "standin", index, "path")
        elif not path.startswith(tuple(f"{room}/" for room in ROOMS)) or Path(path).suffix not in SOURCES:
            yield _at(lab, f"{path} is no path that a lab could add", "standin", index, "path")
    for path in lab.standins:
        if path not in paths:
            yield LabError(f"labs/{lab.id}/standins/{path}", 1, f"{_toml(lab)} has no [[standin]] with this path")


def _standins(lab: Lab) -> Iterator[LabError]:
    for path in lab.standins:
        if path not in lab.adds:
            yield LabError(f"labs/{lab.id}/standins/{path}", 1, f"stands in for a file that {lab.id} does not add")
    for index, standin in enumerate(lab.announces):
        if standin.path not in lab.standins:
            yield _at(lab, f"labs/{lab.id}/standins/{standin.path} is missing", "standin", index, "path")


def _hole_numbers(lab: Lab) -> Iterator[LabError]:
    """Holes are numbered LAB.1, LAB.2 ... without a gap, once each, and named by lab.toml."""
    seen: dict[str, Hole] = {}
    for hole in lab.found:
        if hole.id in seen:
            first = seen[hole.id]
            yield LabError(hole.file, hole.line, f"hole {hole.id} is there twice, first at {first.file}:{first.line}")
        elif holes.order(hole.id)[0] != lab.number:
            yield LabError(hole.file, hole.line, f"wrongly numbered hole: {hole.id} in a file of {lab.id}")
        elif hole.id not in [named.id for named in lab.holes]:
            yield LabError(hole.file, hole.line, f"{_toml(lab)} has no [[hole]] with id {hole.id}")
        seen.setdefault(hole.id, hole)
    for index, hole in enumerate(lab.holes):
        if hole.id not in seen:
            yield _at(lab, f"no file of this lab has hole {hole.id}", "hole", index, "id")
    own = sorted((identity for identity in seen if holes.order(identity)[0] == lab.number), key=holes.order)
    for number, identity in enumerate(own, 1):
        if holes.order(identity)[1] != number:
            yield LabError(seen[identity].file, seen[identity].line,
                           f"wrongly numbered hole: {identity}, but there is no {lab.number}.{number}")
            break


def _derived(lab: Lab) -> Iterator[LabError]:
    """The committed skeleton and solution must be what the sources give."""
    if any(not (lab.root / path).is_file() for path in lab.hole_files):
        return
    wanted = derived.derive(lab)
    for path in derived.present(lab):
        if path not in wanted:
            yield LabError(path.relative_to(lab.root).as_posix(), 1, "nothing to derive here; run `make skeletons`")
    for path, form in wanted.items():
        name = path.relative_to(lab.root).as_posix()
        if form.is_at(path):
            continue
        if isinstance(form, derived.Link):
            dangles = path.is_symlink() and not path.exists()
            problem = "dangles" if dangles else "is not what it should be" if os.path.lexists(path) else "is missing"
            yield LabError(name, 1, f"the link {problem}: it points to {form.target}; run `make skeletons`")
        elif path.is_symlink() or not path.is_file():
            yield LabError(name, 1, "the skeleton is missing; run `make skeletons`")
        else:
            committed = path.read_text("utf-8", errors="surrogateescape").split("\n")
            pairs = zip(committed + [None], form.text.split("\n") + [None])
            line = next((number for number, (old, new) in enumerate(pairs, 1) if old != new), 1)
            yield LabError(name, line, "the skeleton is not what the source gives; run `make skeletons`")


def _base_holes(root: Path, all_labs: list[Lab]) -> Iterator[LabError]:
    """Only files that a lab adds have holes: no base file, test or stand-in."""
    added = {path for lab in all_labs for path in lab.adds}
    others = [path for path in sources(root) if path not in added]
    for lab in all_labs:
        others += list(lab.test_sources) + [f"labs/{lab.id}/standins/{path}" for path in lab.standins]
    for path in others:
        try:
            text = (root / path).read_text("utf-8", errors="surrogateescape")
            for span in holes.parse(text, path):
                yield LabError(path, span.line, f"hole {span.id} in a file that no lab adds")
        except OSError:
            yield LabError(path, 1, "cannot be read")
        except holes.HoleError as error:
            yield LabError(path, error.line, error.text)


def _generic_hints(root: Path) -> Iterator[LabError]:
    path = root / "grading" / "hints.toml"
    if path.is_file():
        source = Source(path)
        table = source.root()
        lab_toml.hints(table, tests=None)
        table.finish()
        for line, text in source.mistakes:
            yield LabError("grading/hints.toml", line, text)
