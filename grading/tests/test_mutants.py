"""A mutant is caught only by the tests it names, where it names, with the hint it asks for."""

from __future__ import annotations

from pathlib import Path

import pytest
from guests import a_test, lab

from gatehouse.judge import Judgement
from gatehouse.labs import Lab, LabError
from gatehouse.mutants import Mutant, missed, of_labs, read
from gatehouse.outcome import Outcome, Verdict
from gatehouse.result import LabResult

PATCH = """\
Takes a trap gate for an interrupt gate.

Fails: table, trap
On: bochs
Hint: clears IF

--- a/arch/x86_64/entry/idt.c
+++ b/arch/x86_64/entry/idt.c
@@ -1 +1 @@
-Fails: this is not the head
+Hint: nor is this
"""


@pytest.fixture
def given(tmp_path: Path) -> Lab:
    return lab(tmp_path, [a_test("gates"), a_test("table"), a_test("trap")])


def write(given: Lab, text: str) -> Path:
    path = given.dir / "mutants" / "trap-type.patch"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_the_head(given: Lab) -> None:
    mutant = read(given, write(given, PATCH))
    assert (mutant.name, mutant.fails, mutant.on, mutant.hints) == (
        "02-idt/trap-type", ("table", "trap"), ("bochs",), ("clears IF",))
    assert read(given, write(given, PATCH.replace("On: bochs\n", ""))).on == ("qemu", "bochs")


@pytest.mark.parametrize("old, new, text", [
    ("Fails: table, trap\n", "", "labs/02-idt/mutants/trap-type.patch:1: the head has no Fails: line"),
    ("Hint: clears IF\n", "", "labs/02-idt/mutants/trap-type.patch:1: the head has no Hint: line"),
    ("trap\n", "tarp\n", "labs/02-idt/mutants/trap-type.patch:3: Fails: tarp is not one of gates, table, trap"),
    ("bochs", "box", "labs/02-idt/mutants/trap-type.patch:4: On: box is not one of qemu, bochs"),
    ("On: bochs", "Fails: gates", "labs/02-idt/mutants/trap-type.patch:4: a second Fails: line"),
])
def test_a_bad_head_is_one_clear_line(given: Lab, old: str, new: str, text: str) -> None:
    with pytest.raises(LabError) as error:
        read(given, write(given, PATCH.replace(old, new, 1)))
    assert str(error.value) == text


def test_mutants_by_name(given: Lab) -> None:
    write(given, PATCH)
    for name in (None, "trap-type", "02-idt/trap-type", "trap-type.patch"):
        assert [mutant.path.stem for mutant in of_labs([given], name)] == ["trap-type"]
    with pytest.raises(LabError, match="no mutant is called 'x'; there are 02-idt/trap-type"):
        of_labs([given], "x")


def result(given: Lab, hint: str | None = "the gate's type clears if or not", **outcomes: Outcome) -> LabResult:
    verdicts = {test.name: Verdict(test.name, outcomes.get(test.name, Outcome.PASS), ["why"], hint)
                for test in given.tests}
    return LabResult(given, list(given.tests), [Judgement("bochs", verdicts)])


def test_what_counts_as_caught(given: Lab) -> None:
    mutant: Mutant = read(given, write(given, PATCH))
    both = {"table": Outcome.WRONG, "trap": Outcome.PANIC}
    assert missed(mutant, result(given, **both)) is None
    assert missed(mutant, result(given, **both, gates=Outcome.HANG)) is None
    assert missed(mutant, result(given, table=Outcome.WRONG)) == "trap does not fail in Bochs: pass"
    for nothing in (Outcome.NOT_RUN, Outcome.SKIPPED, Outcome.NOT_JUDGED):
        assert missed(mutant, result(given, table=Outcome.WRONG, trap=nothing)) == (
            f"trap does not fail in Bochs: {nothing}")
    assert missed(mutant, result(given, table=Outcome.BUILD, trap=Outcome.BUILD)) == "does not build: why"
    assert missed(mutant, result(given, "look elsewhere", **both)) == (
        "the hint for table in Bochs does not say 'clears IF'; it is: look elsewhere")
    assert missed(mutant, result(given, None, **both)) == (
        "the hint for table in Bochs does not say 'clears IF'; it is: none")


def test_every_named_test_needs_a_hint_and_every_hint_a_test(given: Lab) -> None:
    mutant = read(given, write(given, PATCH.replace("Hint: clears IF", "Hint: clears IF\nHint: another kind")))
    assert mutant.hints == ("clears IF", "another kind")
    both = {"table": Outcome.WRONG, "trap": Outcome.PANIC}
    verdicts = result(given, **both)
    assert missed(mutant, verdicts) == "no hint says 'another kind'"
    verdicts.judgements[0].verdicts["trap"].hint = "a gate of another kind"
    assert missed(mutant, verdicts) is None
    verdicts.judgements[0].verdicts["table"].hint = "nothing"
    assert missed(mutant, verdicts) == (
        "the hint for table in Bochs does not say 'clears IF' or 'another kind'; it is: nothing")
