"""Kernels for the tests of the debugging commands, built once each, and the command itself."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OTHER = ROOT / "grading" / "tests" / "alternative"       # correct solutions, written in other ways
DEBUG = ROOT / "grading" / "debug"


@cache
def built(lab: str, source: str = "reference") -> Path:
    """The folder of a built kernel: of the reference, of the skeleton, of other solutions, or one that dies at int3."""
    out = ROOT / "build" / "by-hand" / source
    overlay = {"reference": "", "other": str(OTHER), "skeleton": str(next(ROOT.glob(f"labs/{lab}-*/skeleton"))),
               "short": str(ROOT / "build" / "by-hand" / "short-idt")}[source]
    if source == "short":
        file = Path("arch/x86_64/entry/idt.c")
        changed = (ROOT / file).read_text().replace("sizeof(idt) - 1", "47")
        assert "47" in changed
        shutil.rmtree(overlay, ignore_errors=True)
        Path(overlay, file).parent.mkdir(parents=True)
        Path(overlay, file).write_text(changed)
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS")}
    subprocess.run(["make", "-s", "kernel", f"LAB={lab}", f"OUT={out}", f"OVERLAY={overlay}"], cwd=ROOT, check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment)
    return next(out.glob(f"{lab}-*"))


def command(name: str, lab: str, *words: str, source: str = "reference") -> list[str]:
    """The command line behind `make NAME LAB=lab`."""
    return [str(DEBUG), name, "--built", str(built(lab, source)), "--lab", lab, *words]


def run(name: str, lab: str, *words: str, source: str = "reference") -> subprocess.CompletedProcess[str]:
    """The command with nobody at the keyboard."""
    return subprocess.run(command(name, lab, *words, source=source), stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, errors="replace", timeout=120, cwd=ROOT)
