"""Every way in which a machine can end, in both emulators, with guests of a few instructions."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import tiny
from gatehouse import supervise
from gatehouse.bochs import Bochs
from gatehouse.machine import RAM, Emulator, Ending, Limits, NotMapped, Run, Table, View
from gatehouse.qemu import Qemu, watchdog_seconds
from gatehouse.symbols import Symbols

SHORT = Limits(instructions=40_000_000)
LINE = "lab=02 nonce=0123456789abcdef"
Boot = Callable[..., Run]


@pytest.fixture(scope="session")
def guests(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    place = tmp_path_factory.mktemp("guests")
    lock = threading.Lock()

    def guest(name: str) -> Path:
        with lock:
            return place / name if (place / name / "disk.img").exists() else tiny.build(name, place)
    return guest


@pytest.fixture(params=[Qemu(), Bochs()], ids=lambda emulator: emulator.name)
def emulator(request: pytest.FixtureRequest) -> Emulator:
    return request.param


@pytest.fixture
def boot(emulator: Emulator, guests: Callable[[str], Path], tmp_path: Path) -> Boot:
    def run(name: str, limits: Limits = SHORT, look: Callable[[View], object] | None = None, label: str = "run") -> Run:
        return emulator.run(guests(name), LINE, tmp_path / label, limits, look)
    return run


@pytest.fixture
def cause(guests: Callable[[str], Path]) -> Callable[[str], int]:
    """The address of the guest's instruction that causes its end."""
    return lambda name: Symbols(guests(name) / "kernel").address("cause")


def said(run: Run) -> bytes:
    """The serial bytes without the name that QEMU puts before a command line."""
    return run.serial.removeprefix(b"kernel ")


def test_an_end_with_all_that_was_said(boot: Boot, emulator: Emulator) -> None:
    run = boot("end")
    assert (run.ending, said(run), run.debugcon, run.detail) == (Ending.ENDED, LINE.encode(), b"E9\n", "power off")
    assert (run.emulator, run.trail, run.loop, run.seen) == (emulator.name, [], False, None)
    assert (run.directory / "serial.log").read_bytes() == run.serial
    assert (run.directory / "debugcon.log").read_bytes() == run.debugcon
    assert run.command


def test_the_stopped_machine(boot: Boot, guests: Callable[[str], Path]) -> None:
    symbols = Symbols(guests("end") / "kernel")
    gdt = symbols.address("gdt")

    def look(view: View) -> str:
        assert view.gdtr == Table(gdt, tiny.GDT_LIMIT) and view.idtr == Table(0, 0)
        assert (view.tr.selector, view.tr.base, view.tr.limit) == (0x40, tiny.HIGH + 0x6000, 0x67)
        assert view.registers()["rsp"] == tiny.HIGH + 0x7000
        assert (view["cs"], view["ss"], view["cr3"], view["cr4"], view["gs_base"]) == (0x10, 0x18, 0x30000, 0x20, 0)
        assert view["efer"] == 0x501
        assert view.kernel_gs_base == tiny.KERNEL_GS
        assert view.read(gdt + 0x10, 8) == symbols.read(gdt + 0x10, 8)
        assert view.read(gdt + 0x45, 1) == b"\x8b", "LTR marks the TSS busy"
        assert view.read(gdt & 0x1fffff, 0x1800) == view.read(gdt, 0x1800), "more than one piece, across pages"
        for hole in (0x200000, tiny.HIGH + 0x400000, tiny.HIGH - 1):
            with pytest.raises(NotMapped):
                view.read(hole, 1)
        assert view.symbols.address("gdt") == gdt
        return "seen"
    run = boot("end", look=look)
    assert (run.ending, run.seen, run.debugcon) == (Ending.ENDED, "seen", b"E9\n")


def test_memory_behind_the_page_tables(boot: Boot, guests: Callable[[str], Path]) -> None:
    symbols = Symbols(guests("end") / "kernel")
    gdt = symbols.address("gdt")

    def look(view: View) -> bytes:
        assert view.physical(gdt - tiny.HIGH + 3, 9) == view.read(gdt + 3, 9), "across words"
        tables = view["cr3"]
        assert view.physical(tables, 8) == (tables + 0x1000 | 0x23).to_bytes(8, "little"), "the CPU set A"
        assert view.physical(tables + 511 * 8, 8) == (tables + 0x1000 | 0x23).to_bytes(8, "little")
        for nowhere in (RAM - 7, 1 << 51):
            with pytest.raises(NotMapped):
                view.physical(nowhere, 8)
        return b"".join(view.physical(page << 12, 4096) for page in range(0x20, 0x60))
    run = boot("end", look=look)
    assert (run.ending, len(run.seen), run.debugcon) == (Ending.ENDED, 64 * 4096, b"E9\n"), "more than the log may hold"


def test_the_devices(boot: Boot, emulator: Emulator) -> None:
    run = boot("devices", look=lambda view: (view.devices, view.features))
    devices, features = run.seen
    assert [(pic.base, pic.mask, pic.in_service) for pic in devices.pics] == [(0x20, 0xfb, 0), (0x28, 0xff, 0)]
    assert devices.local_apic.spurious == 0x1ef and devices.local_apic.in_service == frozenset([0x41, 0xfe])
    lvt = devices.local_apic.lvt
    assert (lvt["timer"], lvt["lint0"], lvt["lint1"], lvt["error"]) == (0x20031, 0x10700, 0x400, 0xfe)
    assert (len(devices.redirection), devices.redirection[4], devices.redirection[5]) == (24, 0x34, 0x0100000000018035)
    assert features == set(said(run)[len(LINE):].decode().split()), "as CPUID says"


def test_what_look_raises_passes_through(boot: Boot) -> None:
    def look(view: View) -> None:
        raise LookupError("mine")
    with pytest.raises(LookupError, match="mine"):
        boot("end", look=look)


def test_a_triple_fault_with_its_trail(boot: Boot, cause: Callable[[str], int]) -> None:
    run = boot("triple", look=lambda view: "never")
    assert (run.ending, run.rip, run.detail, run.seen) == (Ending.RESET, cause("triple"), "triple fault", None)
    vectors = [event.vector for event in run.trail]
    assert vectors[:2] == [6, 13] and 8 in vectors and not run.loop
    assert run.trail[0].error is None and run.trail[1].error is not None
    assert {event.rip for event in run.trail} == {cause("triple")}


def test_the_trail_begins_with_the_kernel(boot: Boot, cause: Callable[[str], int]) -> None:
    run = boot("triple_after_int3")
    assert run.ending == Ending.RESET
    assert [event.vector for event in run.trail[:3]] == [3, 3, 3]
    assert all(event.error is None for event in run.trail[:3])
    assert run.trail[0].rip != run.trail[1].rip != run.trail[2].rip
    assert 8 in [event.vector for event in run.trail]


def test_the_trail_begins_with_the_test(boot: Boot, cause: Callable[[str], int]) -> None:
    run = boot("triple_after_another_test")
    assert run.ending == Ending.RESET and run.trail
    assert {event.rip for event in run.trail} == {cause("triple_after_another_test")}


def test_a_reset_by_a_port(boot: Boot) -> None:
    run = boot("port_reset")
    assert (run.ending, run.detail, run.trail) == (Ending.RESET, "reset by a port, not by a fault", [])
    assert said(run) == LINE.encode(), "the machine is not booted again"


@pytest.mark.parametrize("name", ["halt", "halt_last", "idle"])
def test_a_machine_asleep_for_ever(boot: Boot, cause: Callable[[str], int], name: str) -> None:
    run = boot(name, Limits())
    assert (run.ending, run.rip) == (Ending.HALTED, cause(name)), "and at once, though the limit is far"
    assert run.detail == f"hlt with interrupts {'on' if name == 'idle' else 'off'}"
    assert (said(run), run.debugcon) == (LINE.encode(), b"E9\n")


def test_a_guest_that_knocks(guests: Callable[[str], Path], tmp_path: Path, cause: Callable[[str], int]) -> None:
    heard: list[bytes] = []

    def knock(label: str, *lines: str) -> Run:
        def answer(serial: bytes) -> str | None:
            heard.append(serial.removeprefix(b"kernel " + LINE.encode()))
            return dict(enumerate(lines, 1)).get(len(heard))
        heard.clear()
        return Qemu().run(guests("knock"), LINE, tmp_path / label, SHORT, lambda view: "seen", answer)
    run = knock("twice", "o /b 0x3ff 0x5a", "o /b 0x3ff 0xa5")
    assert (run.ending, run.seen, said(run)) == (Ending.ENDED, "seen", LINE.encode() + b"\x01\x5a\xa5")
    assert heard == [b"\x01", b"\x01\x5a"], "all that was said before the knock"
    run = knock("too often", "o /b 0x3ff 0x5a")
    assert (run.ending, run.rip, said(run)[-2:]) == (Ending.UNASKED, cause("knock"), b"\x01\x5a")
    assert knock("unasked").ending == Ending.UNASKED
    run = knock("refused", "mce 0")
    assert run.ending == Ending.FAILED and run.detail.startswith("QEMU's monitor says to `mce 0`: ")


def test_a_machine_check_from_outside(guests: Callable[[str], Path], tmp_path: Path) -> None:
    """Ten banks, and of bank 5 the address that the monitor gave, before the instruction after the knock."""
    run = Qemu().run(guests("machine_check"), LINE, tmp_path / "run", SHORT, None,
                     lambda serial: "mce 0 5 0xbe00000000000135 0x5 0x12345642 0x8c")
    assert (run.ending, said(run)) == (Ending.ENDED, LINE.encode() + b"\x0a\x42.")


def test_a_machine_check_that_the_cpu_cannot_take(guests: Callable[[str], Path], tmp_path: Path,
                                                  cause: Callable[[str], int]) -> None:
    def run(name: str) -> Run:
        return Qemu().run(guests(name), LINE, tmp_path / name, SHORT, None,
                          lambda serial: "mce 0 5 0xbe00000000000135 0x5 0x12345642 0x8c")
    off = run("knock_and_stop")
    assert (off.ending, off.rip) == (Ending.RESET, cause("knock_and_stop"))
    assert off.detail == "a machine check came while CR4.MCE was clear"


def test_a_machine_that_did_not_get_on_behind_a_knock(guests: Callable[[str], Path], tmp_path: Path) -> None:
    def run(name: str) -> Run:
        return Qemu().run(guests(name), LINE, tmp_path / name, SHORT, None, lambda serial: "o /b 0x3ff 0x5a")
    stood, went_on = run("knock_and_stop"), run("knock_and_spin")
    assert (stood.ending, stood.stalled) == (Ending.STUCK, True)
    assert (went_on.ending, went_on.stalled) == (Ending.STUCK, False)


def test_nobody_to_knock_on(guests: Callable[[str], Path], tmp_path: Path) -> None:
    run = Bochs().run(guests("knock"), LINE, tmp_path / "run", SHORT)
    assert run.ending == Ending.ENDED and said(run)[len(LINE):len(LINE) + 1] == b"\xff"


def test_the_watchdog_waits_while_a_guest_is_paused(guests: Callable[[str], Path], tmp_path: Path) -> None:
    def answer(serial: bytes) -> str:
        time.sleep(1.5)
        return "o /b 0x3ff 0x5a"
    def same(label: str) -> bool:
        slow, fast = (Qemu().run(guests("knock_and_spin"), LINE, tmp_path / f"{name}{label}", SHORT, None, given).rip
                      for name, given in (("slow", answer), ("fast", lambda serial: "o /b 0x3ff 0x5a")))
        assert slow is not None
        return slow == fast
    # Now and then QEMU's clock leaps to the guest's next timer when it pauses on a busy computer, some ms of
    # guest time.
    assert any(same(label) for label in "abc")


def test_a_spin_stops_at_the_same_instruction_under_load(boot: Boot, cause: Callable[[str], int]) -> None:
    first = boot("spin")
    assert (first.ending, first.debugcon) == (Ending.STUCK, b"E9\n")
    assert first.rip is not None and 0 <= first.rip - cause("spin") < 4000 and not first.trail
    load = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(3)]
    try:
        assert [boot("spin", label=f"again{i}").rip for i in range(3)] == [first.rip] * 3
    finally:
        for process in load:
            process.kill()
            process.wait()


def test_a_fault_loop_is_told_early(boot: Boot, cause: Callable[[str], int]) -> None:
    run = boot("fault_loop", Limits())
    event, = run.trail
    assert (run.ending, run.loop, run.rip) == (Ending.STUCK, True, cause("fault_loop"))
    assert (event.vector, event.error, event.rip, event.count) == (6, None, cause("fault_loop"), 10_000)


def test_a_slow_fault_loop_is_told_at_the_limit(boot: Boot, cause: Callable[[str], int]) -> None:
    run = boot("slow_fault_loop")
    assert (run.ending, run.loop) == (Ending.STUCK, True)
    assert run.trail[-1].rip == cause("slow_fault_loop") and 500 < run.trail[-1].count < 10_000


def test_many_faults_are_no_loop(boot: Boot) -> None:
    run = boot("many_faults")
    assert (run.ending, run.loop, run.trail) == (Ending.ENDED, False, [])


def test_floods_are_cut_at_the_byte(boot: Boot) -> None:
    limits = Limits(output=5000)
    run = boot("flood", limits)
    assert run.ending == Ending.FLOOD and len(run.serial) == 5000 and run.serial.endswith(b"AAAA")
    run = boot("e9_flood", limits, label="e9")
    assert (run.ending, run.debugcon) == (Ending.FLOOD, b"E9\n" + b"B" * 4997)


def test_every_byte_arrives(boot: Boot) -> None:
    whole = bytes(range(256))
    assert said(boot("binary")) == LINE.encode() + whole
    assert boot("e9_binary", label="e9", look=lambda view: view["rip"]).debugcon == b"E9\n" + whole


def test_a_guest_that_speaks_like_the_debugger(boot: Boot, cause: Callable[[str], int]) -> None:
    run = boot("liar", look=lambda view: "seen")
    assert (run.ending, run.seen) == (Ending.ENDED, "seen")
    assert run.debugcon.startswith(b"E9\n(0) Breakpoint 1") and run.debugcon.endswith(b"41000000 ===\nlie\n")
    run = boot("lying_spin", label="spin")
    assert (run.ending, run.rip) == (Ending.STUCK, cause("lying_spin"))


def test_the_wall_clock(boot: Boot) -> None:
    run = boot("spin", Limits(wall=0.1))
    assert run.ending in (Ending.CAPPED, Ending.SLOW) and run.detail.startswith("not finished after 0")


def test_an_emulator_that_dies(boot: Boot) -> None:
    def murder() -> None:
        while not supervise._alive:
            time.sleep(0.01)
        time.sleep(0.05)
        supervise.end_all()
    threading.Thread(target=murder).start()
    run = boot("spin")
    assert run.ending == Ending.FAILED and run.detail


def test_an_emulator_that_would_not_start(boot: Boot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
                                          emulator: Emulator) -> None:
    fake = tmp_path / "bin"
    fake.mkdir()
    for program in ("qemu-system-x86_64", "bochs"):
        (fake / program).write_text("#!/bin/sh\necho cannot start today >&2\nexit 1\n")
        (fake / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake}:{os.environ['PATH']}")
    run = boot("end")
    assert (run.ending, run.detail) == (Ending.FAILED, "cannot start today")


def test_an_emulator_that_is_missing(boot: Boot, emulator: Emulator, monkeypatch: pytest.MonkeyPatch,
                                     guests: Callable[[str], Path]) -> None:
    guests("end")
    monkeypatch.setenv("PATH", "/nowhere")
    line = emulator.missing()
    assert line is not None and "is not installed: apt-get install " in line and "\n" not in line
    run = boot("end")
    assert (run.ending, run.detail) == (Ending.FAILED, line)


def test_what_is_no_kernel(emulator: Emulator, tmp_path: Path) -> None:
    run = emulator.run(tmp_path, LINE, tmp_path / "run")
    assert run.ending == Ending.FAILED and "kernel" in run.detail
    (tmp_path / "kernel").write_bytes(b"no ELF file")
    run = emulator.run(tmp_path, LINE, tmp_path / "run")
    assert run.ending == Ending.FAILED and "no ELF64 file" in run.detail


def test_a_command_line_too_long_for_the_disk(guests: Callable[[str], Path], tmp_path: Path) -> None:
    run = Bochs().run(guests("end"), "x" * 1536, tmp_path)
    assert run.ending == Ending.FAILED and "command line" in run.detail


def test_many_at_once_leave_nothing_behind(guests: Callable[[str], Path], tmp_path: Path) -> None:
    def run(index: int) -> Run:
        emulator = (Qemu(), Bochs())[index % 2]
        return emulator.run(guests("end"), f"{LINE} seed={index}", tmp_path / ("long" * 40) / str(index), SHORT)
    guests("end")
    before = len(os.listdir("/proc/self/fd"))
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(run, range(8)))
    assert [run.ending for run in runs] == [Ending.ENDED] * 8
    assert [said(run)[-1:] for run in runs] == [b"%d" % index for index in range(8)]
    assert len(os.listdir("/proc/self/fd")) == before and not supervise._alive


def test_the_watchdog_rounds_up() -> None:
    assert [watchdog_seconds(limit) for limit in (1, 31_250_000, 31_250_001, 250_000_000, 10**12)] == [2, 2, 4, 16, 30]
