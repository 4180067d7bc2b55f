"""No child outlives its grader, and everything that a child wrote is read."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from gatehouse import supervise, ties
from gatehouse.supervise import Channel, Child, Flood, Gone, Overtime

SOON = 30.0
GRADING = Path(__file__).resolve().parents[1]
GRADER = f"""
import sys, threading, time
sys.path.insert(0, {str(GRADING)!r})
from pathlib import Path
from gatehouse.supervise import Child
children = []
def start():
    children.append(Child(["sleep", "60"], Path("/"), 60))
threads = [threading.Thread(target=start) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
start()
print(*(child.pid for child in children), flush=True)
time.sleep(60)
"""


def ends(pidfd: int) -> bool:
    return bool(select.select([pidfd], [], [], SOON)[0])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_children_die_with_their_grader(number: int) -> None:
    grader = subprocess.Popen([sys.executable, "-c", GRADER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert grader.stdout is not None
    pidfds = [os.pidfd_open(int(pid)) for pid in grader.stdout.readline().split()]
    assert len(pidfds) == 3
    assert not select.select(pidfds, [], [], 0.1)[0], "the children lived on when the threads ended that wanted them"
    grader.send_signal(number)
    grader.wait()
    assert all(ends(pidfd) for pidfd in pidfds)


def test_that_is_not_so_by_itself() -> None:
    """The control: PR_SET_PDEATHSIG follows the thread that starts a child, which is why one thread starts all."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        command = [*ties.TIED_TO_PARENT, str(os.getpid()), "sh", "-c", "echo; exec sleep 60"]
        child = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        started.append(child)
    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert started[0].wait(SOON) == -signal.SIGKILL


def test_a_child_whose_grader_is_dead_already_does_not_start(tmp_path: Path) -> None:
    command = [*ties.TIED_TO_PARENT, "1", "touch", str(tmp_path / "started")]
    assert subprocess.run(command).returncode == 1
    assert not (tmp_path / "started").exists()


def test_a_child_has_no_terminal_and_a_group_of_its_own() -> None:
    with Child(["sleep", "60"], Path("/"), SOON) as child:
        assert os.getpgid(child.pid) == os.getsid(child.pid) == child.pid
    assert child.returncode == -signal.SIGKILL


def test_all_that_was_written_is_read_before_its_end_is_told() -> None:
    with Channel(1000) as channel:
        with Child(["sh", "-c", "printf 12345"], Path("/"), SOON, give=[channel.write_end],
                   stdout=channel.write_end) as child:
            child.watch(channel.read_end, channel.feed)
            with pytest.raises(Gone):
                child.until(lambda: False)
            assert channel.data == b"12345" and child.returncode == 0


def test_finish_reads_what_was_written_before_the_kill(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    with Channel(1000) as channel:
        with Child(["sh", "-c", f"printf 12345; : > {ready}; sleep 60"], Path("/"), SOON, give=[channel.write_end],
                   stdout=channel.write_end) as child:
            child.watch(channel.read_end, channel.feed)
            ready.read_bytes()
            child.finish()
        assert channel.data == b"12345"


def test_a_flood_is_cut_at_the_cap() -> None:
    with Channel(1000) as channel:
        with Child(["yes"], Path("/"), SOON, give=[channel.write_end], stdout=channel.write_end) as child:
            child.watch(channel.read_end, channel.feed)
            with pytest.raises(Flood):
                child.until(lambda: False)
            child.finish()
        assert channel.data == b"y\n" * 500


def test_a_guest_can_write_the_whole_cap_without_a_reader() -> None:
    with Channel(256 * 1024, whole=True) as channel:
        os.set_blocking(channel.write_end, False)
        assert os.write(channel.write_end, bytes(channel.cap)) == channel.cap
        os.close(channel.write_end)


def test_the_wall_clock() -> None:
    with Child(["sleep", "60"], Path("/"), 0.05) as child:
        with pytest.raises(Overtime):
            child.until(lambda: False)


def test_end_all_wakes_those_who_wait() -> None:
    with Child(["sleep", "60"], Path("/"), SOON) as child:
        threading.Thread(target=supervise.end_all).start()
        with pytest.raises(Gone):
            child.until(lambda: False)


def test_a_program_that_is_not_there() -> None:
    with Child(["/no/such/program"], Path("/"), SOON) as child:
        with pytest.raises(Gone):
            child.until(lambda: False)
        assert child.returncode == 127
    with pytest.raises(FileNotFoundError):
        Child(["true"], Path("/no/such/directory"), SOON)


def test_what_to_install() -> None:
    assert supervise.missing({"sh": "dash", "/bin/sh": "dash"}) is None
    assert supervise.missing({"no-such": "package-a"}) == "no-such is not installed: apt-get install package-a"
    assert supervise.missing({"/no/file": "package-b"}) == "/no/file is not installed: apt-get install package-b"


def test_what_a_child_leaves_behind_is_not_waited_for(tmp_path: Path) -> None:
    """bubblewrap's inner process outlives the outer one, if that is killed while both begin."""
    with Channel(1000) as out:
        with Child(["sh", "-c", "echo said; sleep 60 & exit 0"], tmp_path, 30, give=[out.write_end],
                   stdout=out.write_end) as child:
            child.watch(out.read_end, out.feed)
            begun = time.monotonic()
            with pytest.raises(Gone):
                child.until(lambda: False)
            assert out.data == b"said\n" and time.monotonic() - begun < SOON


KILLED_WHILE_STARTING = f"""
import os, signal, subprocess, sys, time
sys.path.insert(0, {str(GRADING)!r})
from pathlib import Path
from gatehouse import supervise
place = Path(sys.argv[1])
with supervise.Child(["true"], place, 60):
    pass
popen = subprocess.Popen
def start_and_die(*words, **more):
    popen(*words, **more)
    while not (place / "pid").exists():
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGKILL)
subprocess.Popen = start_and_die
supervise.Child(["sh", "-c", "sleep 60 & echo $! > new; mv new pid; wait"], place, 60)
"""


def test_a_grader_that_is_killed_while_it_starts_a_child_leaves_nothing(tmp_path: Path) -> None:
    """Not even what the child has made meanwhile and that is tied to nobody."""
    done = subprocess.run([sys.executable, "-c", KILLED_WHILE_STARTING, str(tmp_path)])
    assert done.returncode == -signal.SIGKILL
    left = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + SOON
    while Path(f"/proc/{left}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{left}").exists()


def test_a_child_that_cannot_tell_its_keeper_never_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A grader that is being killed closes its files before its children are signalled."""
    monkeypatch.setattr(ties, "_keeper", SimpleNamespace(fileno=lambda: 1 << 19))
    with Child(["touch", "ran"], tmp_path, SOON) as child, pytest.raises(Gone):
        child.until(lambda: False)
    assert child.returncode and not (tmp_path / "ran").exists()
