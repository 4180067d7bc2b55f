"""build/labs.mk: the labs as make sees them."""

from __future__ import annotations

from .labs import Lab


def text(labs: list[Lab]) -> str:
    """The include file: which labs there are, and the sources of each."""
    lines = [
        "# Written by grading/lab mk from every labs/*/lab.toml.",
        _assign("LABS", [lab.tag for lab in labs if not lab.announced]),
        _assign("ALL_LABS", [lab.tag for lab in labs]),
    ]
    for lab in labs:
        lines += [
            "",
            _assign(f"ID.{lab.tag}", [lab.id]),
            _assign(f"ADDS.{lab.tag}", lab.adds),
            _assign(f"STANDINS.{lab.tag}", lab.standins),
            _assign(f"TESTS.{lab.tag}", lab.test_sources),
        ]
    return "\n".join(lines) + "\n"


def _assign(name: str, words: list[str] | tuple[str, ...]) -> str:
    return " ".join([name, ":=", *words])
