"""What the serial port carries is believed only as far as nonce, plan and order go."""

from __future__ import annotations

import random

import pytest

from gatehouse import bulk
from gatehouse.ktap import Transcript, parse

NONCE = "0123456789abcdef"
OTHER = "fedcba9876543210"
TESTS = ["gates", "table", "limit"]

HEAD = f"Gatehouse lab 02-idt, seed 1, nonce {NONCE}\nKTAP version 1\n1..3\n"
GOOD = (HEAD + f"# begin 1 gates\nok 1 gates [{NONCE}]\n# begin 2 table\nok 2 table [{NONCE}]\n"
        f"# begin 3 limit\nok 3 limit [{NONCE}]\n# END [{NONCE}] 3 passed, 0 failed, 0 skipped\n")


def read(text: str | bytes, tests: list[str] = TESTS) -> Transcript:
    return parse(text.encode("latin-1") if isinstance(text, str) else text, tests, NONCE)


def passed(said: Transcript) -> list[str]:
    return [name for name, section in said.sections.items() if section.ok and section.skip is None]


def test_a_good_transcript_counts() -> None:
    said = read(GOOD)
    assert passed(said) == TESTS
    assert said.banner and said.plan and said.ended and not said.notes and said.unfinished is None


def test_a_recording_counts_for_nothing() -> None:
    said = read(GOOD.replace(NONCE, OTHER))
    assert passed(said) == [] and not said.banner and not said.ended
    assert said.notes["a result with the nonce of another run"] == 3


def test_a_recording_before_the_real_run_changes_nothing() -> None:
    said = read(GOOD.replace(NONCE, OTHER).replace("1..3\n", "") + GOOD)
    assert passed(said) == TESTS and said.ended


def test_results_without_a_plan_count_for_nothing() -> None:
    said = read(GOOD.replace("1..3\n", ""))
    assert passed(said) == [] and not said.plan


@pytest.mark.parametrize("plan", ["1..2", "1..4", "1..0", "1..999999"])
def test_a_wrong_plan_is_none(plan: str) -> None:
    said = read(GOOD.replace("1..3", plan))
    assert passed(said) == [] and not said.plan
    assert any("plan" in note for note in said.notes)


def test_the_second_plan_does_not_replace_the_first() -> None:
    said = read(GOOD.replace("1..3\n", "1..2\n1..3\n"))
    assert said.plan and "a second plan" not in said.notes   # the first was no plan at all
    assert read(GOOD.replace("1..3\n", "1..3\n1..3\n")).notes["a second plan"] == 1


def test_repeated_results_gain_nothing() -> None:
    said = read(GOOD.replace(f"ok 1 gates [{NONCE}]\n", f"ok 1 gates [{NONCE}]\n" * 500))
    assert passed(said) == TESTS
    assert said.notes["a repeated or late result of gates"] == 499


def test_a_test_that_says_both_has_failed() -> None:
    line = f"ok 1 gates [{NONCE}]\n"
    assert read(GOOD.replace(line, line + "not " + line)).sections["gates"].ok is False
    assert read(GOOD.replace(line, "not " + line + line)).sections["gates"].ok is False


def test_results_out_of_order_gain_nothing() -> None:
    begun = "# begin 1 gates\n# begin 2 table\n# begin 3 limit\n"
    said = read(HEAD + begun + f"ok 3 limit [{NONCE}]\nok 1 gates [{NONCE}]\nok 2 table [{NONCE}]\n")
    assert passed(said) == ["limit"]


def test_a_test_that_never_began_has_not_passed() -> None:
    said = read(GOOD.replace("# begin 2 table\n", ""))
    assert passed(said) == ["gates", "limit"] and said.sections["table"].ok is None
    assert said.notes["a result of table, which had not begun"] == 1
    late = read(GOOD.replace("# begin 2 table\n", "").replace("# begin 3", "# begin 2 table\n# begin 3"))
    assert passed(late) == ["gates", "limit"]


def test_a_test_that_never_began_has_failed_if_it_says_so() -> None:
    said = read(HEAD + f"# gates: type of gate 8: expected 0x8e, got 0x8f\nnot ok 1 gates [{NONCE}]\n")
    assert said.sections["gates"].ok is False and len(said.sections["gates"].facts) == 1


@pytest.mark.parametrize("line", [
    f"ok 1 table [{NONCE}]", f"ok 4 more [{NONCE}]", f"ok 0 gates [{NONCE}]", "ok 1 gates",
    f"ok 1 gates [{NONCE}] ", f" ok 1 gates [{NONCE}]", f"ok 1 gates [{NONCE.upper()}]", f"xok 1 gates [{NONCE}]",
    f"ok 1 gates [{NONCE}]\r",
])
def test_lines_that_are_not_quite_results(line: str) -> None:
    assert passed(read(HEAD + "# begin 1 gates\n" + line + "\n")) == []


def test_results_after_the_end_count_for_nothing() -> None:
    said = read(HEAD + f"# begin 1 gates\n# END [{NONCE}] 0 passed, 0 failed, 0 skipped\nok 1 gates [{NONCE}]\n")
    assert said.ended and passed(said) == []


def test_a_lost_line_costs_one_test() -> None:
    said = read(GOOD.replace(f"ok 2 table [{NONCE}]\n", f"ok 2 ta\x80\xff [{NONCE}]\n"))
    assert passed(said) == ["gates", "limit"]
    assert "an END line whose counts differ from the results before it" in said.notes


@pytest.mark.parametrize("cut", [1, 10, 30, 50])
def test_a_truncated_end_is_no_end(cut: int) -> None:
    said = read(GOOD.rstrip("\n")[:-cut])
    assert not said.ended and passed(said) == TESTS


def test_where_the_output_stopped() -> None:
    assert read(GOOD[:GOOD.index("ok 2")]).unfinished == "table"
    stopped = read(GOOD[:GOOD.index("# begin 2")])
    assert stopped.unfinished is None and stopped.last == "gates"


def test_facts_belong_to_their_test() -> None:
    said = read(HEAD + "# begin 1 gates\n# gates: type of gate 8: expected 0x8e, got 0x8f\n# free text\nanything\n"
                f"not ok 1 gates [{NONCE}]\n")
    assert said.sections["gates"].facts == ["type of gate 8: expected 0x8e, got 0x8f"]
    assert said.sections["gates"].ok is False


def test_a_skipped_test_has_a_reason() -> None:
    said = read(HEAD + f"# begin 1 gates\nok 1 gates [{NONCE}] # SKIP this CPU has no SMAP\n")
    assert said.sections["gates"].skip == "this CPU has no SMAP"


def test_a_panic_and_its_details() -> None:
    said = read(HEAD + "# begin 1 gates\n\nPANIC: #GP, general protection\n  at idt_load+0x12\n")
    assert said.panic == "#GP, general protection" and said.panic_lines == ["  at idt_load+0x12"]
    assert said.unfinished == "gates"


def test_rubbish_and_floods_break_nothing() -> None:
    noise = random.Random(1).randbytes(200_000)
    assert passed(read(noise)) == []
    assert passed(read(b"\xff" * 500_000 + b"\n" + GOOD.encode())) == TESTS
    assert passed(read(b"\n" * 500_000 + GOOD.encode())) == TESTS
    assert passed(read(GOOD.encode() + noise)) == TESTS
    assert read(b"").last is None


def test_a_flood_of_facts_is_cut() -> None:
    said = read(HEAD + "# begin 1 gates\n" + "# gates: again\n" * 10_000)
    assert len(said.sections["gates"].facts) <= 200 and len(said.sections["gates"].lines) <= 200


def data(payload: bytes, length: int, after: str = "") -> Transcript:
    return read((HEAD + f"# begin 1 gates\n# data text {length}\n").encode() + payload + b"\n# data end text\n"
                + f"ok 1 gates [{NONCE}]\n".encode() + after.encode())


def test_data_arrive_whole_whatever_they_hold() -> None:
    payload = bytes(range(256)) + f"\nok 2 table [{NONCE}]\n# data end text\nnot the end".encode()
    said = data(payload, len(payload))
    assert said.sections["gates"].data and said.sections["gates"].data.got == payload
    assert passed(said) == ["gates"]


def test_lines_go_on_after_lost_or_added_bytes() -> None:
    for payload in (b"", b"abc", b"x" * 500):
        said = data(payload, 100)
        assert said.sections["gates"].data and said.sections["gates"].data.got == payload
        assert passed(said) == ["gates"]


def test_data_without_an_end_do_not_hide_results() -> None:
    said = read(HEAD + f"# begin 1 gates\n# data text 999999999\nok 1 gates [{NONCE}]\n")
    assert passed(said) == ["gates"]


def test_splitmix64_is_that_of_the_paper() -> None:
    # The first numbers for seed 1234567, as Vigna's reference implementation prints them.
    numbers = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821]
    want = b"".join(number.to_bytes(8, "little") for number in numbers)
    assert bulk.expected(40, 1234567 ^ int(NONCE, 16), NONCE) == want
    assert bulk.expected(13, 1234567 ^ int(NONCE, 16), NONCE) == want[:13]


def test_what_is_wrong_with_data() -> None:
    good = bulk.expected(100, 1, NONCE)
    def wrong(payload: bytes) -> list[str]:
        return bulk.compare("text", data(payload, 100).sections["gates"].data, 1, NONCE)
    assert wrong(good) == []
    assert wrong(good[:17] + good[18:])[0] == "bytes that arrived: expected 100, got 99: 1 were lost"
    assert wrong(good[:17] + good[18:])[1].startswith(f"first difference at offset 17: expected {good[17]:#04x}, got ")
    assert wrong(good[:60])[1].endswith("got the end")
    assert wrong(good + b"!") == ["bytes that arrived: expected 100, got 101: 1 too many"]
    assert wrong(bytes([good[0] ^ 1]) + good[1:]) == [
        f"first difference at offset 0: expected {good[0]:#04x}, got {good[0] ^ 1:#04x}"]
    assert bulk.compare("text", None, 1, NONCE) == ['the data "text" did not arrive']
    assert bulk.compare("text", data(b"", 0).sections["gates"].data, 1, NONCE)
