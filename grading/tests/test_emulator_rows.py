"""The table of disagreements: the emulators do what is committed, the page says so, and each row has its test."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from gatehouse import disagreements, emulator_rows, emulators_page
from gatehouse.disagreements import MODELS, Disagreements, Row, Verdict
from gatehouse.machine import Ending, Limits, Run

ROOT = Path(__file__).resolve().parents[2]
NONCE = re.compile(r"nonce=(\w+)")


@pytest.fixture(scope="module")
def committed() -> Disagreements:
    return disagreements.load(ROOT)


@pytest.fixture(scope="module")
def kernel() -> Path:
    subprocess.run(["make", "-s", "-C", str(ROOT), "kernel", "LAB=emulators"], check=True, stdout=subprocess.DEVNULL)
    return ROOT / "build/emulators"


def test_the_emulators_do_what_is_committed(kernel: Path, committed: Disagreements) -> None:
    changed = emulator_rows.changes(committed, emulator_rows.observed(kernel, ROOT))
    assert not changed, "\n".join([*changed, "`make emulators` writes this down; "
                                             "then look at the labs that name these rows"])


def test_the_page_is_what_is_committed(committed: Disagreements) -> None:
    assert not committed.mistakes
    page = (ROOT / emulators_page.PAGE).read_text()
    assert page == emulators_page.page(ROOT, committed), "run `make emulators`, or `grading/observe --page`"


def test_each_row_has_its_test_and_each_test_its_row(committed: Disagreements) -> None:
    shown = [name for path in (ROOT / emulators_page.CODE).glob("*.c")
             for name in emulators_page.ROW.findall(path.read_text())]
    assert sorted(shown) == sorted(row.test for row in committed.rows.values() if not row.outside)
    assert {row.group for row in committed.rows.values()} <= set(emulators_page.GROUPS)


# ---- with emulators that are not there -------------------------------------------------------------


def row(name: str, *demand: str, is_open: bool = False) -> Row:
    return Row(name, "debug", "", "", {"intel": demand, "amd": demand}, is_open, False, "")


def seen(**words: str) -> dict[str, dict[str, str]]:
    """The same observation on all models, by row."""
    return {name.replace("_", "-"): dict.fromkeys(MODELS, text) for name, text in words.items()}


THREE = {name: row(name, "right") for name in ("first-row", "second-row", "third-row")}


class Guest:
    """An emulator whose kernel says RIGHT to each row, but for what it is told."""

    name = "qemu"

    def __init__(self, says: Callable[[str], str | Ending]) -> None:
        self.says = says
        self.boots: list[list[str]] = []

    def of(self, cpu: str) -> Guest:
        return self

    def missing(self) -> None:
        return None

    def run(self, kernel: Path, cmdline: str, directory: Path, limits: Limits, *_: object) -> Run:
        tests = cmdline.split("test=")[1].split(",")
        nonce = NONCE.findall(cmdline)[0]
        self.boots.append(tests)
        lines = [f"1..{len(tests)}"]
        for number, test in enumerate(tests, 1):
            lines.append(f"# begin {number} {test}")
            answer = self.says(test)
            if isinstance(answer, Ending):
                return Run(self.name, answer, "\n".join(lines).encode(), b"", detail="it died")
            skipped = " # SKIP not there" if answer == "SKIP" else ""
            lines += [f"# observed: {answer}"] * (not skipped)
            lines.append(f"ok {number} {test} [{nonce}]{skipped}")
        lines.append(f"# END [{nonce}] {len(tests)} passed, 0 failed, 0 skipped\n")
        return Run(self.name, Ending.ENDED, "\n".join(lines).encode(), b"", seen={"outside-row": "0xb"})


def watch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, says: Callable[[str], str | Ending]
          ) -> tuple[dict[str, str], Guest]:
    guest = Guest(says)
    monkeypatch.setitem(emulator_rows.EMULATORS, "qemu-amd", guest)
    return emulator_rows.observe(tmp_path, Disagreements(THREE), "qemu-amd", tmp_path), guest


def test_a_row_that_ends_the_machine_costs_only_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found, guest = watch(monkeypatch, tmp_path, lambda test: Ending.RESET if test == "second_row" else "right")
    assert found == {"first-row": "right", "second-row": "the machine resets", "third-row": "right",
                     "outside-row": "0xb"}
    assert guest.boots == [["first_row", "second_row", "third_row"], ["second_row", "third_row"], ["third_row"]]


def test_what_ends_the_machine_once_is_tried_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answers = iter(["right", Ending.STUCK, "right", "right"])
    found, _ = watch(monkeypatch, tmp_path, lambda test: next(answers))
    assert list(found.values())[:3] == ["right"] * 3


def test_a_feature_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found, _ = watch(monkeypatch, tmp_path, lambda test: "SKIP")
    assert found["first-row"] == "not there"
    assert disagreements.judge(THREE["first-row"], "qemu-amd", "not there") is Verdict.LACKING


def test_an_emulator_that_fails_is_no_observation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(emulator_rows.CannotObserve, match="it died"):
        watch(monkeypatch, tmp_path, lambda test: Ending.FAILED)


def test_what_has_changed_is_named() -> None:
    rows = {name: THREE[name] for name in ("first-row", "second-row")}
    before = Disagreements(rows, seen(first_row="right", second_row="wrong"), {"qemu": "7", "bochs": "2"})
    now = Disagreements(rows, seen(first_row="right", second_row="wrong"), {"qemu": "8", "bochs": "2"})
    assert emulator_rows.changes(before, now) == []
    now.observed["second-row"]["qemu-amd"] = "right"
    assert emulator_rows.changes(before, now) == [
        'row second-row: qemu-amd 8 shows "right" (as the manual demands); was "wrong" in qemu 7']
    before.observed.pop("first-row")
    assert emulator_rows.changes(before, now)[0] == (
        'row first-row: qemu-intel 8 shows "right" (as the manual demands); is new')


def test_the_demand_may_differ_by_vendor() -> None:
    one = Row("one", "debug", "", "", {"intel": ("enters",), "amd": ("#UD",)}, False, False, "")
    verdicts = [disagreements.judge(one, model, "enters") for model in MODELS]
    assert verdicts == [Verdict.RIGHT, Verdict.WRONG, Verdict.RIGHT, Verdict.WRONG]
    assert disagreements.judge(row("two", is_open=True), "qemu-amd", "anything") is Verdict.OPEN


def test_what_is_written_is_what_is_read(tmp_path: Path, committed: Disagreements) -> None:
    (tmp_path / disagreements.FOLDER).mkdir(parents=True)
    (tmp_path / disagreements.ROWS).write_text((ROOT / disagreements.ROWS).read_text())
    (tmp_path / disagreements.OBSERVED).write_text(emulator_rows.written(committed))
    again = disagreements.load(tmp_path)
    assert (again.observed, again.versions, again.mistakes) == (committed.observed, committed.versions, [])
