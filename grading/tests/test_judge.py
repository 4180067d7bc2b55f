"""Every outcome class, provoked by a replayed guest; and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from guests import Guest, Replay, Said, a_test, crash, lab, transcript, until

from gatehouse import bulk, hints, labs
from gatehouse.boot import Bench, answers
from gatehouse.judge import SLOW_MOST, Judgement, judge
from gatehouse.machine import Ending, Event, Limits
from gatehouse.outcome import Outcome
from gatehouse.runs import Runs

NAMES = ["gates", "table", "limit", "breakpoint"]
HOLE = b"reached hole 2.3, which is not filled yet\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path


def sit(given: labs.Lab, guest: Guest, tests: Sequence[labs.Test] | None = None) -> tuple[Judgement, Replay]:
    emulator = Replay(guest)
    runs = Runs(given.root / "runs")
    bench = Bench(given.root, given, given.root, emulator, runs, Limits())
    return judge(bench, tests or given.tests, hints.of_lab(given)), emulator


def plain(root: Path, **more: object) -> labs.Lab:
    return lab(root, [a_test(name) for name in NAMES], **more)


def outcomes(judgement: Judgement) -> dict[str, str]:
    return {name: verdict.outcome.value for name, verdict in judgement.verdicts.items()}


def expect(judgement: Judgement, **bad: str) -> None:
    assert outcomes(judgement) == {name: bad.get(name, "pass") for name in NAMES}


def test_all_pass_and_nothing_is_kept(root: Path) -> None:
    judgement, emulator = sit(plain(root), lambda tests, nonce: Said(transcript(tests, nonce)))
    expect(judgement)
    assert emulator.booted == [NAMES] and not judgement.notes
    assert list((root / "runs").iterdir()) == []


def test_wrong_value(root: Path) -> None:
    says = {"table": "# table: gate 8, type: expected 0xe, got 0xf\nnot ok"}
    judgement, emulator = sit(plain(root), lambda tests, nonce: Said(transcript(tests, nonce, says)))
    expect(judgement, table="wrong value")
    verdict = judgement.verdicts["table"]
    assert verdict.detail == ["gate 8, type: expected 0xe, got 0xf"]
    assert verdict.directory and verdict.directory.is_dir() and verdict.tail[-1].startswith("not ok 2 table")
    assert len(emulator.booted) == 1


def test_facts_of_a_test_that_says_ok_are_free_text(root: Path) -> None:
    says = {"table": "# table: 256 gates\n"}
    judgement, _ = sit(plain(root), lambda tests, nonce: Said(transcript(tests, nonce, says)))
    expect(judgement)


def test_a_lost_result_line_costs_one_test(root: Path) -> None:
    def guest(tests: list[str], nonce: str) -> Said:
        return Said(transcript(tests, nonce).replace("ok 2 table", "ok 2 t\x00\x01le"))
    expect(sit(plain(root), guest)[0], table="missing result")


def test_silence_and_garbled_text_have_words(root: Path) -> None:
    silent, _ = sit(plain(root), lambda tests, nonce: Said(b""))
    expect(silent, **dict.fromkeys(NAMES, "missing result"))
    assert silent.verdicts["gates"].detail == ["serial: nothing arrived"]
    assert "DLAB" in (silent.verdicts["gates"].hint or "")
    five, _ = sit(plain(root), lambda tests, nonce: Said(bytes(b & 0x1f for b in transcript(tests, nonce).encode())))
    assert "five" in (five.verdicts["gates"].hint or "")
    ended, _ = sit(plain(root), lambda tests, nonce: Said(transcript(tests, nonce).replace("\n", "\r\n")))
    assert "every line ends in 0x0d 0x0a" in ended.verdicts["gates"].detail[0]


def test_a_hole_does_not_hide_that_the_text_was_unreadable(root: Path) -> None:
    def guest(readable: bool) -> Guest:
        def boot(tests: list[str], nonce: str) -> Said:
            text = until(transcript(tests, nonce), "# begin 1").encode()
            return Said(text if readable else bytes(byte & 0x1f for byte in text), debugcon=HOLE)
        return boot
    verdict = sit(plain(root), guest(readable=False))[0].verdicts["gates"]
    assert verdict.outcome == "unfilled hole" and "five-bit" in (verdict.hint or "")
    assert verdict.detail[0].startswith("reached hole 2.3") and "only the low five bits" in verdict.detail[1]
    for said in (guest(readable=True), lambda tests, nonce: Said("", debugcon=HOLE)):
        assert len(sit(plain(root), said)[0].verdicts["gates"].detail) == 1


def test_an_end_line_cut_short_costs_the_last_test(root: Path) -> None:
    judgement, emulator = sit(plain(root), lambda tests, nonce: Said(transcript(tests, nonce)[:-20]))
    expect(judgement, breakpoint="missing result")
    assert "shift register" in (judgement.verdicts["breakpoint"].hint or "") and len(emulator.booted) == 1


CRASHES = {
    "panic": Said("\nPANIC: general protection\n  at idt_load+0x12\n"),
    "unfilled hole": Said("", debugcon=HOLE),
    "triple fault": Said("", Ending.RESET, trail=[Event(13, 0x18, 0x1000, 1), Event(8, 0, 0x1000, 1)]),
    "fault loop": Said("", Ending.STUCK, rip=0x1000, loop=True, trail=[Event(14, 2, 0x1000, 9000)]),
    "hang": Said("", Ending.STUCK, rip=0x1000),
}


@pytest.mark.parametrize("outcome", CRASHES)
def test_a_crash_costs_one_test(root: Path, outcome: str) -> None:
    judgement, emulator = sit(plain(root), crash("table", CRASHES[outcome]))
    expect(judgement, table=outcome)
    assert emulator.booted == [NAMES, ["gates", "limit", "breakpoint"]]
    assert judgement.verdicts["table"].hint


def test_what_is_said_of_a_triple_fault(root: Path) -> None:
    verdict = sit(plain(root), crash("table", CRASHES["triple fault"]))[0].verdicts["table"]
    assert "trail: #GP(13) #DF(8)" in verdict.detail
    assert "  #GP(13) error code 0x18 at 0x1000" in verdict.detail
    assert "handler of #GP could not be entered" in (verdict.hint or "")


def test_hlt_and_floods_are_hangs_with_their_own_words(root: Path) -> None:
    for ending, words in ((Ending.HALTED, "sleeps for ever"), (Ending.FLOOD, "output without end")):
        judgement, _ = sit(plain(root), crash("limit", Said("x\n" * 1000, ending, rip=0x1000)))
        expect(judgement, limit="hang")
        assert words in judgement.verdicts["limit"].detail[0]


def test_a_guest_that_knocks_unasked(root: Path) -> None:
    judgement, _ = sit(plain(root), crash("table", Said("", Ending.UNASKED, rip=0x1000)))
    expect(judgement, table="wrong value")
    assert judgement.verdicts["table"].detail == [
        "the kernel knocked on the injector at 0x1000, and the test's `inject` has no line for that knock"]


def test_a_machine_check_that_the_cpu_cannot_take_costs_one_test(root: Path) -> None:
    told = "a machine check came while CR4.MCE was clear"
    dies = Said("", Ending.RESET, rip=0x1000, detail=told, trail=[Event(13, 0, 9)])
    judgement, _ = sit(plain(root), crash("table", dies))
    expect(judgement, table="triple fault")
    verdict = judgement.verdicts["table"]
    assert verdict.detail == [f"the CPU shut down at 0x1000: {told}"]
    assert "machine_check_initialise" in (verdict.hint or "")


def test_each_knock_gets_the_next_line_of_the_test_it_comes_from() -> None:
    tests = [a_test("gates", inject=("mce 0 1", "nmi")), a_test("table"), a_test("limit", inject=("mce 0 2",))]
    names, nonce = [test.name for test in tests], "0123456789abcdef"
    whole, answer = transcript(names, nonce), answers(tests, nonce)

    def ask(mark: str) -> str | None:
        return answer(until(whole, mark).encode())
    assert ask("1..3") is None, "before any test"
    assert [ask("# begin 1"), ask("# begin 1"), ask("# begin 1")] == ["mce 0 1", "nmi", None]
    assert (ask("ok 1"), ask("# begin 2"), ask("# begin 3")) == (None, None, "mce 0 2")
    assert answers(tests, nonce)(until(whole, "# begin 3").encode()) == "mce 0 2", "whatever the first left"


def test_every_test_may_crash(root: Path) -> None:
    def guest(tests: list[str], nonce: str) -> Said:
        return Said(until(transcript(tests, nonce), "# begin 1"), Ending.RESET)
    judgement, emulator = sit(plain(root), guest)
    expect(judgement, **dict.fromkeys(NAMES, "triple fault"))
    assert len(emulator.booted) == len(NAMES)


def test_a_crash_before_the_plan_takes_all_in_one_boot(root: Path) -> None:
    judgement, emulator = sit(plain(root), lambda tests, nonce: Said("", debugcon=HOLE))
    expect(judgement, **dict.fromkeys(NAMES, "unfilled hole"))
    assert len(emulator.booted) == 1


def test_early_tests_keep_their_result_when_the_set_up_dies(root: Path) -> None:
    def guest(tests: list[str], nonce: str) -> Said:
        early = [name for name in tests if name in ("gates", "table")]
        whole = transcript(tests, nonce, {"table": "# table: gate 8: expected 1, got 2\nnot ok"})
        return Said(until(whole, f"not ok {len(early)} table"), debugcon=HOLE)
    judgement, emulator = sit(plain(root, early=["gates", "table"]), guest)
    expect(judgement, table="wrong value", limit="unfilled hole", breakpoint="unfilled hole")
    assert len(emulator.booted) == 1


def test_a_crash_after_a_result_costs_that_test(root: Path) -> None:
    def guest(tests: list[str], nonce: str) -> Said:
        if "table" not in tests:
            return Said(transcript(tests, nonce))
        return Said(until(transcript(tests, nonce), "ok 2 table"), Ending.RESET)
    expect(sit(plain(root), guest)[0], table="triple fault")


def test_a_crash_after_the_end_costs_the_labs_last_test(root: Path) -> None:
    def guest(tests: list[str], nonce: str) -> Said:
        return Said(transcript(tests, nonce), debugcon=HOLE)
    expect(sit(plain(root), guest)[0], breakpoint="unfilled hole")
    judgement, _ = sit(plain(root), guest, plain(root).tests[:2])
    assert outcomes(judgement) == {"gates": "pass", "table": "pass"}
    assert judgement.notes == ["after the END line: reached hole 2.3, which is not filled yet"]


def test_needs(root: Path) -> None:
    tests = [a_test("gates"), a_test("table", needs=("gates",)), a_test("limit", needs=("table",)),
             a_test("breakpoint")]
    judgement, emulator = sit(lab(root, tests), crash("gates", CRASHES["hang"]))
    expect(judgement, gates="hang", table="not run", limit="not run")
    assert judgement.verdicts["limit"].detail == ["needs table"]
    assert emulator.booted == [NAMES, ["breakpoint"]]


def test_needs_unmet_in_the_same_boot(root: Path) -> None:
    tests = [a_test("gates"), a_test("table", needs=("gates",)), a_test("limit"), a_test("breakpoint")]
    judgement, _ = sit(lab(root, tests), lambda asked, nonce: Said(transcript(asked, nonce, {"gates": "not ok"})))
    expect(judgement, gates="wrong value", table="not run")


def test_not_judged_here(root: Path) -> None:
    tests = [a_test("gates"), a_test("table", not_on={"qemu": "xm-never"}), a_test("limit"), a_test("breakpoint")]
    judgement, emulator = sit(lab(root, tests), lambda asked, nonce: Said(transcript(asked, nonce)))
    expect(judgement, table="not judged")
    assert judgement.verdicts["table"].detail == ["row xm-never"]
    assert emulator.booted == [["gates", "limit", "breakpoint"]]


def test_a_boot_for_each_cpu(root: Path) -> None:
    tests = [a_test("gates"), a_test("table", cpu="amd"), a_test("limit"),
             a_test("breakpoint", cpu="amd", needs=("table",))]
    judgement, emulator = sit(lab(root, tests), lambda asked, nonce: Said(transcript(asked, nonce)))
    expect(judgement)
    assert emulator.booted == [["gates", "limit"], ["table", "breakpoint"]]
    assert emulator.cpus == ["intel", "amd"]


def test_skipped_by_the_kernel(root: Path) -> None:
    def guest(tests: list[str], nonce: str) -> Said:
        return Said(transcript(tests, nonce).replace(f"ok 2 table [{nonce}]", f"ok 2 table [{nonce}] # SKIP no SMAP"))
    expect(sit(plain(root), guest)[0], table="skipped")


@pytest.mark.parametrize("ending", [Ending.FAILED, Ending.CAPPED])
def test_emulator_failure_is_tried_again_and_then_told(root: Path, ending: Ending) -> None:
    judgement, emulator = sit(plain(root), lambda tests, nonce: Said("", ending, detail="qemu: no such machine"))
    expect(judgement, **dict.fromkeys(NAMES, "emulator failure"))
    assert judgement.verdicts["gates"].detail == ["qemu: no such machine"]
    assert len(emulator.booted) == 2


def test_what_is_too_slow_to_emulate_is_the_kernels_affair(root: Path) -> None:
    told = "not finished after 50 s of processor time"
    judgement, emulator = sit(plain(root), lambda tests, nonce: Said(
        until(transcript(tests, nonce), "# begin 1"), Ending.SLOW, detail=told))
    expect(judgement, **dict.fromkeys(NAMES, "hang"))
    assert len(emulator.booted) == SLOW_MOST
    assert judgement.verdicts["gates"].detail[0] == f"no end within the time of a test: {told}"


def test_what_the_emulator_spoils_once_costs_nothing(root: Path) -> None:
    spoiled: list[int] = []
    def guest(tests: list[str], nonce: str) -> Said:
        spoiled.append(1)
        return Said("", Ending.CAPPED) if len(spoiled) == 1 else Said(transcript(tests, nonce))
    expect(sit(plain(root), guest)[0])


def test_a_clock_that_leapt_is_tried_again_and_believed_the_second_time(root: Path) -> None:
    stuck = Said("", Ending.STUCK, rip=0x1000, stalled=True)
    boots: list[list[str]] = []

    def guest(tests: list[str], nonce: str) -> Said:
        boots.append(tests)
        stalls = "table" in tests and len(boots) <= times
        return crash("table", stuck)(tests, nonce) if stalls else Said(transcript(tests, nonce))
    times = 1
    expect(sit(plain(root), guest)[0])
    assert boots == [NAMES] * 2
    boots, times = [], 2
    expect(sit(plain(root), guest)[0], table="hang")
    assert boots == [NAMES] * 2 + [["gates", "limit", "breakpoint"]]


def panics(root: Path, how: Said) -> tuple[Judgement, Replay]:
    tests = [a_test("gates"), a_test("table", ends="panic", says="page fault at 0x[0-9a-f]+"), a_test("limit"),
             a_test("breakpoint")]
    return sit(lab(root, tests), crash("table", how))


def test_a_test_that_must_panic_runs_alone(root: Path) -> None:
    judgement, emulator = panics(root, Said("\nPANIC: page fault at 0x10\n"))
    expect(judgement)
    assert emulator.booted == [["gates", "limit", "breakpoint"], ["table"]]


def test_a_panic_that_says_something_else(root: Path) -> None:
    judgement, _ = panics(root, Said("\nPANIC: divide error\n"))
    expect(judgement, table="wrong value")
    assert "got \"divide error\"" in judgement.verdicts["table"].detail[0]
    expect(panics(root, CRASHES["hang"])[0], table="hang")


def test_a_panic_that_does_not_come(root: Path) -> None:
    tests = [*map(a_test, NAMES[:3]), a_test("breakpoint", ends="panic", says="x")]
    judgement, _ = sit(lab(root, tests), lambda asked, nonce: Said(transcript(asked, nonce)))
    expect(judgement, breakpoint="wrong value")


def test_data_are_compared(root: Path) -> None:
    tests = [a_test("gates", data="gates"), *map(a_test, NAMES[1:])]
    def guest(damage: bytes) -> Guest:
        def boot(asked: list[str], nonce: str) -> Said:
            good = bulk.expected(1000, 1, nonce)
            payload = good if damage == b"" else good[:500] + good[501:]
            block = b"# data gates 1000\n" + payload + b"\n# data end gates\n"
            return Said(transcript(asked, nonce).encode().replace(b"ok 1 gates", block + b"ok 1 gates"))
        return boot
    expect(sit(lab(root, tests), guest(b""))[0])
    judgement, _ = sit(lab(root, tests), guest(b"lost"))
    expect(judgement, gates="wrong value")
    assert judgement.verdicts["gates"].detail[0] == "bytes that arrived: expected 1000, got 999: 1 were lost"
    expect(sit(lab(root, tests), lambda asked, nonce: Said(transcript(asked, nonce)))[0], gates="wrong value")


def finding(check: str, text: str, *, unset: bool = False) -> SimpleNamespace:
    return SimpleNamespace(check=check, expected="0x8e", got="0x00", text=text, unset=unset)


PROBE = {"gates": "table", "limit": "limit"}


def test_a_liar_is_caught_by_the_probe(root: Path) -> None:
    seen = [finding("gates", f"gate {number} is empty") for number in range(256)]
    judgement, _ = sit(plain(root, probe=PROBE), lambda tests, nonce: Said(transcript(tests, nonce), seen=seen))
    expect(judgement, table="forged")
    assert judgement.forged
    detail = judgement.verdicts["table"].detail
    assert detail[:2] == ["printed: ok table", "the machine showed: gate 0 is empty"] and len(detail) < 10
    assert "what is printed does not count" in (judgement.verdicts["table"].hint or "")


def test_what_is_not_in_use_yet_is_no_news(root: Path) -> None:
    seen = [finding("gates", "there is no table", unset=True)]
    given = plain(root, probe=PROBE)
    def guest(tests: list[str], nonce: str) -> Said:
        return Said(transcript(tests, nonce), seen=seen)
    expect(sit(given, guest)[0], table="forged")
    assert not sit(given, guest, given.tests[:1])[0].notes


def test_of_several_that_may_notice_one_is_enough(root: Path) -> None:
    seen = [finding("gates", "gate 3 is elsewhere")]
    def guest(says: dict[str, str]) -> Guest:
        return lambda tests, nonce: Said(transcript(tests, nonce, says), seen=seen)
    given = plain(root, probe={"gates": "table, limit"})
    expect(sit(given, guest({}))[0], table="forged", limit="forged")
    judgement, _ = sit(given, guest({"limit": "# limit: IDTR base: expected 1, got 2\nnot ok"}))
    expect(judgement, limit="wrong value")
    assert not judgement.forged and judgement.verdicts["limit"].detail[-1] == "from outside: gate 3 is elsewhere"
    alone, _ = sit(given, guest({}), given.tests[:2])
    assert outcomes(alone) == {"gates": "pass", "table": "pass"}
    assert alone.notes == ["from outside: gate 3 is elsewhere"]


def test_a_failed_test_gains_detail_from_the_probe(root: Path) -> None:
    says = {"limit": "# limit: IDTR limit: expected 0xfff, got 0xffe\nnot ok"}
    def guest(tests: list[str], nonce: str) -> Said:
        return Said(transcript(tests, nonce, says), seen=[finding("limit", "IDTR limit 0xffe")])
    judgement, _ = sit(plain(root, probe=PROBE), guest)
    expect(judgement, limit="wrong value")
    assert not judgement.forged and judgement.verdicts["limit"].detail[-1] == "from outside: IDTR limit 0xffe"


def test_a_machine_that_leaves_unseen_proves_nothing(root: Path) -> None:
    judgement, _ = sit(plain(root, probe=PROBE), lambda tests, nonce: Said(transcript(tests, nonce), seen=None))
    expect(judgement, **dict.fromkeys(NAMES, "missing result"))


@pytest.mark.parametrize("how", [Said("", Ending.STUCK), Said("", Ending.RESET), Said("", debugcon=HOLE, seen=None),
                                 Said("\nPANIC: bye\n", seen=None)])
def test_a_liar_who_never_reaches_the_end_gets_nothing(root: Path, how: Said) -> None:
    def guest(tests: list[str], nonce: str) -> Said:
        return replace(how, serial=transcript(tests, nonce) + str(how.serial))
    judgement, emulator = sit(plain(root, probe=PROBE), guest)
    assert "pass" not in outcomes(judgement).values()
    assert len(emulator.booted) <= len(NAMES)


def test_a_recording_scores_nothing(root: Path) -> None:
    judgement, _ = sit(plain(root), lambda tests, nonce: Said(transcript(tests, "0" * 16)))
    expect(judgement, **dict.fromkeys(NAMES, "missing result"))
    assert any("nonce of another run" in note for note in judgement.notes)


def test_guest_text_is_escaped(root: Path) -> None:
    says = {"table": "# table: \x1b[31mred\x07: expected 1, got 2\n\x1b]0;title\x07\nnot ok"}
    verdict = sit(plain(root), lambda tests, nonce: Said(transcript(tests, nonce, says)))[0].verdicts["table"]
    assert verdict.detail == ["\\x1b[31mred\\x07: expected 1, got 2"]
    assert not any("\x1b" in line for line in verdict.tail)


def test_every_outcome_but_build_failure_is_provoked_here() -> None:
    text = Path(__file__).read_text()
    assert [one for one in Outcome if f'"{one}"' not in text] == [Outcome.BUILD]
