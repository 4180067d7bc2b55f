"""summary.html: the class on one page, which needs nothing but itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from statistics import mean, median
from urllib.parse import quote

from ..labs import Lab
from ..safe import counted, named
from . import atomic
from .record import Record
from .sheet import build_failure, remark

FILE = "summary.html"
WIDTH = 10                  # points that share a bar
SYMPTOMS = 3                # of each test

STYLE = """
:root { color-scheme: light dark; --bar: #4a7fb5; --line: #8886; }
body { font: 16px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 64rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 2rem; }
th, td { text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td { overflow-wrap: anywhere; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; width: 1%; }
.bar { background: var(--bar); height: 1em; margin: .2em 0; min-width: 1px; border-radius: 2px; }
td.wide { width: 60%; }
td.short { white-space: nowrap; }
code { font-size: .9em; }
@media (max-width: 40rem) {
  body { margin: 1rem auto; }
  h1 { font-size: 1.4rem; }
  .told tr { display: flex; flex-wrap: wrap; border-bottom: 1px solid var(--line); }
  .told th, .told td { border: 0; width: auto; }
  .told :is(th, td):first-child { flex: 1; }
  .told :is(th, td).wide { flex-basis: 100%; }
}
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
    said = [counted(len(records), "submission"), f"{len(judged)} judged"]
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
    """The tests by how many fail them, each with what is seen most. What does not build fails none of them by name."""
    built = [record for record in judged if not build_failure(record)]
    seen = {test.name: Counter(record.symptoms[test.name] for record in built if test.name in record.symptoms)
            for test in lab.tests}
    causes = [("it does not build", Counter(filter(None, map(build_failure, judged))))]
    causes += [(f"<code>{escape(name)}</code>", found) for name, found in
               sorted(seen.items(), key=lambda item: -item[1].total())]
    rows = []
    for name, found in causes:
        if not found:
            continue
        told = "<br>".join(f"{number} × <code>{escape(named(text))}</code>"
                           for text, number in found.most_common(SYMPTOMS))
        rest = len(found) - SYMPTOMS
        rows.append([("", name), ("number", str(found.total())),
                     ("number", f"{100 * found.total() / len(judged):.0f}%"),
                     ("wide", told + (f"<br>and {counted(rest, 'other')}" if rest > 0 else ""))])
    if not rows:
        return "<p>None.</p>"
    return _table([("", "test"), ("number", "failed by"), ("number", ""), ("wide", "as")], rows, "told")


def _students(records: Iterable[Record]) -> str:
    rows = []
    for record in sorted(records, key=lambda one: (one.student.casefold(), one.slug)):
        link = f"students/{quote(record.slug)}/report.txt"
        mark = f"{record.score}/{record.points}" if record.status != "trouble" else "–"
        failed = "" if build_failure(record) else ", ".join(record.symptoms)
        rows.append([("", f'<a href="{escape(link)}">{escape(named(record.student))}</a>'), ("number", mark),
                     ("short", escape(record.status)), ("wide", escape(named(remark(record)) or failed))])
    head = [("", "student"), ("number", "mark"), ("", ""), ("wide", "remark, or the tests that failed")]
    return _table(head, rows, "told")


def _bar(number: int, most: int) -> str:
    return f'<div class="bar" style="width: {100 * number / most:.1f}%"></div>' if number else ""


def _table(head: Sequence[tuple[str, str]], rows: Sequence[Sequence[tuple[str, str]]], kind: str = "") -> str:
    """Cells are pairs of a class and HTML.

    On a narrow screen the wide ones of a table that is `told` have a line each.
    """
    def line(cells: Sequence[tuple[str, str]], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}{_class(what)}>{text}</{tag}>" for what, text in cells) + "</tr>"
    return "\n".join([f"<table{_class(kind)}>", line(head, "th"), *(line(row, "td") for row in rows), "</table>"])


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""
