"""The terminal of the complete kernel: what somebody types there reaches programs by lines, and can be corrected."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from gatehouse import cpio
from typist import Typist

ROOT = Path(__file__).resolve().parents[2]
QEMU = ["qemu-system-x86_64", "-accel", "tcg", "-machine", "q35", "-cpu", "max,vendor=GenuineIntel", "-m", "128",
        "-nodefaults", "-display", "none", "-no-reboot", "-chardev", "stdio,id=terminal,signal=off",
        "-serial", "chardev:terminal", "-debugcon", "null", "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
PASSED = 1                      # status 0 through the exit port


@pytest.fixture
def typist(tmp_path: Path) -> Iterator[Typist]:
    """Somebody at the prompt of the complete kernel, with Debian's busybox beside its own programs."""
    subprocess.run(["make", "-s", "-C", str(ROOT), "kernel"], check=True, stdout=subprocess.DEVNULL)
    (tmp_path / "bin").mkdir()
    shutil.copy("/bin/busybox", tmp_path / "bin")
    module = tmp_path / "busybox.cpio"
    module.write_bytes(cpio.archive([tmp_path]))
    with Typist([*QEMU, "-kernel", str(ROOT / "build/all/kernel"), "-initrd", str(module)], ROOT) as at_terminal:
        at_terminal.see("^gatehouse> ")
        yield at_terminal


def test_lines_reach_a_program(typist: Typist) -> None:
    typist.type("cat\r")
    typist.see("^# program .*: cat\n")
    typist.type("one line\r")
    typist.see("^one line\none line\n")                                  # the echo, and what cat has read
    typist.type("anothen\x7fr\r")
    typist.see("^anothen\b \br\nanother\n")
    typist.type("forget this\x15keep this\r")
    typist.see("keep this\nkeep this\n")
    typist.type("half\x04")
    typist.see("^halfhalf")                                              # the end of a file that does not end
    typist.type("\x04")
    typist.see("# end .*: exit status 0\ngatehouse> ")


def test_typed_ahead(typist: Typist) -> None:
    typist.type("cat\rfirst\rsecond\r\x04\x04")
    typist.see("^first\nfirst\nsecond\nsecond\n")
    typist.see("^# end .*: exit status 0\ngatehouse> \n")
    assert typist.end() == PASSED


def test_the_terminal_as_a_file(typist: Typist) -> None:
    typist.type("cat /dev/console\r")
    typist.see("^# program")
    typist.type("by its name\r\x04")
    typist.see("^by its name\nby its name\n")
    typist.see("^gatehouse> ")
    typist.type("\x04")
    assert typist.end() == PASSED


def test_a_shell(typist: Typist) -> None:
    """It edits its lines itself, key by key: the terminal must not, and does so again behind it."""
    typist.type("busybox sh\r")
    typist.see("^/ # ")
    typist.type("for i in 1 2; do echo $i; done\r")
    typist.see(r"for i in 1 2; do echo \$i; done\n1\n2\n/ # ")
    typist.type("cd etx\x7fc\r")
    typist.see("^/etc # ")
    typist.type("read a b < words; echo $a\r")
    typist.see(r"read a b < words; echo \$a\n\w+\n/etc # ")
    typist.type("exit 3\r")
    typist.see("# end .*: exit status 3\ngatehouse> ")
    typist.type("cat\r")
    typist.see("^# program")
    typist.type("a line\r\x04\x04")
    typist.see("^a line\na line\n")
    assert typist.end() == PASSED
