"""What every source file keeps to, checked by the tools made for it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def tracked(*patterns: str) -> list[str]:
    """The files of the repository that match, without those that are derived or deliberately wrong."""
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "--", *patterns], check=True, text=True,
                            capture_output=True).stdout.splitlines()
    files = [path for path in listed if not (ROOT / path).is_symlink() and "/skeleton/" not in path]
    assert files, f"nothing matches {patterns}"
    return files


def passes(*command: str, below: str = "") -> None:
    done = subprocess.run(command, cwd=ROOT / below, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_shell_scripts() -> None:
    scripts = [path for path in tracked(".ci", "grading") if (ROOT / path).read_bytes()[:9] == b"#!/bin/sh"]
    passes("shellcheck", *scripts)


def test_c_is_formatted() -> None:
    passes("clang-format", "--dry-run", "-Werror",
           *tracked("kernel/*.[ch]", "arch/*.[ch]", "labs/*.[ch]", "userland/*.c"))


def test_c_as_cppcheck_sees_it() -> None:
    passes("cppcheck", "--quiet", "--std=c11", "--enable=warning,performance,portability", "--error-exitcode=1",
           "-I.", "-Iarch/x86_64/include", "-Iarch/x86_64", *tracked("kernel/*.c", "arch/*.c", "labs/*.c"))


def test_types() -> None:
    passes("mypy", "--strict", "--cache-dir", str(ROOT / "build/mypy"), "-p", "gatehouse", below="grading")


@pytest.mark.parametrize("pattern", ["*.[ch]", "*.asm", "*.inc", "*.py", "*.md", "*.toml", "Makefile", ".ci/run"])
def test_lines_end_cleanly(pattern: str) -> None:
    for path in tracked(pattern):
        text = (ROOT / path).read_text()
        assert text.endswith("\n") or not text, f"{path}: no newline at the end"
        for number, line in enumerate(text.splitlines(), 1):
            assert line == line.rstrip(), f"{path}:{number}: blanks at the end of the line"
            assert len(line) <= 120 or path.endswith((".md", ".toml", ".py")), f"{path}:{number}: {len(line)} columns"


def test_python_keeps_to_its_columns() -> None:
    """120, as .editorconfig says; the commands have no suffix."""
    commands = [path for path in tracked("grading") if (ROOT / path).read_bytes()[:17] == b"#!/usr/bin/python"]
    for path in sorted({*tracked("*.py"), *commands}):
        for number, line in enumerate((ROOT / path).read_text().splitlines(), 1):
            assert len(line) <= 120, f"{path}:{number}: {len(line)} columns"
