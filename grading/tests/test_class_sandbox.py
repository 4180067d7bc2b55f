"""What a stranger's code can reach from where it is unpacked, built and run: by a program in there that tries."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from gatehouse.cohort.taking import UNPACK
from gatehouse.cohort.worker import EMULATE
from gatehouse.cohort.workshop import BUILD
from gatehouse.places import READ
from gatehouse.sandbox import NOBODY, Bounds, Sandbox

ROOT = Path(__file__).resolve().parents[2]
PLACES = {"unpacking": UNPACK, "building": BUILD, "running": EMULATE, "reading": READ}
LOOK = """
import json, os, resource, socket, sys
port, abstract, path, pid, *seen = sys.argv[1:]
def reached(family, address):
    try:
        with socket.socket(family) as one:
            one.settimeout(2)
            one.connect(address)
        return True
    except OSError:
        return False
def can(what):
    try:
        what()
        return True
    except OSError:
        return False
status = {}
if os.path.exists("/proc/self/status"):
    status = dict(line.strip().split(":\\t", 1) for line in open("/proc/self/status") if ":\\t" in line.strip())
print(json.dumps({
    "reached": [name for name, there in {
        "loopback": reached(socket.AF_INET, ("127.0.0.1", int(port))),
        "IPv6 loopback": reached(socket.AF_INET6, ("::1", int(port))),
        "an abstract socket": reached(socket.AF_UNIX, "\\0" + abstract),
        "a socket file": reached(socket.AF_UNIX, path),
        "the world": reached(socket.AF_INET, ("192.0.2.1", 80))}.items() if there],
    "interfaces": [name for _, name in socket.if_nameindex()],
    "uid": os.getuid(), "gid": os.getgid(), "status": status,
    "seen": [name for name in seen if os.path.lexists(name)],
    "killed": can(lambda: os.kill(int(pid), 0)),
    "written": [name for name in ("/usr/x", "/bin/x", "/etc/x", "/x", "/dev/x", "/proc/sys/kernel/hostname",
                                  "/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/self/oom_score_adj")
                if can(lambda: open(name, "w").close())],
    "top": sorted(os.listdir("/")), "tmp": os.listdir("/tmp"),
    "rights": [can(lambda: os.setuid(0)), can(lambda: os.chroot("/tmp")),
               can(lambda: os.mknod("/tmp/null", 0o20600, 259))],
    "namespace": can(lambda: os.unshare(os.CLONE_NEWUSER)) if hasattr(os, "unshare") else False,
    "environment": dict(os.environ)}))
open("/tmp/left", "w").close()
"""


AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


def inside(bounds: Bounds, directory: Path, script: str, *words: str, who: Sequence[str] = ()
           ) -> subprocess.CompletedProcess[str]:
    command = Sandbox(bounds).enclose(["/usr/bin/python3", "-I", "-S", "-c", script, *words], directory)
    return subprocess.run([*who, *command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
                          env={**os.environ, "SECRET": "of the instructor's"})


@pytest.fixture(params=PLACES)
def found(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, Any]]:
    abstract = secrets.token_hex(8)
    canary = Path("/tmp") / abstract
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as named, \
            socket.socket(socket.AF_UNIX) as nameless, subprocess.Popen(["sleep", "60"]) as sleeper:
        try:
            nameless.bind("\0" + abstract)
            nameless.listen()
            named.bind(str(canary))
            named.listen()
            place = tmp_path / "place"
            place.mkdir()
            seen = [canary, Path.home(), ROOT, tmp_path / "other",
                    *map(Path, ("/etc/passwd", "/etc/shadow", "/root", "/home", "/var", "/sys", "/run", "/boot",
                                "/dev/kvm", "/dev/mem"))]
            (tmp_path / "other").touch()
            done = inside(PLACES[request.param], place, LOOK, str(tcp.getsockname()[1]), abstract, str(canary),
                          str(sleeper.pid), *map(str, seen))
            assert done.returncode == 0, done.stderr
            assert not Path("/tmp/left").exists() and sleeper.poll() is None
            yield {**json.loads(done.stdout), "place": place}
        finally:
            sleeper.kill()
            canary.unlink(missing_ok=True)


def test_what_a_stranger_reaches(found: dict[str, Any]) -> None:
    assert found["reached"] == [] and set(found["interfaces"]) <= {"lo"}
    assert found["uid"] == found["gid"] == 1000
    for row in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(found["status"].get(row, "0"), 16) == 0
    assert found["status"].get("NoNewPrivs", "1") == "1"
    assert found["rights"] == [False, False, False] and not found["namespace"]
    assert not found["killed"] and found["written"] == []
    above = {str(path) for path in found["place"].parents}
    assert not set(found["seen"]) - above
    assert set(found["environment"]) <= {"PATH", "LANG", "LC_CTYPE", "TERM", "HOME", "PWD"}
    # /tmp is its own, but for the way to the folder in which it works
    assert set(found["tmp"]) <= {Path(name).parts[2] for name in above if len(Path(name).parts) > 2}


SMALL = Bounds(memory=256 << 20, cpu=1, processes=8, file=1 << 20, scratch=8 << 20)
TOO_MUCH = {
    "memory": ("bytes(300 << 20)", "MemoryError"),
    "time": ("\nwhile True: pass", "-24"),                                              # SIGXCPU
    "a file": ("open('x', 'wb').write(bytes(2 << 20))", "OSError: [Errno 27]"),
    "the disk in /tmp": ("[open(f'/tmp/{n}', 'wb').write(bytes(1 << 20)) for n in range(20)]", "OSError: [Errno 28]"),
}
FORKS = "import os, time\nfor _ in range(200):\n  if not os.fork():\n    time.sleep(30); os._exit(0)"


@pytest.mark.parametrize("what", TOO_MUCH)
def test_nobody_uses_more_than_is_given(tmp_path: Path, what: str) -> None:
    script, says = TOO_MUCH[what]
    done = inside(SMALL, tmp_path, f"import os, time\n{script}")
    assert done.returncode and (says in done.stderr or str(done.returncode) in (says, str(128 - int(says)))), done


def test_nobody_starts_more_processes_than_is_given() -> None:
    """The kernel does not count those of root, who therefore is somebody else here."""
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        Path(place).chmod(0o777)
        who = AS_NOBODY if os.geteuid() == 0 else ()
        if inside(SMALL, Path(place), "", who=who).returncode:
            pytest.skip("here only root can make a sandbox")
        done = inside(SMALL, Path(place), FORKS, who=who)
    assert done.returncode and "BlockingIOError" in done.stderr
