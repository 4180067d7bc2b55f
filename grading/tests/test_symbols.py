"""Names for addresses, from an ELF file that the assembler made."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from gatehouse.places import Places
from gatehouse.symbols import SYMBOLS_MOST, NotAKernel, Symbols, defined, shared

SOURCE = """
CONSTANT equ 0x100010
global first
section .text
text_start:
first:  nop
.local: nop
        nop
object: dq 0x1122334455667788
last:   nop
        nop
section .bss
buffer: resb 16
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("elf")
    (place / "a.asm").write_text(SOURCE)
    subprocess.run(["nasm", "-f", "elf64", "a.asm"], cwd=place, check=True)
    subprocess.run(["ld", "-Ttext=0x100000", "-e", "first", "-o", "kernel", "a.o"], cwd=place, check=True)
    return place / "kernel"


def test_addresses(kernel: Path) -> None:
    symbols = Symbols(kernel)
    assert symbols.address("last") == 0x10000b and symbols.get("object") == 0x100003
    assert symbols.get("nothing") is None
    with pytest.raises(KeyError):
        symbols.address("nothing")


def test_places(kernel: Path) -> None:
    describe = Symbols(kernel).describe
    assert [describe(0x100000 + offset) for offset in (0, 1, 2, 0xb, 0xc)] == [
        "first", "first+0x1", "first+0x2", "last", "last+0x1"]
    assert describe(0x10000d) == "0x10000d", "behind the section"
    assert describe(0x1234) == "0x1234" and describe((1 << 64) - 1) == "0xffffffffffffffff"


def test_contents(kernel: Path) -> None:
    symbols = Symbols(kernel)
    assert symbols.read(symbols.address("object"), 8) == bytes.fromhex("8877665544332211")
    for address in (symbols.address("buffer"), 0x10000c, 0):
        with pytest.raises(KeyError):
            symbols.read(address, 8)


def test_names_shared_with_other_objects(tmp_path: Path) -> None:
    (tmp_path / "b.asm").write_text("global here\nextern there\nhere:\n.local: dq there, own\nown:\n")
    subprocess.run(["nasm", "-f", "elf64", "b.asm"], cwd=tmp_path, check=True)
    assert shared(tmp_path / "b.o") == {"here", "there"}


def test_places_have_a_line_where_one_is_known(tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    (tmp_path / "room/a.asm").write_text("global here\nhere:\n  nop\n  hlt\n")
    for debug in (["-g", "-F", "dwarf"], []):
        subprocess.run(["nasm", "-f", "elf64", *debug, "room/a.asm", "-o", "a.o"], cwd=tmp_path, check=True)
        subprocess.run(["ld", "-Ttext=0x1000", "--entry=here", "a.o", "-o", "kernel"], cwd=tmp_path, check=True)
        describe = Places(tmp_path / "kernel").describe
        assert describe(0x1001) == ("here+0x1 (a.asm:4)" if debug else "here+0x1")
        assert describe(0xf000) == "0xf000"


def test_what_is_no_kernel(kernel: Path, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no")
    (tmp_path / "cut").write_bytes(kernel.read_bytes()[:0x200])
    for name, word in (("text", "no ELF64"), ("cut", "damaged")):
        for read in (Symbols, shared):
            with pytest.raises(NotAKernel, match=word):
                read(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        Symbols(tmp_path / "nothing")


def test_more_symbols_than_a_kernel_has(tmp_path: Path) -> None:
    source = "".join(f"global s{number}\ns{number}:\n" for number in range(SYMBOLS_MOST + 1))
    (tmp_path / "x.s").write_text(source.replace("global", ".globl"))
    subprocess.run(["as", tmp_path / "x.s", "-o", tmp_path / "x.o"], check=True)
    with pytest.raises(NotAKernel, match=f"more than {SYMBOLS_MOST} symbols"):
        defined(tmp_path / "x.o")


def test_a_name_without_end(tmp_path: Path) -> None:
    (tmp_path / "x.s").write_text(f".globl {'x' * 1000}\n{'x' * 1000}:\n")
    subprocess.run(["as", tmp_path / "x.s", "-o", tmp_path / "x.o"], check=True)
    with pytest.raises(NotAKernel, match="damaged"):
        defined(tmp_path / "x.o")
