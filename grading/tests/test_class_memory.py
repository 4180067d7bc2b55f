"""A grader that has judged many submissions is no larger than one that has judged a few."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from gatehouse.cohort import intake
from gatehouse.cohort.plan import Plan, pristine_digest
from gatehouse.cohort.record import Record
from gatehouse.cohort.worker import Workshop
from gatehouse.judge import Judgement
from gatehouse.machine import Run
from gatehouse.outcome import Verdict
from gatehouse.places import Places
from gatehouse.result import LabResult
from gatehouse.supervise import Child
from gatehouse.symbols import Symbols
from test_class import ROOT, student

OF_ONE_SUBMISSION = (Child, Judgement, LabResult, Places, Run, Symbols, Verdict)


@pytest.fixture
def uncollected() -> Iterator[None]:
    """What would only go when the collector comes, which it does the later the more there is, stays for good."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def held(shop: Workshop) -> list[str]:
    """What there is of submissions, but for the reference's result."""
    mine = {id(shop.reference)} | {id(one) for judgement in shop.reference.judgements for one in (
        judgement, *judgement.verdicts.values(), *judgement.boots, *(boot.run for boot in judgement.boots))}
    return [type(one).__name__ for one in gc.get_objects()
            if isinstance(one, OF_ONE_SUBMISSION) and id(one) not in mine]


def used() -> tuple[int, int]:
    """Open files, threads."""
    return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))


def test_nothing_of_a_submission_outlives_its_record(tmp_path: Path, uncollected: None) -> None:
    for number in range(6):
        student(tmp_path / "handins", f"s{number}", [None, ("& LSR_THRE)", "& 1)"), ("void", "vojd")][number % 3])
    entries = tuple(intake.entries(tmp_path / "handins"))
    plan = Plan(ROOT, tmp_path / "marks", "00", "isolated", 1, ("qemu", "bochs"), entries, pristine_digest(ROOT))
    with Workshop(plan, 2, tmp_path / "work") as shop, ThreadPoolExecutor(2) as pool:
        (tmp_path / "marks").mkdir()
        records: list[Record] = list(pool.map(shop.process, entries[:3]))
        assert not held(shop)
        before = used()
        records += pool.map(shop.process, entries[3:])
        assert not held(shop) and used() == before
    assert [kept.score == 100 for kept in records] == [True, False, False] * 2
