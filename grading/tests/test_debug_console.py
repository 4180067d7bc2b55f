"""What a guest says, as make qemu and the others show it."""

from __future__ import annotations

import random

import pytest
from gatehouse.hand_console import Console

TOLD = b"make grade compares them)\n"


def shown(*pieces: bytes) -> bytes:
    console = Console()
    return b"".join(map(console.feed, pieces)) + console.finish()


def in_pieces(text: bytes, size: int) -> list[bytes]:
    return [text[at:at + size] for at in range(0, len(text), size)]


def block(data: bytes, promised: int | None = None) -> bytes:
    return b"# data it %d\n%s\n# data end it\nok 1 it [00]\n" % (len(data) if promised is None else promised, data)


@pytest.mark.parametrize("size", [1, 7, 64, 1 << 16])
def test_data_are_one_line_however_they_come(size: int) -> None:
    data = random.Random(size).randbytes(4096)
    want = b"# data it 4096\n(4096 bytes of data; " + TOLD + b"# data end it\nok 1 it [00]\n"
    assert shown(*in_pieces(block(data), size)) == want
    assert b"(0 bytes of data;" in shown(*in_pieces(block(b""), size))


@pytest.mark.parametrize("size", [1, 1 << 16])
@pytest.mark.parametrize("count", [4000, 4095, 4097, 5000])
def test_lost_and_added_bytes_are_counted(count: int, size: int) -> None:
    assert (b"(%d bytes of data instead of 4096; " % count + TOLD + b"# data end it\n"
            in shown(*in_pieces(block(b"\xaa" * count, 4096), size)))


@pytest.mark.parametrize("last", [b"\nPANIC: trap\n", b"\nnot ok 1 it [00]\n", b"\n# END [00] 0 passed\n"])
def test_what_comes_in_place_of_the_mark_is_shown(last: bytes) -> None:
    assert shown(b"# data it 4096\nabc" + last) == (
        b"# data it 4096\n(3 bytes of data instead of 4096; " + TOLD + last[1:])


def test_a_hole_among_data_is_shown() -> None:
    hole = b"reached hole 0.2, which is not filled yet\n"
    assert shown(b"# data it 4096\n\x01\x02" + hole) == (
        b"# data it 4096\n(2 bytes of data instead of 4096; " + TOLD + hole)


def test_an_end_among_data_is_no_silence() -> None:
    assert shown(b"# data it 4096\n\x01\x02\x03").endswith(b"(3 bytes of data instead of 4096; " + TOLD)


def test_nothing_waits_for_the_end_of_a_line() -> None:
    console = Console()
    assert [console.feed(b"lo"), console.feed(b"gin: "), console.feed(b"x\b \b")] == [b"lo", b"gin: ", b"x\b \b"]


def test_what_wrecks_a_terminal_is_spelt_out() -> None:
    assert shown(b"a\x0e\x9b\xff\x00\x1bc\x1b[?47hb\r\n") == rb"a\x0e\x9b\xff\x00\x1bc\x1b[?47hb" + b"\r\n"
    everything = shown(bytes(range(256)))
    assert set(everything) <= {*b"\n\r\t\b", *range(0x20, 0x7f)}


def test_shells_may_colour_and_move_the_cursor() -> None:
    text = b"\x1b[1;31mred\x1b[0m \x1b[K\x1b[D"
    assert shown(text) == shown(*in_pieces(text, 1)) == text
    assert shown(b"\x1b[1") == rb"\x1b[1"
