"""Whose fault it is that a machine does not come to its end."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest
from gatehouse.machine import Ending, Limits
from gatehouse.usage import out_of_time, processor_seconds


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
