"""A folder in which a stranger's program has left links, pipes, more than is wanted."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from gatehouse import labs, machinery, strangers
from gatehouse.build import Builder
from gatehouse.runs import TOLD, Runs
from gatehouse.symbols import Symbols

MOST = 100
ODD: dict[str, Callable[[Path, Path], object]] = {
    "a link": lambda path, elsewhere: path.symlink_to(elsewhere),
    "a device": lambda path, elsewhere: path.symlink_to("/dev/zero"),
    "a pipe": lambda path, elsewhere: os.mkfifo(path),
    "a folder": lambda path, elsewhere: path.mkdir(),
    "too much": lambda path, elsewhere: path.write_bytes(bytes(MOST + 1)),
}


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    place = tmp_path / "elsewhere"
    place.write_text("the instructor's")
    return place


@pytest.mark.parametrize("odd", ODD)
def test_only_a_small_file_is_read(tmp_path: Path, elsewhere: Path, odd: str) -> None:
    ODD[odd](tmp_path / "x", elsewhere)
    with pytest.raises(OSError):
        strangers.read(tmp_path / "x", MOST)


@pytest.mark.parametrize("odd", ["a link", "a device", "a pipe", "too much"])
def test_what_is_written_is_a_file_of_its_own(tmp_path: Path, elsewhere: Path, odd: str) -> None:
    ODD[odd](tmp_path / "x", elsewhere)
    strangers.write(tmp_path / "x", b"new")
    assert strangers.read(tmp_path / "x", MOST) == b"new" and elsewhere.read_text() == "the instructor's"


@pytest.mark.parametrize("odd", ["a link", "a pipe", "a folder"])
def test_who_reads_what_make_has_made(tmp_path: Path, elsewhere: Path, odd: str) -> None:
    for name in ("kernel", "disk.img"):
        ODD[odd](tmp_path / name, elsewhere)
    with pytest.raises(OSError):
        Builder(tmp_path, 1)._copy(tmp_path, tmp_path / "into")
    with pytest.raises(OSError):
        Symbols(tmp_path / "kernel")
    assert list((tmp_path / "into").iterdir()) == []


def test_a_run_that_is_kept_holds_no_links(tmp_path: Path, elsewhere: Path) -> None:
    runs = Runs(tmp_path / "runs")
    kept = runs.new("x")
    elsewhere.write_bytes(bytes(2 << 20))
    (kept / TOLD).write_text("said")
    (kept / "qemu.log").symlink_to(elsewhere)
    os.mkfifo(kept / "bochs.log")
    runs.trim(kept)
    assert [path.name for path in kept.iterdir()] == [TOLD] and elsewhere.stat().st_size == 2 << 20


def test_an_object_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    lab = labs.find(labs.load(root), "00")
    name, = lab.hole_files
    made = tmp_path / "obj" / f"{name}.o"
    made.parent.mkdir(parents=True)
    (tmp_path / lab.id).mkdir()
    for archive in (tmp_path / lab.id / "standins.a", tmp_path / "base.a"):
        archive.write_bytes(b"!<arch>\n")
    for content in (b"", b"\x7fELF\x02" + bytes(100), b"\x7fELF\x02" + b"\xff" * 100):
        made.write_bytes(content)
        assert [line.startswith(f"{name}: error: what is made of it cannot be judged: it is ")
                for line in machinery.refused(lab, [lab], [name], tmp_path, tmp_path / "base.a")] == [True]
