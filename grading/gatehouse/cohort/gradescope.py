"""Gradescope: the archive that its autograder takes, and what runs in there.

    grading/gradescope zip LAB FILE       write the archive (make gradescope LAB=)
    grading/gradescope run LAB            in the archive's container: judge /autograder/submission

By Gradescope's "Autograder Specifications": the archive holds setup.sh and run_autograder; the result goes to
/autograder/results/results.json. Each submission has a container of its own there, in which bubblewrap may lack the
namespaces; then archives are unpacked and kernels built by nobody, who cannot read this tree.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .. import labs
from ..build import CannotJudge
from ..cli import Parser, said_in_a_line
from ..git import git
from ..labs import Lab
from ..sandbox import Bounds, Open, best
from .intake import Entry
from .kept import DATA, REPORT
from .plan import Plan, pristine_digest
from .record import Record
from .worker import Workshop

PLACE = Path("/autograder")
TREE = "gatehouse"
SETUP = f"""#!/bin/sh
# Makes the container: packages, and what all submissions are built on.
set -eu
cd {PLACE}/source/{TREE}
grading/deps class
make -s base
chmod 700 {PLACE}/source
"""
RUN = f"""#!/bin/sh
exec {PLACE}/source/{TREE}/grading/gradescope run %s
"""
# What judges: no mutants, no tests of the grader's own; no private tests, for students see the report at once.
JUDGING = re.compile(r"Makefile|(?:arch|kernel|userland)/.*|grading/(?!tests?(?:/|$)).*|"
                     r"labs/[^/]+/(?!mutants/|private/|skeleton/|solution/|tour/).*")
OUTPUT_MOST = 60_000        # characters of a report that are shown


def archive(root: Path, lab: Lab) -> bytes:
    """The zip for LAB, from ROOT's committed files; equal for equal trees."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        _add(packed, "setup.sh", SETUP.encode(), True)
        _add(packed, "run_autograder", (RUN % lab.tag).encode(), True)
        for name in git(root, "ls-files", "-z").split("\0"):
            path = root / name
            if JUDGING.fullmatch(name) and path.is_file() and not path.is_symlink():
                _add(packed, f"{TREE}/{name}", path.read_bytes(), bool(path.stat().st_mode & 0o100))
    return out.getvalue()


def _add(packed: zipfile.ZipFile, name: str, content: bytes, executable: bool) -> None:
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.external_attr = (0o100755 if executable else 0o100644) << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    packed.writestr(info, content)


def results(record: Record, report: str, data: dict[str, Any] | None, seconds: float) -> dict[str, Any]:
    """What results.json says of one submission."""
    out: dict[str, Any] = {"execution_time": round(seconds), "output": report[:OUTPUT_MOST], "output_format": "text",
                           "stdout_visibility": "hidden", "extra_data": {"key": record.key, "seed": record.seed},
                           "score": record.score}
    if data:
        out["tests"] = [_test(test) for lab in data["labs"] for test in lab["tests"] if test["judged"]]
    return out


def _test(test: dict[str, Any]) -> dict[str, Any]:
    told = [f"{emulator}: {verdict['outcome']}" + "".join(f"\n  {line}" for line in verdict["detail"]) +
            (f"\n  hint: {verdict['hint']}" if verdict["hint"] else "")
            for emulator, verdict in test["verdicts"].items() if verdict["outcome"] != "not judged"]
    return {"name": test["name"], "score": test["earned"], "max_score": test["points"],
            "status": "passed" if test["earned"] == test["points"] else "failed",
            "output": "\n".join(told), "output_format": "text"}


def judge(root: Path, lab: Lab, place: Path, sandbox: Callable[[Bounds], Open] = best) -> None:
    """Judge PLACE/submission into PLACE/results/results.json. Raises CannotJudge, LabError, OSError."""
    begun = time.monotonic()
    out = place / "marks"
    out.mkdir(exist_ok=True)
    entry = Entry("submission", "submission", place / "submission")
    plan = Plan(root, out, lab.tag, "isolated", 1, ("qemu", "bochs"), (entry,), pristine_digest(root))
    with Workshop(plan, 1, out / "work", sandbox) as shop:
        record = shop.process(entry)
    if record.status == "trouble":
        raise CannotJudge(record.reason)
    folder = plan.folder(entry)
    data = json.loads((folder / DATA).read_text("utf-8")) if record.status == "judged" else None
    said = results(record, (folder / REPORT).read_text("utf-8"), data, time.monotonic() - begun)
    (place / "results").mkdir(exist_ok=True)
    (place / "results" / "results.json").write_text(json.dumps(said, indent=2) + "\n")


def parser() -> argparse.ArgumentParser:
    out = Parser(prog="gradescope", description="Gradescope's autograder.", allow_abbrev=False)
    out.add_argument("what", choices=("zip", "run"))
    out.add_argument("lab")
    out.add_argument("file", type=Path, nargs="?", help="with zip: the archive; gradescope-labNN.zip by default")
    out.add_argument("--place", type=Path, default=PLACE, help="with run: instead of /autograder")
    return out


def work(arguments: argparse.Namespace, here: Path) -> int:
    """Write the archive, or judge in its container."""
    lab = labs.find_judged(labs.load(here), arguments.lab)
    if arguments.what == "zip":
        file = arguments.file or Path(f"gradescope-lab{lab.tag}.zip")
        file.write_bytes(archive(here, lab))
        print(f"{file}: upload it as the autograder of lab {lab.id}, worth "
              f"{sum(test.points for test in lab.tests if test not in lab.private)} points")
    else:
        judge(here, lab, arguments.place)
    return 0


def main(words: Sequence[str], here: Path) -> int:
    """Do what the words say with the tree HERE; the exit status."""
    arguments = parser().parse_args(words)
    return said_in_a_line("gradescope", lambda: work(arguments, here))
