"""make qemu, bochs, qemu-gdb, gdb, bochs-debug, as a person at a terminal uses them."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from by_hand_kernels import DEBUG, ROOT, command, run
from gatehouse import labs
from typist import Typist

EMULATORS = ["qemu", "bochs"]
GDB = r"^\(gdb\) "
BOCHS = r"<bochs:\d+> "


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Every emulator of a test has a folder in tmp_path on its command line, so that one that stays is found."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    yield tmp_path
    assert not alive(tmp_path)
    assert not list(tmp_path.glob("gatehouse-*"))


def alive(folder: Path) -> list[str]:
    """The processes that have a folder on their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if f"{folder}/gatehouse-" in line:
            found.append(line)
    return found


@pytest.mark.parametrize("emulator", EMULATORS)
def test_a_lab_boots_and_its_end_is_the_status(emulator: str) -> None:
    done = run(emulator, "02", "--test", "breakpoint loaded", "--seed", "0x2a")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "quits" in done.stdout.splitlines()[0]
    assert "Gatehouse lab 02-idt, seed 42" in done.stdout
    assert "# END [0000000000000000] 2 passed" in done.stdout
    assert "-- ended: all passed" in done.stdout


@pytest.mark.parametrize(("lab", "test", "says"), [
    ("04", "", ""), ("05", "in_use machine_check", "ok 2 machine_check [0000000000000000] # SKIP"),
    ("06", "counts idle", ""),
])
@pytest.mark.parametrize("emulator", EMULATORS)
def test_a_lab_by_hand_skips_what_only_the_grader_can_do(emulator: str, lab: str, test: str, says: str) -> None:
    names = test or " ".join(one.name for one in labs.find(labs.load(ROOT), lab).tests if one.ends == "returns")
    done = run(emulator, lab, "--test", names)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "-- ended: all passed" in done.stdout and says in done.stdout


@pytest.mark.parametrize("emulator", EMULATORS)
def test_data_are_counted_and_nobody_is_said_to_have_compared_them(emulator: str) -> None:
    done = run(emulator, "00")
    assert done.returncode == 0
    assert all(char == "\n" or " " <= char <= "~" for char in done.stdout)
    assert ("# data long_output 4096\n(4096 bytes of data; make grade compares them)\n# data end long_output\n"
            in done.stdout)
    assert ("-- ended: all passed, but nobody compared the data of long_output and slow_line: make grade LAB=00 does"
            in done.stdout)


@pytest.mark.parametrize("emulator", EMULATORS)
def test_a_triple_fault_is_told_with_what_led_there(emulator: str) -> None:
    done = run(emulator, "02", "--test", "breakpoint", source="short")
    assert done.returncode == 1
    assert re.search(r"^-- ended: triple fault.*\ntrail: .*#GP\(13\).*\n  .* at trigger_int3",
                     done.stdout, re.MULTILINE), done.stdout


@pytest.mark.parametrize("emulator", EMULATORS)
@pytest.mark.parametrize(("lab", "hole"), [("00", "0.1"), ("03", "3.1")])
def test_a_hole_is_told_with_its_place(emulator: str, lab: str, hole: str) -> None:
    done = run(emulator, lab, source="skeleton")
    assert done.returncode == 1
    assert f"reached hole {hole}, which is not filled yet\n" in done.stdout
    assert re.search(rf"-- ended: at hole {hole}, which is not filled yet: arch/\S+:\d+", done.stdout)


def test_a_test_that_qemu_cannot_judge_is_excused() -> None:
    done = run("qemu", "03", "--test", "simd_error")
    assert done.returncode == 0, done.stdout
    assert "-- simd_error fails, and that is no mistake" in done.stdout


@pytest.mark.parametrize(("words", "told"), [
    (["--test", "breakpoint,nonsense"], "TEST=nonsense: lab 02-idt has no such test; it has gate_encoding, "),
    (["--seed", "many"], "SEED=many is no number"),
])
def test_a_wrong_word_is_answered_in_one_line(words: list[str], told: str) -> None:
    done = run("qemu", "02", *words)
    assert done.returncode == 2
    assert done.stderr.startswith(told) and done.stderr.count("\n") == 1


def test_ctrl_a_x_quits_qemu(own_folder: Path) -> None:
    with Typist(command("qemu-gdb", "02", "--state", str(own_folder)), ROOT) as typist:
        typist.see("waiting for gdb on port")
        typist.type("\x01x")
        typist.see("-- QEMU was quit before the kernel was done")
        assert typist.end() == 0


def test_the_keyboard_reaches_qemu(own_folder: Path) -> None:
    with Typist(command("qemu-gdb", "02", "--state", str(own_folder)), ROOT) as typist:
        typist.see("waiting for gdb on port")
        typist.type("\x01c")
        typist.see(r"\(qemu\) ")
        typist.type("info status\r")
        typist.see("VM status: paused")
        typist.type("\x01x")
        assert typist.end() == 0


@pytest.mark.parametrize("end", ["ctrl-c", signal.SIGTERM, signal.SIGHUP])
def test_no_bochs_stays_behind(own_folder: Path, end: object) -> None:
    with Typist(command("bochs", "02"), ROOT) as typist:
        typist.see("begin")
        if isinstance(end, signal.Signals):
            subprocess.run(["kill", f"-{end.name}", str(typist.pid)], check=True)
        else:
            typist.type("\x03")
        assert typist.end() != 0


@pytest.mark.parametrize(("name", "shown"), [("bochs", "begin"), ("debug", "kernel_main"), ("tour", "Enter")])
def test_an_emulator_dies_with_its_command_even_by_sigkill(own_folder: Path, name: str, shown: str) -> None:
    with Typist(command(name, "02"), ROOT) as typist:
        typist.see(shown)
        assert alive(own_folder)
        subprocess.run(["kill", "-KILL", str(typist.pid)], check=True)
        typist.end()
    end = time.monotonic() + 5
    while alive(own_folder) and time.monotonic() < end:
        time.sleep(0.05)
    assert not alive(own_folder), f"five seconds after `make {name}` was killed"
    for left in own_folder.glob("gatehouse-*"):
        shutil.rmtree(left)


def test_two_terminals_and_a_second_machine_at_the_same_time(own_folder: Path) -> None:
    """The second one finds the first port taken; gdb goes to the machine that was started last."""
    state = ["--state", str(own_folder)]
    with Typist(command("qemu-gdb", "03", "--test", "breakpoint", "--state", str(own_folder / "other")), ROOT) as first:
        port = int(first.see(r"port (\d+)")[1])
        with Typist(command("qemu-gdb", "02", "--test", "breakpoint", *state), ROOT) as second:
            assert int(second.see(r"port (\d+)")[1]) > port
            with Typist([str(DEBUG), "gdb", *state], ROOT) as gdb:
                gdb.see(r"kernel_main")
                gdb.see(GDB)
                gdb.type("info symbol idt_load\n")
                gdb.see(r"idt_load in section .text of \S*02-idt/kernel")
                gdb.type("tbreak remember\ncontinue\n")
                gdb.see("Temporary breakpoint 2.*, remember")
                gdb.type("python import time; begin = time.monotonic()\nstack\n")
                gdb.type("python print('took', time.monotonic() - begin, 's')\n")
                assert float(gdb.see(r"took ([\d.]+) s")[1]) < 2       # it is 0.02, and is 4 if each answer is delayed
                gdb.type("continue\n")
                gdb.see("-- ended: all passed")
                gdb.see("The machine stands at power_off")
                gdb.type("quit\n")
                assert gdb.end() == 0
            second.see("-- ended: all passed")
            assert second.end() == 0
        first.type("\x01x")
        first.end()
    done = subprocess.run([str(DEBUG), "gdb", *state], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 2
    assert done.stderr == "no machine waits for gdb: say `make qemu-gdb LAB=...` in another terminal\n"


def test_a_triple_fault_is_told_in_both_terminals(own_folder: Path) -> None:
    state = ["--state", str(own_folder)]
    with Typist(command("qemu-gdb", "02", "--test", "breakpoint", *state, source="short"), ROOT) as machine:
        machine.see("waiting for gdb on port")
        with Typist([str(DEBUG), "gdb", *state], ROOT) as gdb:
            gdb.see(GDB)
            gdb.type("continue\n")
            gdb.see(r"-- ended: triple fault")
            gdb.see(r"#GP\(13\) .* at trigger_int3")
            gdb.type("quit\n")
            gdb.end()
        machine.see(r"-- ended: triple fault")
        machine.see(r"#GP\(13\) .* at trigger_int3")
        machine.type("\x01x")
        assert machine.end() == 1


def test_ctrl_c_stops_the_machine_under_gdb_and_nothing_else() -> None:
    with Typist(command("debug", "02", "--test", "breakpoint"), ROOT) as typist:
        typist.see(GDB)
        typist.type("tbreak tests_begin\n")
        typist.see(GDB)
        typist.type("continue\n")
        typist.see(r"breakpoint \d+, tests_begin")
        typist.see(GDB)
        typist.type("set *(unsigned short *) test_breakpoint = 0xfeeb\ncontinue\n")    # jmp $
        typist.see("begin 1 breakpoint")           # it runs: before that QEMU would lose the Ctrl-C
        typist.type("\x03")
        typist.see("SIGINT")
        typist.see(GDB)
        typist.type("info symbol $rip\n")
        typist.see(r"in section \.text")
        typist.type("quit\n")
        assert typist.end() == 0


def test_the_debugger_of_bochs_has_the_symbols() -> None:
    with Typist(command("bochs-debug", "03", "--test", "breakpoint"), ROOT) as typist:
        typist.see('lb "entry_normal"')
        typist.see(r"kernel_main\+0")
        typist.see(BOCHS)
        typist.type('lb "entry_normal"\n')
        typist.see(BOCHS)
        typist.type("c\n")
        typist.see(r"\(entry_normal\+0\): cld")
        typist.see(BOCHS)
        typist.type("print-stack 7\n")
        typist.see(r"0x00000003")
        typist.see(BOCHS)
        typist.type("q\n")
        assert typist.end() == 0
        assert "# begin 1 breakpoint" in typist.shown      # before or behind the debugger's own words


@pytest.mark.parametrize(("lab", "symbol"), [("00", "serial_write"), ("01", "gdt_load"), ("02", "entry_3"),
                                             ("04", "demand_fault"), ("05", "idt_use_ist"), ("06", "interrupt_end")])
def test_the_symbol_that_is_suggested_is_there(lab: str, symbol: str) -> None:
    with Typist(command("bochs-debug", lab), ROOT) as typist:
        typist.see(f'lb "{symbol}"')
        typist.see(BOCHS)
        typist.type(f'lb "{symbol}"\nc\n')
        typist.see(rf"\({symbol}\+0\)")
        typist.type("q\n")
        typist.end()


def test_the_debugger_of_bochs_tells_a_triple_fault_and_counts_data() -> None:
    with Typist(command("bochs-debug", "02", "--test", "breakpoint", source="short"), ROOT) as typist:
        typist.see(BOCHS)
        typist.type("c\n")
        typist.see(r"-- ended: triple fault")
        typist.see(r"trail: .*#GP\(13\)")
        assert typist.end() == 0
    with Typist(command("bochs-debug", "00", "--test", "long_output"), ROOT) as typist:
        typist.see(BOCHS)
        typist.type("c\n")
        typist.see(r"^\(4096 bytes of data; make grade compares them\)$")
        typist.see(r"^ok 1 long_output")
        typist.see("-- the kernel switched the machine off")
        assert typist.end() == 0
