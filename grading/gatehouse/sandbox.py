"""Where a stranger's code is built and run: without network, and with nothing in view but what it needs.

Bubblewrap makes the place (namespaces for users, processes, network; only the folders named are there, at their own
paths), `prlimit` the limits. All that runs in it ends with the grader, for the first process in it dies with its
parent, and the kernel ends a process namespace with its first process.
"""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from . import supervise

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc/alternatives", "/etc/ld.so.cache")
Enclose = Callable[[Sequence[str], Path], list[str]]     # a command, and the directory in which it runs

NOBODY = 65534
OPEN_FILES = 1024        # what most systems give a program
RESTRICTION = "kernel/apparmor_restrict_unprivileged_userns"
PACKAGES = {"bwrap": "bubblewrap", "prlimit": "util-linux", "env": "coreutils"}


@dataclass(frozen=True)
class Bounds:
    """What one command may use."""

    memory: int = 4 << 30        # bytes of address space of each process
    cpu: int = 120               # seconds of each process
    processes: int = 64          # threads included
    file: int = 64 << 20         # bytes of each file that it writes
    scratch: int = 1 << 30       # bytes of all files in /tmp
    proc: bool = True            # whether it sees its processes; a compiler that does can be made to read its own pipes


class Open:
    """No sandbox: for one's own code."""

    holds = False                # whether the bounds hold

    def __init__(self, bounds: Bounds = Bounds()) -> None:
        self.bounds = bounds

    def missing(self) -> str | None:
        """None: nothing is needed."""
        return None

    def enclose(self, command: Sequence[str], directory: Path, *, read: Sequence[Path] = (),
                write: Sequence[Path] = ()) -> list[str]:
        """COMMAND as it is."""
        return list(command)

    def limited(self, command: Sequence[str]) -> list[str]:
        """COMMAND with the bounds."""
        bounds, files = self.bounds, min(OPEN_FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        # The soft limit comes first, for its signal has a name.
        return ["prlimit", f"--as={bounds.memory}", f"--cpu={bounds.cpu}:{bounds.cpu + 2}",
                f"--nproc={bounds.processes}", f"--fsize={bounds.file}", f"--nofile={files}", "--core=0", *command]


class Sandbox(Open):
    """Bubblewrap's, with the bounds."""

    holds = True

    def missing(self) -> str | None:
        """One line for what is not installed, or for a machine that gives no namespaces; or None."""
        return supervise.missing(PACKAGES) or _refused(*self.enclose(["true"], Path("/tmp")))

    def enclose(self, command: Sequence[str], directory: Path, *, read: Sequence[Path] = (),
                write: Sequence[Path] = ()) -> list[str]:
        """COMMAND so that it runs in the sandbox, in DIRECTORY, which it may write unless READ names it, as WRITE.

        All are there at their own paths, and later ones cover earlier ones. The command's
        open files stay open. SIGINT reaches it and nothing around it.
        """
        words = ["env", "-i", "--ignore-signal=INT", f"PATH={os.defpath}", "LANG=C.UTF-8", "TERM=dumb", "HOME=/tmp",
                 "bwrap", "--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent",
                 "--cap-drop", "ALL", "--uid", "1000", "--gid", "1000", "--hostname", "gatehouse"]
        for name in SYSTEM:
            words += ["--symlink", os.readlink(name), name] if os.path.islink(name) else ["--ro-bind-try", name, name]
        if self.bounds.proc:
            words += ["--proc", "/proc", "--remount-ro", "/proc", "--symlink", "/proc/self/fd", "/dev/fd",
                      "--dev-bind", "/dev/urandom", "/dev/urandom"]
        # There is no /dev/zero to read for ever.
        words += ["--dev-bind", "/dev/null", "/dev/null", "--size", str(self.bounds.scratch), "--tmpfs", "/tmp"]
        places = {path: "--ro-bind" for path in read} | {path: "--bind" for path in write}
        for path, bind in ({directory: "--bind"} | places).items():
            words += [bind, str(path), str(path)]
        return [*words, "--remount-ro", "/", "--chdir", str(directory), "--", *self.limited(command)]


@cache
def _refused(*command: str) -> str | None:
    """What bubblewrap says of COMMAND, the smallest one in a sandbox, if this machine has none for it."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                          check=False)
    if not done.returncode:
        return None
    said = (done.stderr.strip() or f"status {done.returncode}").split("\n")[-1]
    more = f"; as root: sysctl -w {RESTRICTION.replace('/', '.')}=0" if _restricted() else ""
    return f"no sandbox can be made here: {said}{more}"


def _restricted() -> bool:
    """Whether this is an Ubuntu (24.04 and later) that gives namespaces to the programs of a list alone."""
    try:
        return Path("/proc/sys", RESTRICTION).read_text().strip() == "1"
    except OSError:
        return False


class Nobody(Open):
    """For root in a container that is one submission's alone and has no namespaces to give: the user `nobody`.

    What that user may not read is out of view; the network is the container's affair.
    """

    holds = True

    def enclose(self, command: Sequence[str], directory: Path, *, read: Sequence[Path] = (),
                write: Sequence[Path] = ()) -> list[str]:
        """COMMAND as nobody, who is given what it may write, and let into the folders that it may read."""
        for path in read:
            path.chmod(path.stat().st_mode | 0o055)
        for top in {directory, *write} - set(read):
            for path in [top, *top.rglob("*")]:
                os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        return ["env", "-i", "--ignore-signal=INT", f"PATH={os.defpath}", "LANG=C.UTF-8", "TERM=dumb", "HOME=/tmp",
                "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs",
                *self.limited(command)]


def best(bounds: Bounds) -> Open:
    """The sandbox that this machine allows. Raises OSError if that is none."""
    sandbox = Sandbox(bounds)
    if not sandbox.missing():
        return sandbox
    if os.geteuid() == 0:
        return Nobody(bounds)
    raise OSError("bubblewrap cannot make a sandbox here, and only root can do without")
