"""The words of a probe: what a stopped machine shows that is not as it must be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One fact that is not as it must be."""

    check: str       # a key of [probe.checks] in lab.toml
    expected: int
    got: int
    text: str
    unset: bool = False     # so it is before the first use: no news unless a test says that there was one


@dataclass(frozen=True)
class Field:
    """Some bits of a descriptor."""

    name: str
    shift: int
    mask: int


def fields(check: str, what: str, layout: Iterable[Field], expected: int, got: int) -> Iterator[Finding]:
    """A finding for each field of LAYOUT in which the two differ."""
    for field in layout:
        want, have = expected >> field.shift & field.mask, got >> field.shift & field.mask
        if want != have:
            yield Finding(check, want, have, f"{what}: {field.name} expected {want:#x}, got {have:#x}")


def fact(check: str, what: str, expected: int, got: int) -> Iterator[Finding]:
    """A finding if the two differ."""
    if expected != got:
        yield Finding(check, expected, got, f"{what} expected {expected:#x}, got {got:#x}")
