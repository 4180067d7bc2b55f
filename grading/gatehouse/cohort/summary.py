"""summary.html: the class on one page, which needs nothing but itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from statistics import mean, median
from urllib.parse import quote

from ..labs import Lab
from . import atomic
from .record import Record
from .sheet import remark

FILE = "summary.html"
WIDTH = 10                  # points that share a bar
SYMPTOMS = 3                # of each test

STYLE = """
:root { color-scheme: light dark; --bar: #4a7fb5; --line: #8886; }
body { font: 16px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 64rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 2rem; }
th, td { text-align: left; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.bar { background: var(--bar); height: .8rem; min-width: 1px; border-radius: 2px; }
.scroll { overflow-x: auto; }
td.wide { width: 60%; }
code { font-size: .9em; }
"""


def write(out: Path, lab: Lab, records: Sequence[Record]) -> None:
    """Write the page to OUT, whole or not at all. OSError."""
    atomic.write(out / FILE, page(lab, records))


def page(lab: Lab, records: Sequence[Record]) -> str:
    """The page's text."""
    title = f"Lab {lab.id}: {lab.title}"
    judged = [record for record in records if record.status == "judged"]
    body = [f"<h1>{escape(title)}</h1>", _about(records, judged)]
    if judged:
        body += ["<h2>Marks</h2>", _distribution(judged), "<h2>Tests that fail most</h2>", _tests(lab, judged)]
    body += ["<h2>Students</h2>", _students(records)]
    return (f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
            f"<style>{STYLE}</style>\n" + "\n".join(body) + "\n</html>\n")


def _about(records: Sequence[Record], judged: Sequence[Record]) -> str:
    said = [f"{len(records)} submissions", f"{len(judged)} judged"]
    if judged:
        marks = [record.score for record in judged]
        said += [f"mean {mean(marks):.1f}", f"median {median(marks):g}", f"seed {judged[0].seed}"]
    said += [f"{number} {what}" for what, number in Counter(record.status for record in records).items()
             if what != "judged"]
    return f"<p>{escape(', '.join(said))}.</p>"


def _distribution(judged: Sequence[Record]) -> str:
    """How many have 0 to 9 points, 10 to 19, ... and all of them."""
    most = max(record.points for record in judged)
    found = Counter(most if record.score == most else record.score // WIDTH * WIDTH for record in judged)
    rows = []
    for step in [*range(0, most, WIDTH), most]:
        name = str(most) if step == most else f"{step}–{min(step + WIDTH, most) - 1}"
        rows.append([("number", name), ("number", str(found[step])), ("wide", _bar(found[step], max(found.values())))])
    return _table([("number", "points"), ("number", "students"), ("wide", "")], rows)


def _tests(lab: Lab, judged: Sequence[Record]) -> str:
    """The tests by how many fail them, each with what is seen most."""
    rows = []
    for test in sorted(lab.tests, key=lambda test: -sum(test.name in record.symptoms for record in judged)):
        seen = Counter(record.symptoms[test.name] for record in judged if test.name in record.symptoms)
        if not seen:
            continue
        failed = sum(seen.values())
        told = "<br>".join(f"{number} × <code>{escape(text)}</code>" for text, number in seen.most_common(SYMPTOMS))
        rest = len(seen) - SYMPTOMS
        rows.append([("", f"<code>{escape(test.name)}</code>"), ("number", str(failed)),
                     ("number", f"{100 * failed / len(judged):.0f}%"),
                     ("wide", told + (f"<br>and {rest} others" if rest > 0 else ""))])
    if not rows:
        return "<p>None.</p>"
    return _table([("", "test"), ("number", "failed by"), ("number", ""), ("wide", "as")], rows)


def _students(records: Iterable[Record]) -> str:
    rows = []
    for record in sorted(records, key=lambda one: (one.student.casefold(), one.slug)):
        link = f"students/{quote(record.slug)}/report.txt"
        mark = f"{record.score}/{record.points}" if record.status != "trouble" else "–"
        failed = ", ".join(record.symptoms)
        rows.append([("", f'<a href="{escape(link)}">{escape(" ".join(record.student.split()))}</a>'), ("number", mark),
                     ("", escape(record.status)), ("wide", escape(remark(record) or failed))])
    return _table([("", "student"), ("number", "mark"), ("", ""), ("wide", "remark, or the tests that failed")], rows)


def _bar(number: int, most: int) -> str:
    return f'<div class="bar" style="width: {100 * number / most:.1f}%"></div>' if number else ""


def _table(head: Sequence[tuple[str, str]], rows: Sequence[Sequence[tuple[str, str]]]) -> str:
    """Cells are pairs of a class and HTML."""
    def line(cells: Sequence[tuple[str, str]], tag: str) -> str:
        return "<tr>" + "".join(f'<{tag}{f" class={chr(34)}{kind}{chr(34)}" if kind else ""}>{text}</{tag}>'
                                for kind, text in cells) + "</tr>"
    return '<div class="scroll"><table>\n' + "\n".join([line(head, "th"), *(line(row, "td") for row in rows)]) + \
        "\n</table></div>"
