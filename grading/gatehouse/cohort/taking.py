"""A submission taken in: unpacked in the sandbox, kept as it was judged."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from .. import bounded
from ..build import CannotJudge
from ..sandbox import Bounds, Open, Sandbox
from .members import Unusable, printable
from .unpack import UNUSABLE, Unpacked

GRADING = Path(__file__).resolve().parents[2]
SECONDS = 60
UNPACK = Bounds(memory=1 << 30, cpu=SECONDS // 2, processes=16, file=512 << 20)
NOTES_MOST = 40
NOTES_BYTES = 16 << 20          # of all of them


def take(source: Path, wanted: Sequence[str], dest: Path, sandbox: Open | None = None) -> Unpacked:
    """Unpack SOURCE into DEST, which is made anew. Raises Unusable; CannotJudge, OSError for what is ours."""
    if source.is_symlink():      # the sandbox would show what it leads to
        raise Unusable(f"{printable(source.name)} is a symbolic link; hand in the tree, or an archive of it")
    shutil.rmtree(dest, ignore_errors=True)
    dest.mkdir(parents=True)
    source = source.absolute()
    command = (sandbox or Sandbox(UNPACK)).enclose(
        ["/usr/bin/python3", "-I", "-B", "-c", "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); "
         "runpy.run_module('gatehouse.cohort.unpack', run_name='__main__')",
         str(GRADING), str(source), str(dest), *wanted], dest, read=[GRADING / "gatehouse", source])
    try:
        done = bounded.ended(command, dest, SECONDS, NOTES_BYTES)
    except bounded.Late:
        raise Unusable(f"{printable(source.name)} takes longer than {SECONDS} s to unpack") from None
    if done.status == UNUSABLE:
        raise Unusable(done.wrong.strip().split("\n")[-1])
    if why := bounded.nobodys_doing(done):
        raise CannotJudge(f"{printable(source.name)} is not unpacked: {why}")
    if done.status:
        raise Unusable(f"{printable(source.name)} takes more to unpack than {UNPACK.memory >> 20} MiB of memory or "
                       f"{UNPACK.cpu} s of processor time")
    notes = json.loads(done.out)
    more = [f"and {len(notes) - NOTES_MOST} more"] if len(notes) > NOTES_MOST else []
    return Unpacked(dest, [*notes[:NOTES_MOST], *more])
