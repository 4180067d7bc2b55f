"""What the reference's kernel does in the same emulator, a student's must do, too: run each test, and to its end.

How many facts a test looks at depends little on how a lab was solved: one that goes through a table of the student's
own, such as the instructions that may fault, may look at a few less.
"""

from __future__ import annotations

from ..outcome import Outcome
from ..result import LabResult

LEAST = 0.75         # of the facts of the reference's


def compare(result: LabResult, reference: LabResult) -> None:
    """Take back the verdicts of RESULT on tests that were skipped, or left early, where the REFERENCE's were not."""
    known = {(judgement.emulator, name): verdict for judgement in reference.judgements
             for name, verdict in judgement.verdicts.items()}
    for judgement in result.judgements:
        for name, verdict in judgement.verdicts.items():
            due = known.get((judgement.emulator, name))
            if due is None or due.outcome == Outcome.SKIPPED:
                continue
            facts, all_facts = verdict.checked or 0, due.checked or 0
            if verdict.outcome == Outcome.SKIPPED:
                verdict.outcome = Outcome.WRONG
                verdict.detail = [f"it is skipped ({' '.join(verdict.detail)}), and the reference's is not"]
            elif verdict.outcome == Outcome.PASS and facts < LEAST * all_facts:
                verdict.outcome = Outcome.WRONG
                verdict.detail = [f"it says `ok` after {facts} facts, and there are {all_facts}: "
                                  "it was left before its end"]
