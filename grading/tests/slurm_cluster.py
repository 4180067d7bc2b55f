"""A Slurm cluster of this one machine, started and stopped by a test: munged, slurmctld and slurmd on loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

CONFIGURATION = """\
ClusterName=gatehouse
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={control_port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={top}/munge.sock,cred_expire=5
CredType=cred/munge
StateSaveLocation={top}/state
SlurmdSpoolDir={top}/spool
SlurmctldPidFile={top}/slurmctld.pid
SlurmdPidFile={top}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
MaxArraySize={tasks}
SchedulerParameters=batch_sched_delay=0,sched_interval=1
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol")
SECONDS = 60


def missing() -> list[str]:
    """The programs that are not installed."""
    return [name for name in PROGRAMS if not shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")]


@contextmanager
def cluster(top: Path, tasks: int) -> Iterator[dict[str, str]]:
    """The environment in which Slurm's commands speak to it; TOP is an empty folder, an array has fewer than TASKS."""
    host = socket.gethostname().split(".")[0]
    (top / "slurm.conf").write_text(CONFIGURATION.format(top=top, host=host, tasks=tasks, control_port=_port(),
                                                         node_port=_port()))
    (top / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
    (top / "key").write_bytes(os.urandom(1024))
    (top / "key").chmod(0o400)
    for name in ("state", "spool"):
        (top / name).mkdir()
    environment = {**os.environ, "SLURM_CONF": str(top / "slurm.conf"), "PATH": f"{os.environ['PATH']}:/usr/sbin"}
    with ExitStack() as stack:
        def start(*words: str) -> None:
            log = stack.enter_context((top / f"{words[0]}.log").open("wb"))
            child = subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            stack.callback(child.wait)
            stack.callback(child.terminate)
        start("munged", "--foreground", "--force", f"--key-file={top}/key", f"--socket={top}/munge.sock",
              f"--pid-file={top}/munge.pid", f"--log-file={top}/munge.log", f"--seed-file={top}/seed")
        _until(lambda: (top / "munge.sock").exists(), "munged does not start", top)
        start("slurmctld", "-D")
        start("slurmd", "-D", "-N", host)
        _until(lambda: "idle" in subprocess.run(["sinfo", "-h"], env=environment, capture_output=True,
                                                text=True).stdout, "no node is idle", top)
        yield environment


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _until(done: object, complaint: str, top: Path) -> None:
    deadline = time.monotonic() + SECONDS
    while not done():                            # type: ignore[operator]
        if time.monotonic() > deadline:
            logs = "\n".join(f"{path.name}: {path.read_text(errors='replace')[-500:]}" for path in top.glob("*.log"))
            raise TimeoutError(f"{complaint}\n{logs}")
        time.sleep(0.1)
