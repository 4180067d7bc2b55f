"""Programs on Gatehouse do what they do on Linux: those of userland/, and static ones of Debian's as they are.

Many run in one boot; each is run on this machine's Linux, too, and what they print and how they end is compared.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from gatehouse import cpio
from gatehouse.bochs import Bochs
from gatehouse.machine import Emulator, Ending, Limits
from gatehouse.qemu import Qemu

ROOT = Path(__file__).resolve().parents[2]
NONCE = "0123456789abcdef"
ENVIRONMENT = {"HOME": "/", "PATH": "/bin", "TERM": "dumb"}         # kernel/programs.c
OURS = [line for line in (ROOT / "userland/root/etc/all").read_text().splitlines() if not line.startswith("#")]
IN_32_BITS = [line for line in (ROOT / "userland/root/etc/all32").read_text().splitlines() if not line.startswith("#")]
# Debian's. `ls` would see a terminal there and a pipe here: so one name a line, and no sizes of directories.
BUSYBOX = ["busybox echo -e 'two\\twords' a", "busybox cat etc/motd", "busybox ls -1 etc",
           "busybox stat -c '%s %F %n' etc/words",
           "busybox wc etc/words etc/motd", "busybox sort -r etc/words", "busybox head -n 3 etc/words",
           "busybox sha256sum bin/busybox etc/words", "busybox tail -c 20 etc/motd", "busybox grep -n p etc/words",
           "busybox cut -c 1-3 etc/words", "busybox md5sum etc/words", "busybox od -c etc/motd",
           "busybox seq 1 20", "busybox expr 6 '*' 7", "busybox basename /a/b", "busybox true", "busybox false",
           "busybox cat none", "busybox none"]
ENDED = re.compile(rb"# program (\d+) \[%s\]: (.*)\n((?s:.*?))# end \1 \[%s\]: (.*)\n" % ((NONCE.encode(),) * 2))
REPORT = re.compile(rb"# program \S+ ends at .*\n")         # the kernel's, of a fault


@dataclass(frozen=True)
class Said:
    """What a program has printed, and how it ended: as a shell has it in $?."""

    output: str
    status: int


@pytest.fixture(scope="module")
def kernel() -> Path:
    """The complete kernel."""
    subprocess.run(["make", "-s", "-C", str(ROOT), "kernel"], check=True, stdout=subprocess.DEVNULL)
    return ROOT / "build" / "all"


@pytest.fixture(scope="module")
def tree(kernel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the kernel has, for programs on this machine."""
    folder = tmp_path_factory.mktemp("tree")
    shutil.copytree(ROOT / "userland" / "root", folder, dirs_exist_ok=True)
    shutil.copytree(ROOT / "build" / "userland", folder, dirs_exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def more(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a loader brings along: Debian's busybox, and our programs with glibc; in the tree, too."""
    folder = tmp_path_factory.mktemp("more")
    (folder / "bin").mkdir()
    (folder / "etc").mkdir()
    shutil.copy("/bin/busybox", folder / "bin/busybox")
    for name in {shlex.split(command)[0] for command in OURS}:
        subprocess.run(["gcc", "-static", "-O1", "-w", "-std=gnu11", ROOT / f"userland/{name}.c", "-lm",
                        "-o", folder / f"bin/glibc-{name}"], check=True)
    commands = [*BUSYBOX, *(f"glibc-{command}" for command in OURS)]
    (folder / "etc/more").write_text("\n".join(commands) + "\n")
    shutil.copytree(folder, tree, dirs_exist_ok=True)
    return folder


def on_linux(tree: Path, command: str) -> Said:
    words = shlex.split(command)
    done = subprocess.run(words, executable=tree / "bin" / words[0], cwd=tree, env=ENVIRONMENT,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return Said(done.stdout.decode(), done.returncode if done.returncode >= 0 else 128 - done.returncode)


def ended(text: str) -> int:
    """`exit status 3`, `killed by signal 11`: a number as a shell has it."""
    words = text.split()
    return {"exit": 0, "killed": 128}[words[0]] + int(words[-1])


def parse(serial: bytes, commands: Sequence[str]) -> list[Said]:
    found = ENDED.findall(serial)
    ran = [name.decode() for _, name, _, _ in found]
    assert ran == [shlex.split(command)[0] for command in commands], serial.decode()
    return [Said(REPORT.sub(b"", output).decode(), ended(end.decode())) for _, _, output, end in found]


def compare(tree: Path, serial: bytes, commands: Sequence[str]) -> None:
    for command, here in zip(commands, parse(serial, commands), strict=True):
        assert (command, here) == (command, on_linux(tree, command))


@pytest.mark.parametrize("emulator", [Qemu, Bochs], ids=["qemu", "bochs"])
def test_our_programs_do_what_they_do_on_linux(emulator: type, kernel: Path, tree: Path, tmp_path: Path) -> None:
    run = emulator().run(kernel, f"nonce={NONCE} run=@/etc/all", tmp_path / "run", Limits(instructions=1_000_000_000))
    assert run.ending is Ending.ENDED
    compare(tree, run.serial, OURS)


def runs_32_bit_code(tree: Path) -> bool:
    """Whether this machine's Linux does: it may have been built or started without."""
    try:
        return on_linux(tree, "hello32").status == 1
    except OSError:
        return False


@pytest.mark.parametrize("emulator", [Qemu, Bochs, partial(Qemu().of, "amd"), partial(Bochs().of, "amd")],
                         ids=["qemu", "bochs", "qemu-amd", "bochs-amd"])
def test_32_bit_programs_do_what_they_do_on_linux(emulator: Callable[[], Emulator], kernel: Path, tree: Path,
                                                  tmp_path: Path) -> None:
    if not runs_32_bit_code(tree):
        pytest.skip("this machine's Linux does not run 32-bit programs")
    run = emulator().run(kernel, f"nonce={NONCE} run=@/etc/all32", tmp_path / "run", Limits(instructions=1_000_000_000))
    assert run.ending is Ending.ENDED
    compare(tree, run.serial, IN_32_BITS)


def boot(kernel: Path, words: str, module: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    """QEMU as a person might start it, with an archive from the loader."""
    more = ["-initrd", str(module)] if module else []
    return subprocess.run(["qemu-system-x86_64", "-accel", "tcg", "-machine", "q35",
                           "-cpu", "max,vendor=GenuineIntel", "-m", "128", "-nodefaults", "-display", "none",
                           "-no-reboot", "-serial", "stdio", "-debugcon", "null",
                           "-device", "isa-debug-exit,iobase=0xf4,iosize=1", "-kernel", str(kernel / "kernel"), *more,
                           "-append", f"nonce={NONCE} {words}"],
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)


def test_unmodified_programs_of_debian(kernel: Path, tree: Path, more: Path, tmp_path: Path) -> None:
    module = tmp_path / "more.cpio"
    module.write_bytes(cpio.archive([more]))
    done = boot(kernel, "run=@/etc/more", module)
    compare(tree, done.stdout, [*BUSYBOX, *(f"glibc-{command}" for command in OURS)])


@pytest.mark.parametrize(("command", "status", "said"), [
    ("fault 0", 1, b"exit status 0"),
    ("fault 7", 3, b"exit status 7"),
    ("none", 3, b"not run: ENOENT"),
    ("etc/motd", 3, b"not run: EACCES"),
    ("/dev/null", 3, b"not run: EACCES"),
    ("'a quote", 3, b"# a quote without an end"),
    ("@/none", 3, b"# no file with commands: /none"),
    ("fault 7; fault 0", 3, b"# end 2 [%s]: exit status 0" % NONCE.encode()),
])
def test_the_machine_says_whether_all_went_well(kernel: Path, command: str, status: int, said: bytes) -> None:
    done = boot(kernel, f"run={command}")
    assert said in done.stdout and done.returncode == status


def test_commands_that_lead_to_themselves_come_to_an_end(kernel: Path, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files/loop").write_text("fault 7\n@/loop\n")
    module = tmp_path / "loop.cpio"
    module.write_bytes(cpio.archive([tmp_path / "files"]))
    done = boot(kernel, "run=@/loop", module)
    assert b"# no file with commands: /loop" in done.stdout and done.returncode == 3


def test_a_broken_archive_is_named(kernel: Path, tmp_path: Path) -> None:
    module = tmp_path / "broken.cpio"
    module.write_bytes(b"070701" + b"0" * 200)
    assert b"PANIC: the loader's archive of files, entry \"\" at byte 0: " in boot(kernel, "run=hello", module).stdout


def test_archives_are_the_same_each_time(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/tool").write_bytes(b"x")
    (tmp_path / "link").symlink_to("bin/tool")
    first = cpio.archive([tmp_path])
    assert first == cpio.archive([tmp_path]) and len(first) % 4 == 0
    with pytest.raises(ValueError, match="under the same name"):
        cpio.archive([tmp_path, tmp_path])
