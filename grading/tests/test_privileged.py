"""Instructions that only a kernel may use, found in objects, and what is not looked through is told."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from gatehouse import privileged


def assembled(place: Path, text: str) -> Path:
    source = place.with_suffix(".asm")
    source.write_text(text)
    subprocess.run(["nasm", "-f", "elf64", "-o", place, source], check=True)
    return place


@pytest.mark.parametrize("text, kinds", [
    ("mov rax, cr0\nmov rcx, dr7\nin al, dx\nret\n", set()), ("out dx, al\n", {"OUT"}), ("rep outsb\n", {"OUT"}),
    ("mov cr3, rax\n", {"MOV to a control register"}), ("mov dr7, rax\n", {"MOV to a debug register"}),
    ("lidt [rax]\n", {"LIDT"}), ("wrmsr\ninvpcid rax, [rcx]\n", {"WRMSR", "INVPCID"}),
    *((f"db {prefix:#x}\nout dx, al\n", {"OUT"})
      for prefix in (0x26, 0x2e, 0x36, 0x3e, 0x41, 0x48, 0x4f, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3)),
    ("db 0x66, 0x2e, 0xf2, 0x48\nout 0x80, al\n", {"OUT"}),
])
def test_kinds(tmp_path: Path, text: str, kinds: set[str]) -> None:
    objects = [assembled(tmp_path / "own.o", text), assembled(tmp_path / "other.o", "ret\n")]
    assert privileged.used(objects) == {objects[0]: kinds, objects[1]: set()}


def test_what_hides_behind_too_much_is_told(tmp_path: Path) -> None:
    objects = [assembled(tmp_path / "first.o", "hlt\nltr ax\n"),
               assembled(tmp_path / "long.o", "times 900000 add eax, 1\nout dx, al\n"),
               assembled(tmp_path / "last.o", "out dx, al\n")]
    assert privileged.used(objects) == {objects[0]: {"LTR"}, objects[1]: {privileged.UNSEEN},
                                        objects[2]: {privileged.UNSEEN}}
