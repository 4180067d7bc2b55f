"""Hints of the labs for code that does not build, which no mutant can hold: mutants must build."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatehouse import hints, labs
from gatehouse.outcome import Outcome

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("lab, error, says", [
    ("02", "arch/x86_64/entry/idt.c:39: Error: operand size mismatch for `lidt'", "Intel syntax"),
    ("02", "arch/x86_64/entry/idt.c:12:64: error: unused parameter ‘type’ [-Werror=unused-parameter]", "argument type"),
    ("02", "arch/x86_64/entry/idt.c:37:9: error: unused variable ‘type’ [-Werror=unused-variable]", "every warning"),
    ("03", "arch/x86_64/entry/normal.asm:21: fatal: `%rep' without `%endrep' within expansion of macro `save'",
     "where save is used"),
    ("03", "./arch/x86_64/entry/vectors.def:1: error: symbol `NO_CODEE' not defined", "in `stub`"),
    ("03", "./arch/x86_64/entry/vectors.def:31: fatal: expected `%endif' before end of file", "in `stub`"),
    ("03", "ld: arch/x86_64/entry/normal.asm:31: undefined reference to `trapp'", "trapp"),
    ("06", "./arch/x86_64/entry/vectors.def:28: error: symbol `NO_ERROR_COD' not defined\n"
     "arch/x86_64/entry/irq_stubs.asm:21: ... from macro `irq_stub' defined here", "in `irq_stub`"),
])
def test_code_that_does_not_build(lab: str, error: str, says: str) -> None:
    known = hints.of_lab(labs.find(labs.load(ROOT), lab))
    assert says in (hints.choose(known, "", Outcome.BUILD, error) or "")
