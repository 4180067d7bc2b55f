"""What the reference's kernel does in the same emulator, a student's must do, too: run each test, and to its end.

How many facts a test looks at depends little on how a lab was solved: one that goes through a table of the student's
own, such as the instructions that may fault, may look at a few less.

Which exceptions came is seen from outside. A panic that speaks of one that never was is made up; and whoever is stepped
through, or stopped at a place, where the reference's is not, has what a test compares changed by somebody else.
"""

from __future__ import annotations

from ..outcome import VECTOR_NAMES, Outcome, Verdict
from ..result import LabResult

LEAST = 0.75         # of the facts of the reference's
DEBUG = 1            # the vector of #DB


def compare(result: LabResult, reference: LabResult) -> None:
    """Take back the verdicts of RESULT on tests that were skipped, or left early, where the REFERENCE's were not."""
    known = {(judgement.emulator, name): verdict for judgement in reference.judgements
             for name, verdict in judgement.verdicts.items()}
    panics = {test.name for test in result.tests if test.ends == "panic"}
    for judgement in result.judgements:
        for name, verdict in judgement.verdicts.items():
            due = known.get((judgement.emulator, name))
            if due is None or due.outcome == Outcome.SKIPPED:
                continue
            _exceptions(verdict, due, name in panics)
            facts, all_facts = verdict.checked or 0, due.checked or 0
            if verdict.outcome == Outcome.SKIPPED:
                verdict.outcome = Outcome.WRONG
                verdict.detail = [f"it is skipped ({' '.join(verdict.detail)}), and the reference's is not"]
            elif verdict.outcome == Outcome.PASS and facts < LEAST * all_facts:
                verdict.outcome = Outcome.WRONG
                verdict.detail = [f"it says `ok` after {facts} facts, and there are {all_facts}: "
                                  "it was left before its end"]


def _exceptions(verdict: Verdict, due: Verdict, panics: bool) -> None:
    """Take back the VERDICT of a test that passed without the exceptions it is about, or with one that is not in it."""
    if verdict.outcome != Outcome.PASS or verdict.raised is None or due.raised is None:
        return
    if panics and (lacking := sorted(due.raised - verdict.raised)):
        verdict.outcome = Outcome.WRONG
        verdict.detail = [f"it panics, and there was no {VECTOR_NAMES.get(lacking[0], lacking[0])} to panic of"]
    elif not panics and DEBUG in verdict.raised - due.raised:
        verdict.outcome = Outcome.WRONG
        verdict.detail = ["#DB was raised meanwhile, and is not in the reference's: who has set TF in RFLAGS, "
                          "or a breakpoint?"]
