"""What is kept of a log of vectors, and when it is a loop."""

from __future__ import annotations

import pytest
from gatehouse.machine import Event
from gatehouse.qemu_trail import Loop, TrailLog
from gatehouse.trail import CERTAIN, HEAD, ROUNDS, TAIL, Tally, raw

BLOCK = ("{:6d}: v={:02x} e={:04x} i={} cpl=0 IP=0010:{:016x} pc={:016x} SP=0018:0 env->regs[R_EAX]=0\n"
         "RAX=0\nCR0={:08x} CR2=0\n" + "XMM=" + "0" * 900 + "\n")


def tally(*events: tuple[int, int, bool, int]) -> Tally:
    out = Tally()
    for vector, error, software, rip in events:
        out.add(raw(vector, error, software, rip, rip))
    return out


def told(out: Tally) -> list[Event]:
    return out.events(lambda rip: rip)


def test_error_codes_only_where_the_cpu_pushes_one() -> None:
    out = tally((6, 0, False, 1), (12, 0, False, 2), (14, 2, False, 3), (13, 0, True, 4), (3, 7, True, 5))
    assert [event.error for event in told(out)] == [None, 0, 2, None, None]


def test_the_same_in_a_row_is_told_once() -> None:
    assert told(tally(*[(6, 0, False, 1)] * 3, (6, 0, False, 2), (6, 0, False, 1))) == [
        Event(6, None, 1, 3), Event(6, None, 2), Event(6, None, 1)]


def test_the_first_and_the_last_are_kept() -> None:
    events = told(tally(*((32, 0, False, index) for index in range(1000))))
    assert [event.rip for event in events] == [*range(HEAD), *range(1000 - TAIL, 1000)]


def test_a_circle_of_faults_is_a_loop_told_once() -> None:
    out = tally((3, 0, True, 9), *[(14, 0, False, 1), (13, 8, False, 2)] * ROUNDS)
    assert out.loops() and not out.loops(CERTAIN)
    assert told(out) == [Event(3, None, 9), Event(14, 0, 1, ROUNDS), Event(13, 8, 2, ROUNDS)]


def test_an_int_that_is_refused_again_and_again_is_a_loop() -> None:
    out = tally(*[(3, 0, True, 9), (13, 0x1a, False, 9)] * ROUNDS)
    assert out.loops() and told(out)[-1] == Event(13, 0x1a, 9, ROUNDS)
    out = tally(*[(3, 0, True, 9), (13, 0x1a, False, 10)] * 2 * ROUNDS)
    assert not out.loops(), "it was taken, and the fault came later"


@pytest.mark.parametrize("events", [
    [(14, 0, False, 1)] * (ROUNDS - 1),
    [(14, 0, False, index) for index in range(5)] * ROUNDS,
    [(32, 0, False, 1)] * 2 * ROUNDS,
    [(3, 0, True, 1)] * 2 * ROUNDS,
    [(2, 0, False, 1)] * 2 * ROUNDS,
    [(14, 0, False, 1)] * 2 * ROUNDS + [(32, 0, False, 2)],
], ids=["too few", "five places", "interrupts", "int 3", "NMIs", "an interrupt in between"])
def test_no_loop(events: list[tuple[int, int, bool, int]]) -> None:
    assert not tally(*events).loops()


def log(*blocks: tuple[int, int, int, int, int]) -> bytes:
    return "".join(BLOCK.format(number, vector, error, software, rip, rip, cr0)
                   for number, (vector, error, software, rip, cr0) in enumerate(blocks)).encode()


@pytest.mark.parametrize("chunk", [1, 7, 1000, 100_000])
def test_qemus_log_in_any_pieces(chunk: int) -> None:
    text = log((8, 0, 0, 0xf000, 0x10), (13, 0x18, 0, 0x1234, 0x80000011), (3, 0, 1, 0xffffffff80100000, 0x80000011))
    text += b"check_exception old: 0x8 new 0xd\nTriple fault\nCPU Reset (CPU 0)\n" + bytes(3000)
    out = TrailLog()
    for start in range(0, len(text), chunk):
        out.feed(text[start:start + chunk])
    assert out.trail() == [Event(13, 0x18, 0x1234), Event(3, None, 0xffffffff80100000)], "without the BIOS's"
    assert out.triple


@pytest.mark.parametrize("chunk", [1, 100_000])
def test_what_came_before_the_test_is_forgotten(chunk: int) -> None:
    mark = b"Trace 0: 0x7fb0c4193b40 [0000000000000000/ffffffff8010841f/0880c2b0/ff020000] \n"
    text = b"Linking TBs 0x7f index 0 -> 0x7f\n".join([
        log((14, 2, 0, 1, 0x80000011)) * 100, mark * 2, log((13, 0x18, 0, 2, 0x80000011), (8, 0, 0, 2, 0x80000011))])
    out = TrailLog()
    for start in range(0, len(text), chunk):
        out.feed(text[start:start + chunk])
    assert out.trail() == [Event(13, 0x18, 2), Event(8, 0, 2)]


def test_a_loop_is_told_at_its_event_whatever_follows() -> None:
    text = log(*[(14, 0, 0, 1, 1)] * (CERTAIN + 10))
    out = TrailLog()
    with pytest.raises(Loop):
        out.feed(text)
    out.feed(text)
    assert out.trail() == [Event(14, 0, 1, CERTAIN)]
