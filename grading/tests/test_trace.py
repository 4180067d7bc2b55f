"""`trace=on`: the kernel prints what a program asks of it, as strace would."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from gatehouse.by_hand import CannotStart, wish
from gatehouse.machine import Ending
from gatehouse.qemu import Qemu

ROOT = Path(__file__).resolve().parents[2]
HELLO = re.compile(r"arch_prctl\(4098, 0x\w+\) = 0\nset_tid_address\(0x\w+\) = \d+\n"
                   r"ioctl\(1, 0x5413, 0x\w+\) = -1 ENOTTY\n"
                   r"writev\(1, 0x\w+, 2\) = 54\nexit_group\(0\) = \?\n")


def test_a_c_program_from_start_to_exit(tmp_path: Path) -> None:
    subprocess.run(["make", "-s", "-C", str(ROOT), "kernel", "LAB=08"], check=True, stdout=subprocess.DEVNULL)
    run = Qemu().run(ROOT / "build/08-syscall", "lab=08 test=real_program trace=on", tmp_path)
    assert run.ending is Ending.ENDED
    assert HELLO.search(run.serial.decode()), run.serial.decode()


def test_make_hands_it_on(tmp_path: Path) -> None:
    assert wish(ROOT, None, "", "", tmp_path, "on").cmdline == "trace=on"
    with pytest.raises(CannotStart, match="TRACE=yes is neither TRACE=on nor TRACE=off"):
        wish(ROOT, None, "", "", tmp_path, "yes")
