"""The report as data; docs/report.schema.json describes it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .judge import Judgement
from .labs import Test
from .outcome import Verdict
from .report import Again
from .result import LabResult

VERSION = 1


def write(path: Path, results: Sequence[LabResult], again: Again) -> None:
    """Write the results to PATH; OSError if that cannot be."""
    path.write_text(json.dumps(report(results, again), indent=2) + "\n", encoding="utf-8")


def report(results: Sequence[LabResult], again: Again) -> dict[str, Any]:
    """The whole report."""
    return {
        "version": VERSION,
        "seed": again.seed,
        "tree": str(again.tree) if again.tree else None,
        "earlier": again.earlier,
        "score": sum(result.score for result in results),
        "points": sum(result.points for result in results),
        "complete": not any(result.trouble for result in results),
        "labs": [_lab(result) for result in results],
    }


def _lab(result: LabResult) -> dict[str, Any]:
    return {
        "id": result.lab.id,
        "number": result.lab.number,
        "title": result.lab.title,
        "score": result.score,
        "points": result.points,
        "forged": result.forged,
        "warnings": result.warnings,
        "unfilled": result.unfilled,
        "tests": [_test(result, test) for test in result.tests],
        "emulators": [_emulator(judgement) for judgement in result.judgements],
    }


def _test(result: LabResult, test: Test) -> dict[str, Any]:
    return {
        "name": test.name,
        "points": test.points,
        "earned": result.earned(test),
        "judged": result.judged(test),
        "not_on": test.not_on,
        "verdicts": {emulator: _verdict(verdict) for emulator, verdict in result.verdicts(test).items()},
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "outcome": verdict.outcome.value,
        "detail": verdict.detail,
        "hint": verdict.hint,
        "serial": verdict.tail,
        "directory": str(verdict.directory) if verdict.directory else None,
    }


def _emulator(judgement: Judgement) -> dict[str, Any]:
    return {
        "name": judgement.emulator,
        "notes": judgement.notes,
        "boots": [{"nonce": boot.nonce, "tests": [test.name for test in boot.tests], "ending": str(boot.run.ending),
                   "instructions": boot.run.instructions} for boot in judgement.boots],
    }
