"""The ISO: GRUB boots it in both emulators and on a stick, and no command line makes it anew."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from gatehouse import ktap
from gatehouse.bochs import BIOS, VGA_BIOS

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "build/02-idt"
TESTS, NONCE = ("gate_encoding", "breakpoint"), "00112233445566ff"
BOCHSRC = f"""\
display_library: term
romimage: file={BIOS}
vgaromimage: file={VGA_BIOS}
megs: 128
cpu: model=corei7_icelake_u, count=1, ips=4000000
clock: sync=none, time0=1700000000
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=disk, path=cmdline.tar, mode=flat, cylinders=0
ata0-slave: type=cdrom, path={BUILT / "gatehouse.iso"}, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=serial.log
port_e9_hack: enabled=1
log: bochs.log
panic: action=fatal
"""


def make(*words: str) -> bytes:
    return subprocess.run(["make", "-s", "-C", ROOT, *words, "LAB=02"], check=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, timeout=60).stdout


def expect_results(serial: bytes) -> None:
    said = ktap.parse(serial[serial.index(b"Gatehouse lab 02-idt"):].replace(b"\r", b""), TESTS, NONCE)
    assert said.ended and all(said.sections[name].ok for name in TESTS)


@pytest.fixture(scope="module")
def iso() -> Path:
    make("iso")
    return BUILT / "gatehouse.iso"


def test_qemu_by_make_run(iso: Path) -> None:
    before = iso.stat().st_mtime_ns
    output = make("run", f"TEST={','.join(TESTS)}", f"NONCE={NONCE}")
    expect_results(output)
    assert b"error" not in output, "GRUB complains"
    assert iso.stat().st_mtime_ns == before


def test_a_hole_names_itself_in_make_run(tmp_path: Path) -> None:
    done = subprocess.run(["make", "-s", "-C", ROOT, "run", "LAB=02", f"OVERLAY={ROOT / 'labs/02-idt/skeleton'}",
                           f"OUT={tmp_path}"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=60)
    assert done.returncode == 2 and b"reached hole 2.1, which is not filled yet\n" in done.stdout.replace(b"\r", b"")


def test_bochs(iso: Path, tmp_path: Path) -> None:
    (tmp_path / "gatehouse.cfg").write_text(f'set cmdline="test={",".join(TESTS)} nonce={NONCE}"\n')
    subprocess.run(["tar", "--format=ustar", "-cf", "cmdline.tar", "gatehouse.cfg"], cwd=tmp_path, check=True)
    os.truncate(tmp_path / "cmdline.tar", 516096)
    (tmp_path / "bochsrc").write_text(BOCHSRC)
    (tmp_path / "commands").write_text("sb 2000000000\nc\nq\n")
    subprocess.run(["setpriv", "--pdeathsig", "KILL", "bochs", "-q", "-f", "bochsrc", "-rc", "commands"], cwd=tmp_path,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   env={**os.environ, "TERM": "dumb"}, timeout=60)
    expect_results((tmp_path / "serial.log").read_bytes())


def test_a_stick(iso: Path, tmp_path: Path) -> None:
    """The same image as a hard disk: what dd writes to a USB stick."""
    serial = tmp_path / "serial.log"
    done = subprocess.run(
        ["qemu-system-x86_64", "-machine", "q35", "-m", "128", "-nodefaults", "-display", "none", "-no-reboot",
         "-serial", f"file:{serial}", "-debugcon", "null", "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
         "-drive", f"file={iso},format=raw,snapshot=on"], timeout=60)
    assert done.returncode == 1, serial.read_text()      # status 0 through the exit port
    assert b"END [0000000000000000] 8 passed, 0 failed" in serial.read_bytes()
