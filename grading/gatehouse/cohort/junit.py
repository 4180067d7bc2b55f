"""junit.xml: a suite for each student, for servers that read such."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

from ..safe import named
from . import atomic
from .record import Record

FILE = "junit.xml"


def write(out: Path, records: Iterable[Record]) -> None:
    """Write the file to OUT, whole or not at all. OSError."""
    root = ElementTree.Element("testsuites", name="gatehouse")
    for record in records:
        root.append(_suite(record))
    ElementTree.indent(root)
    atomic.write(out / FILE, ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n")


def _suite(record: Record) -> ElementTree.Element:
    if record.status != "judged":
        kind = "error" if record.status == "trouble" else "failure"
        suite = ElementTree.Element("testsuite", name=named(record.student), tests="1",
                                    failures=str(int(kind == "failure")), errors=str(int(kind == "error")))
        case = ElementTree.SubElement(suite, "testcase", classname=record.lab, name="submission")
        ElementTree.SubElement(case, kind, type=record.status, message=named(record.reason))
        return suite
    suite = ElementTree.Element("testsuite", name=named(record.student), tests=str(len(record.tests)),
                                failures=str(len(record.symptoms)), errors="0")
    for test in record.tests:
        case = ElementTree.SubElement(suite, "testcase", classname=record.lab, name=test)
        if symptom := record.symptoms.get(test):
            kind, _, text = symptom.partition(": ")
            ElementTree.SubElement(case, "failure", type=kind, message=named(text))
        elif not record.tests[test]:
            ElementTree.SubElement(case, "skipped", message="not run, or not judged")
    return suite
