"""Whose fault it is that a machine does not come to its end."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from gatehouse import usage
from gatehouse.machine import Ending, Limits
from gatehouse.supervise import Child, Overtime
from gatehouse.usage import Patience, out_of_time, processor_seconds


@pytest.mark.parametrize("command, ending", [("while :; do :; done", Ending.SLOW), ("sleep 60", Ending.CAPPED)])
def test_at_work_or_not(command: str, ending: Ending) -> None:
    with subprocess.Popen(["sh", "-c", f"({command}); :"], start_new_session=True) as child:
        try:
            deadline = time.monotonic() + 30
            while ending == Ending.SLOW and processor_seconds(child.pid) < 0.2 and time.monotonic() < deadline:
                time.sleep(0.05)
            how, why = out_of_time(child.pid, Limits(wall=0.3))
            assert how == ending and why.startswith("not finished after 0")
        finally:
            os.killpg(child.pid, signal.SIGKILL)
    assert processor_seconds(child.pid) == 0


@pytest.mark.parametrize("used, given", [([10, 20, 29.5, 31], [20, 10, 1, 0]), ([10, 10.2], [20, 0]), ([1], [0])])
def test_who_is_kept_waiting_gets_more_time(used: list[float], given: list[float],
                                            monkeypatch: pytest.MonkeyPatch) -> None:
    told = iter(used)
    monkeypatch.setattr(usage, "processor_seconds", lambda _: next(told))
    patience = Patience(1, Limits(wall=60))
    assert [patience() for _ in given] == given


def test_the_wall_clock_is_asked_again(tmp_path: Path) -> None:
    with Child(["sleep", "60"], tmp_path, 0.01) as child:
        pieces = [0.0, 0.01, 0.01]
        child.more = pieces.pop
        with pytest.raises(Overtime):
            child.until(lambda: False)
        assert not pieces
