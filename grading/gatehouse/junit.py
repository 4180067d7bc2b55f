"""JUnit XML for a CI server: a suite for each lab in each emulator."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

from .judge import Judgement
from .outcome import Outcome, Verdict
from .result import LabResult
from .safe import escape

SKIPPED = (Outcome.SKIPPED, Outcome.NOT_JUDGED, Outcome.NOT_RUN)


def write(path: Path, results: Iterable[LabResult]) -> None:
    """Write the results to PATH; OSError if that cannot be."""
    root = ElementTree.Element("testsuites", name="gatehouse")
    for result in results:
        for judgement in result.judgements:
            root.append(_suite(result, judgement))
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _suite(result: LabResult, judgement: Judgement) -> ElementTree.Element:
    verdicts = list(judgement.verdicts.values())
    errors = sum(verdict.outcome == Outcome.EMULATOR for verdict in verdicts)
    skipped = sum(verdict.outcome in SKIPPED for verdict in verdicts)
    failures = sum(not verdict.fine for verdict in verdicts) - errors
    failures -= sum(verdict.outcome == Outcome.NOT_RUN for verdict in verdicts)
    name = f"{result.lab.id}.{judgement.emulator}"
    suite = ElementTree.Element("testsuite", name=name, tests=str(len(verdicts)), failures=str(failures),
                                errors=str(errors), skipped=str(skipped))
    for verdict in verdicts:
        case = ElementTree.SubElement(suite, "testcase", classname=name, name=verdict.test)
        _fill(case, verdict)
    return suite


def _fill(case: ElementTree.Element, verdict: Verdict) -> None:
    if verdict.outcome == Outcome.PASS:
        return
    hint = [f"hint: {verdict.hint}"] if verdict.hint else []
    text = "\n".join(map(escape, [*verdict.detail, *hint, *verdict.tail]))
    first = escape(verdict.detail[0]) if verdict.detail else verdict.outcome.value
    if verdict.outcome in SKIPPED:
        ElementTree.SubElement(case, "skipped", message=f"{verdict.outcome}: {first}")
        return
    kind = "error" if verdict.outcome == Outcome.EMULATOR else "failure"
    ElementTree.SubElement(case, kind, type=verdict.outcome.value, message=first).text = text
