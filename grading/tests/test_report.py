"""What people and programs are told: the report, the JSON and the JUnit XML."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import jsonschema
import pytest
from guests import Guest, Replay, Said, a_test, crash, lab, transcript

from gatehouse import hints, json_report, junit
from gatehouse.boot import Bench
from gatehouse.judge import judge
from gatehouse.labs import Hint, Lab
from gatehouse.machine import Ending, Limits
from gatehouse.outcome import Outcome
from gatehouse.report import Again, Report
from gatehouse.result import LabResult, status, unbuilt
from gatehouse.runs import Runs

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text())
XM = "xm-never"


def fine(tests: list[str], nonce: str) -> Said:
    return Said(transcript(tests, nonce))


def wrong(text: str) -> Guest:
    return lambda tests, nonce: Said(transcript(tests, nonce, {"table": f"# table: {text}\nnot ok"}))


def judged(given: Lab, **guests: Guest) -> LabResult:
    result = LabResult(given, list(given.tests))
    for name, guest in guests.items():
        bench = Bench(given.root, given, given.root, Replay(guest, name), Runs(given.root / "runs"), Limits())
        result.judgements.append(judge(bench, given.tests, hints.of_lab(given)))
    return result


@pytest.fixture
def given(tmp_path: Path) -> Lab:
    return lab(tmp_path, [a_test("gates", 40), a_test("table", 35), a_test("xm", 25, not_on={"qemu": XM})])


def text(*results: LabResult, again: Again = Again(), colour: bool = False) -> str:
    stream = io.StringIO()
    report = Report(stream, again, colour)
    for result in results:
        report.lab(result)
    report.end(results)
    return stream.getvalue()


def test_all_well_is_short(given: Lab) -> None:
    said = text(judged(given, qemu=fine, bochs=fine))
    assert said.splitlines() == [
        "lab 02-idt  The interrupt descriptor table",
        "         QEMU           Bochs           points",
        "  gates  pass           pass            40/40",
        "  table  pass           pass            35/35",
        "  xm     -              pass            25/25   not judged on QEMU: row xm-never",
        "",
        "Score: 100/100"]


def test_points_come_from_every_emulator_that_judges(given: Lab) -> None:
    both = judged(given, qemu=fine, bochs=wrong("gate 8: expected 0x8e, got 0x8f"))
    assert (both.score, both.points, status([both])) == (65, 100, 1)
    alone = judged(given, qemu=fine)
    assert (alone.score, alone.points, status([alone])) == (75, 75, 0)


def test_a_failure_has_all_that_is_needed(given: Lab) -> None:
    result = judged(given, qemu=fine, bochs=wrong("gate 8: expected 0x8e, got 0x8f"))
    said = text(result, again=Again(seed=7))
    for part in ("wrong value in Bochs: table", "gate 8: expected 0x8e, got 0x8f",
                 "make grade LAB=02 EMU=bochs TEST=table SEED=7", "make bochs-debug LAB=02 TEST=table SEED=7",
                 str(result.failures[0].directory)):
        assert part in said
    assert said.endswith("Score: 65/100\n")
    assert "make qemu-gdb LAB=02 TEST=table SEED=1" in text(judged(given, qemu=wrong("x: expected 1, got 2")))


def test_one_explanation_for_what_is_the_same(given: Lab) -> None:
    same = wrong("gate 8: expected 0x8e, got 0x8f")
    said = text(judged(given, qemu=same, bochs=same))
    assert said.count("expected 0x8e") == 1 and "wrong value in QEMU and Bochs: table" in said
    dead = crash("gates", Said("", debugcon=b"reached hole 2.1, which is not filled yet\n"))
    holes = text(judged(given, qemu=dead, bochs=dead))
    assert "    reached hole 2.1: gates\n    hint: `make holes`" in holes and "last serial" not in holes


def test_a_hole_behind_unreadable_text_is_told_with_it(given: Lab) -> None:
    hole = b"reached hole 0.3, which is not filled yet\n"
    said = text(judged(given, qemu=crash("gates", Said("", debugcon=hole)),
                       bochs=lambda tests, nonce: Said(b"\x0f\x0b\n", debugcon=hole)))
    assert ("    reached hole 0.3: gates, table, xm\n"
            "      Bochs: serial: 3 bytes arrived, all below 0x20: only the low five bits of each character\n") in said
    assert "five-bit" in said and "`make holes`" in said and said.count("reached hole 0.3") == 1


def test_an_early_death_is_told_once(given: Lab) -> None:
    said = text(judged(given, qemu=lambda tests, nonce: Said("", Ending.RESET)))
    assert said.count("triple fault in QEMU") == 1 and said.endswith("Score: 0/75\n")


def test_one_hint_is_given_once(given: Lab) -> None:
    """Two tests fail in ways that one hint explains: the second has a line, and no hint or commands of its own."""
    hinted = replace(given, hints=(Hint(None, None, r"(\w+): expected", r"\1 is a slot off"),))

    def off(tests: list[str], nonce: str) -> Said:
        return Said(transcript(tests, nonce, {"gates": "# gates: rip: expected 1, got 2\nnot ok",
                                              "table": "# table: cs: expected 3, got 4\nnot ok"}))
    said = text(judged(hinted, qemu=off))
    assert ("    hint: rip is a slot off\n    the same hint for:\n"
            "      table: wrong value: cs: expected 3, got 4\n") in said
    assert said.count("hint: ") == 1 and said.count("again: ") == 1 and "cs is a slot off" not in said


def test_two_hints_are_both_given(given: Lab) -> None:
    hinted = replace(given, hints=tuple(Hint(None, None, f"{name}: expected", f"see {name}") for name in ("rip", "cs")))
    said = text(judged(hinted, qemu=wrong("rip: expected 1, got 2"), bochs=wrong("cs: expected 1, got 2")))
    assert "hint: see rip" in said and "hint: see cs" in said and "the same hint" not in said


@pytest.mark.parametrize("bit, times", [(1 << 16, 1), (1 << 9, 2)], ids=["RF", "IF"])
def test_rf_alone_is_no_difference(given: Lab, bit: int, times: int) -> None:
    def dead(flags: int) -> Guest:
        return crash("table", Said(f"PANIC: gone\n  at f+0x1\n  rip 0x10  rflags {flags:08x}\n"))
    said = text(judged(given, qemu=dead(2), bochs=dead(2 | bit)))
    facts = said.split("hint: ")[0]
    assert facts.count("PANIC: gone") == times and ("Bochs:\n" in facts) == (times == 2)


def test_serial_lines_that_say_nothing_new_are_left_out(given: Lab) -> None:
    assert "last serial lines" not in text(judged(given, qemu=wrong("gate 8: expected 0x8e, got 0x8f")))
    more = text(judged(given, qemu=wrong("gate 8: expected 0x8e, got 0x8f\nI was here")))
    assert "    last serial lines:\n      | I was here\n    kept: " in more
    later = transcript(["gates", "table"], "0" * 16, {"gates": "# gates: a: expected 1, got 2\n# gates: hm\nnot ok"})
    both = text(judged(given, qemu=crash("table", Said(later.split("ok 2")[0], Ending.RESET))))
    assert "      | # gates: hm\n" in both and "| # gates: a: expected" not in both, "a fact of another test"
    cut = text(judged(given, qemu=lambda tests, nonce: Said(transcript(tests, nonce)[:-20], Ending.RESET)))
    assert "      | # END [" in cut and "| ok " not in cut, "a line that was cut is no longer the protocol's"


def test_data_among_serial_lines_are_counted(given: Lab) -> None:
    data = bytes(range(128, 256)) + b"\n" + bytes(range(128, 228))
    said = text(judged(given, qemu=lambda tests, nonce: Said(b"begin\n" + data + b"\n\x01\nend", Ending.RESET)))
    assert ("      | begin\n      | ... 231 bytes, mostly unprintable\n      | end\n") in said
    few = text(judged(given, qemu=lambda tests, nonce: Said(b"begin\n\x01\nend", Ending.RESET)))
    assert "      | begin\n      | \\x01\n      | end\n" in few


def test_long_details_are_cut(given: Lab) -> None:
    facts = "\n".join(f"# table: gate {n}: expected 1, got 2" for n in range(100)).removeprefix("# table: ")
    said = text(judged(given, qemu=wrong(facts)))
    assert "... and 92 more" in said and "gate 50" not in said


def test_several_labs_have_a_table_and_a_sum(given: Lab) -> None:
    said = text(judged(given, qemu=fine), judged(given, qemu=wrong("a: expected 1, got 2")))
    assert "    75/75   02-idt" in said and "    40/75   02-idt" in said
    assert said.splitlines()[-1] == "Score: 115/150"


def test_colour_only_where_it_is_wanted(given: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    result = judged(given, qemu=fine)
    assert "\033" not in text(result) and "\033[32mpass" in text(result, colour=True)

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert Report(Terminal(), Again()).colour and not Report(io.StringIO(), Again()).colour
    monkeypatch.setenv("NO_COLOR", "1")
    assert not Report(Terminal(), Again()).colour


def test_a_forged_lab_scores_nothing(tmp_path: Path) -> None:
    probed = lab(tmp_path, [a_test("gates", 40), a_test("table", 60)], probe={"gates": "table"})
    seen = [SimpleNamespace(check="gates", expected="1", got="0", text="gate 3 is not present", unset=False)]
    result = judged(probed, qemu=lambda tests, nonce: Said(transcript(tests, nonce), seen=seen), bochs=fine)
    said = text(result)
    assert (result.score, status([result])) == (0, 1)
    assert "forged in QEMU: table" in said and "the machine showed: gate 3 is not present" in said
    assert "This lab scores 0" in said and said.endswith("Score: 0/100\n")


def test_a_build_failure_is_told_once(given: Lab) -> None:
    result = unbuilt(given, list(given.tests), ["qemu", "bochs"], ["idt.c:3:1: error: expected ';'"], "a hint")
    said = text(result)
    assert said.count("expected ';'") == 1 and "build failure: every test" in said and "make grade" not in said
    assert status([result]) == 1


def test_an_emulator_failure_is_nobodys_mark(given: Lab) -> None:
    result = judged(given, qemu=fine, bochs=lambda tests, nonce: Said("", Ending.FAILED, detail="bochs: no BIOS"))
    assert status([result]) == 2 and result.trouble == "02-idt: bochs: no BIOS"


def results(given: Lab) -> list[LabResult]:
    forged = judged(given, qemu=fine)
    forged.judgements[0].forged.append("gate 3 is not present")
    forged.unfilled, forged.warnings = ["2.1"], ["not part of a submission, not judged: helper.c"]
    return [judged(given, qemu=fine, bochs=wrong("\x1b: expected 1, got 2")), forged,
            judged(given, qemu=lambda tests, nonce: Said(b"\xff\x00", Ending.RESET)),
            unbuilt(given, list(given.tests), ["qemu"], ["idt.c:3:1: error"], None)]


def test_the_json_is_what_its_schema_says(given: Lab, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    json_report.write(path, results(given), Again(seed=7, tree=tmp_path))
    report = json.loads(path.read_text())
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(report, SCHEMA, jsonschema.Draft202012Validator)
    assert (report["seed"], report["score"], report["points"], report["complete"]) == (7, 65, 325, True)
    report["labs"][0]["tests"][0]["verdicts"]["qemu"]["outcome"] = "nice"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(report, SCHEMA, jsonschema.Draft202012Validator)


def test_the_schema_knows_every_outcome() -> None:
    assert SCHEMA["$defs"]["verdict"]["properties"]["outcome"]["enum"] == [outcome.value for outcome in Outcome]


def test_junit_is_well_formed_and_counts_right(given: Lab, tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    junit.write(path, results(given))
    suites = ElementTree.parse(path).getroot().findall("testsuite")
    assert [suite.get("name") for suite in suites] == [
        "02-idt.qemu", "02-idt.bochs", "02-idt.qemu", "02-idt.qemu", "02-idt.qemu"]
    for suite in suites:
        for kind in ("failure", "error", "skipped"):
            counted = suite.get({"failure": "failures", "error": "errors"}.get(kind, kind))
            assert counted == str(len(suite.findall(f"testcase/{kind}")))
    assert "\\x1b" in (suites[1].find("testcase/failure").get("message") or "")
