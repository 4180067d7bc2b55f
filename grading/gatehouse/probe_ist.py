"""Lab 05 on: the stacks that the TSS gives to #DF, NMI, #DB and #MC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from struct import unpack

from . import vectors
from .labs import Lab
from .machine import NotMapped, View
from .page_tables import PAGE, Mapping, PageTables
from .probe_facts import Finding, fact
from .probe_faults import faults

TSS_IST, IST_STACKS = 0x24, 7        # where IST 1 is in the TSS (SDM vol. 3, figure 8-11)
CR4_MCE = 6                  # SDM vol. 3, section 2.5
MOST_PAGES = 64                      # of one stack


@dataclass(frozen=True)
class Stack:
    """An IST pointer, and what is mapped without a gap around the byte below it."""

    name: str
    pointer: int
    pages: dict[int, Mapping]        # by address

    @property
    def low(self) -> int:
        return min(self.pages)

    @property
    def top(self) -> int:
        return max(self.pages) + PAGE

    @property
    def frames(self) -> set[int]:
        """The physical pages."""
        return {page.physical + address - page.start for address, page in self.pages.items()}


def ist(view: View, root: Path, lab: Lab) -> list[Finding]:
    """The checks of `faults`, and `pointers`, `guards`, `disjoint`, `machine_check`; gates have their IST column."""
    return [*faults(view, root, lab), *stacks(view, root, PageTables(view)), *machine_check(view)]


def machine_check(view: View) -> Iterator[Finding]:
    """Without CR4.MCE a machine check is a reset."""
    yield from fact("machine_check", "CR4.MCE", 1, view["cr4"] >> CR4_MCE & 1)


def stacks(view: View, root: Path, tables: PageTables) -> Iterator[Finding]:
    """What each IST pointer of the TSS leads to."""
    owners = {vector.ist: vector.name.split()[0] for vector in vectors.load(root) if vector.ist}
    try:
        pointers = unpack(f"<{IST_STACKS}Q", view.read(view.tr.base + TSS_IST, 8 * IST_STACKS))
    except NotMapped:
        yield Finding("pointers", 0, view.tr.base, f"TSS expected in mapped memory, got its base {view.tr.base:#x}")
        return
    found: list[Stack] = []
    for number, pointer in enumerate(pointers, 1):
        name = f"IST {number} ({owners.get(number, 'nobody')})"
        if number not in owners:
            yield from fact("pointers", name, 0, pointer)
            continue
        stack = Stack(name, pointer, _around(pointer - 1, tables))
        if not stack.pages:
            yield Finding("pointers", 1, 0, f"{name}: expected the top of a stack, got {pointer:#x} with nothing "
                          "mapped below it")
        else:
            found.append(stack)
    for index, stack in enumerate(found):
        rivals = [other for other in found if other is not stack]
        yield from _alone(stack, found[:index])
        yield from _guarded(stack, rivals)
        yield from _at_the_top(stack, rivals)
        yield from _usable(stack)


def _around(address: int, tables: PageTables) -> dict[int, Mapping]:
    """The pages up and down from ADDRESS as far as they are mapped, and no further than any stack goes."""
    pages: dict[int, Mapping] = {}
    for step in (-PAGE, PAGE):
        page = address & -PAGE
        while len(pages) <= MOST_PAGES and (mapped := tables.mapping(page)):
            pages[page] = mapped
            page += step
    return pages


def _alone(stack: Stack, earlier: list[Stack]) -> Iterator[Finding]:
    """Neither its addresses nor its memory are those of another stack."""
    for other in earlier:
        if other.pointer == stack.pointer:
            yield Finding("disjoint", 0, 1, f"{stack.name}: expected a stack of its own, got that of {other.name}")
        elif other.low != stack.low and stack.frames & other.frames:
            yield Finding("disjoint", 0, 1, f"{stack.name}: expected memory of its own, got that of {other.name}")


def _guarded(stack: Stack, rivals: list[Stack]) -> Iterator[Finding]:
    """Who overflows it meets a page that is not mapped, before anybody else's stack."""
    below = [other for other in rivals if stack.low < other.pointer < stack.pointer]
    got = "none" if len(stack.pages) > MOST_PAGES else ""
    if below:
        got = f"the stack of {max(below, key=lambda other: other.pointer).name}"
    if got:
        yield Finding("guards", 0, 1, f"{stack.name}: expected an unmapped page below its stack, got {got}")


def _at_the_top(stack: Stack, rivals: list[Stack]) -> Iterator[Finding]:
    """A push uses the stack's last bytes first; a neighbour without a gap is _guarded's business."""
    if not any(stack.pointer < other.pointer <= stack.top for other in rivals) and stack.pointer != stack.top:
        yield Finding("pointers", stack.top, stack.pointer,
                      f"{stack.name}: expected the top of its stack, {stack.top:#x}, got {stack.pointer:#x}")


def _usable(stack: Stack) -> Iterator[Finding]:
    for page in stack.pages.values():
        if page.rights != "rw- kernel":
            yield Finding("pointers", 1, 0, f"{stack.name}: expected a stack that is rw- kernel, got {page.rights}")
            return
