"""grading/deps, on machines that lack something: who installs, what is typed instead, and when it is silent."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from students import ROOT
from typist import Typist

DEPS = ROOT / "grading" / "deps"
LINE = "apt-get install --no-install-recommends nasm mypy"


class Machine:
    """A PATH with all commands that deps asks for, and an apt-get that only writes down what it was told."""

    def __init__(self, folder: Path, user: int, apt_get: str = "exit 0") -> None:
        self.path = folder / "bin"
        self.told = folder / "told"
        self.path.mkdir()
        for name in re.findall(r"(?<=[\s'])([\w-]+):[\w-]+", DEPS.read_text()):
            self.command(name, "exit 0")
        for name in ("env", "mktemp", "rm", "tail"):
            found = shutil.which(name)
            assert found
            (self.path / name).symlink_to(found)
        self.command("id", f"echo {user}")
        self.command("apt-get", f'echo "apt-get $*" >> {self.told}\necho a line of its own\n{apt_get}')

    def command(self, name: str, does: str) -> None:
        (self.path / name).write_text(f"#!/bin/sh\n{does}\n")
        (self.path / name).chmod(0o755)

    def without(self, *names: str) -> Machine:
        for name in names:
            (self.path / name).unlink()
        return self

    def deps(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.line(*words), stdin=subprocess.DEVNULL, capture_output=True, text=True)

    def line(self, *words: str) -> list[str]:
        return ["/usr/bin/env", f"PATH={self.path}", str(DEPS), *words]

    @property
    def installed(self) -> list[str]:
        """What apt-get was told."""
        return self.told.read_text().splitlines() if self.told.exists() else []


@pytest.mark.parametrize("what", ["grade", "handout", "all"])
@pytest.mark.parametrize("user", [0, 1000])
def test_nothing_missing_nothing_said(tmp_path: Path, what: str, user: int) -> None:
    machine = Machine(tmp_path, user)
    done = machine.deps(what)
    assert (done.returncode, done.stdout, done.stderr, machine.installed) == (0, "", "", [])


def test_each_asks_for_what_it_needs(tmp_path: Path) -> None:
    machine = Machine(tmp_path, 1000).without("nasm", "gdb", "mypy")
    missing = {what: machine.deps(what).stderr.splitlines()[0] for what in ("grade", "handout", "all")}
    assert missing == {"grade": "missing: nasm", "handout": "missing: nasm gdb", "all": "missing: nasm gdb mypy"}


def test_root_installs(tmp_path: Path) -> None:
    machine = Machine(tmp_path, 0).without("nasm", "mypy")
    done = machine.deps("all")
    assert (done.returncode, done.stdout, done.stderr) == (0, "installing: nasm mypy\n", "")
    assert machine.installed == ["apt-get update -q", "apt-get install -y -q --no-install-recommends nasm mypy"]


def test_root_is_told_what_failed(tmp_path: Path) -> None:
    machine = Machine(tmp_path, 0, apt_get="echo E: no network >&2\nexit 100").without("nasm", "mypy")
    done = machine.deps("all")
    assert done.returncode == 1 and done.stdout == "installing: nasm mypy\n"
    assert done.stderr == f"a line of its own\nE: no network\ninstalling failed; try: {LINE}\n"


def test_a_user_without_a_terminal_gets_the_line_to_type(tmp_path: Path) -> None:
    machine = Machine(tmp_path, 1000).without("nasm", "mypy")
    machine.command("sudo", 'exec "$@"')
    done = machine.deps("all")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"missing: nasm mypy\ntype: sudo {LINE}\n"
    assert machine.installed == []


@pytest.mark.parametrize("answer, installs", [("y", True), ("n", False), ("", False)])
def test_a_user_at_a_terminal_is_asked(tmp_path: Path, answer: str, installs: bool) -> None:
    machine = Machine(tmp_path, 1000).without("nasm", "mypy")
    machine.command("sudo", 'exec "$@"')
    with Typist(machine.line("all"), ROOT) as typist:
        typist.see("missing: nasm mypy")
        typist.see(r"install them with sudo\? \[y/N\] ")
        typist.type(f"{answer}\n")
        if not installs:
            typist.see(f"type: sudo {LINE}")
        assert typist.end() == (0 if installs else 1)
    assert len(machine.installed) == (2 if installs else 0)


def test_no_sudo_no_question(tmp_path: Path) -> None:
    with Typist(Machine(tmp_path, 1000).without("nasm", "mypy").line("all"), ROOT) as typist:
        typist.see("missing: nasm mypy")
        typist.see(f"type: sudo {LINE}")
        assert typist.end() == 1


def test_another_system_is_told_the_names(tmp_path: Path) -> None:
    done = Machine(tmp_path, 0).without("nasm", "apt-get").deps("grade")
    assert (done.returncode, done.stderr) == (1, "missing, by their names in Debian: nasm\n")


@pytest.mark.parametrize("words", [[], ["everything"]])
def test_a_wrong_word_is_answered_in_one_line(tmp_path: Path, words: list[str]) -> None:
    done = Machine(tmp_path, 0).deps(*words)
    assert (done.returncode, done.stderr) == (2, "grading/deps: say what for: grade, handout, class or all\n")
