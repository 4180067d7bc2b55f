"""gdb with Gatehouse's helpers on the running kernel: backtraces at every instruction, and each command."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from by_hand_kernels import ROOT, command

SCRIPT = ROOT / "grading" / "tests" / "round_trip.gdb.py"


def gdb(lab: str, test: str, commands: list[str], source: str = "reference", **environment: str) -> str:
    """What gdb prints for commands typed at `make debug`."""
    done = subprocess.run(command("debug", lab, "--test", test, source=source), capture_output=True, text=True,
                          input="\n".join(["set width 0", *commands, "quit", ""]), errors="replace", timeout=300,
                          cwd=ROOT, env={**os.environ, **environment})
    assert not done.returncode, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("source", ["reference", "other"])
@pytest.mark.parametrize(("test", "start", "end", "nmi"), [
    ("breakpoint", "trigger_bp_start", "trigger_bp_rip", "1"),          # a trap, no code
    ("invalid_opcode", "trigger_ud_start", "trigger_ud_next", "0"),     # a fault at a function's first byte
    ("page_fault", "trigger_pf_read_start", "trigger_pf_read_next", "1"),      # with a code
])
def test_bt_is_right_at_every_instruction(source: str, test: str, start: str, end: str, nmi: str) -> None:
    told = gdb("03", test, [f"source {SCRIPT}"], source=source, START=start, END=end, NMI=nmi)
    summary = re.search(r"^(\d+) instructions, (\d+) of them struck, 0 wrong$", told, re.MULTILINE)
    assert summary, told[-3000:]
    assert int(summary[1]) > 60 and (nmi == "0" or int(summary[2]) > 40), summary[0]


def test_bt_is_right_when_every_nmi_changes_the_stack() -> None:
    told = gdb("05", "own_stacks", [f"source {SCRIPT}"], START="trigger_ud_start", END="trigger_ud_next", NMI="1")
    summary = re.search(r"^(\d+) instructions, (\d+) of them struck, 0 wrong$", told, re.MULTILINE)
    assert summary and int(summary[2]) > 40, told[-3000:]


def test_three_stacks_deep() -> None:
    told = gdb("05", "backtrace", ["tbreak walk_from_here", "continue", "bt", "pt_regs", "stacks", "tss", "up 8",
                                   "stack 3"])
    assert re.search(r"#0  walk_from_here .*#3  <signal handler called>\n#4  step_once .*#5 .* step_in_nmi .*"
                     r"#8  <signal handler called>\n#9 .*nmi_self .*test_backtrace .*kernel_main ",
                     told, re.DOTALL), told
    assert re.search(r"\+0xa0  ss +0x0{16}  null: the interrupted code was entered by an IST stack$",
                     told, re.MULTILINE), told
    rows = re.findall(r"(0x\w+) to (0x\w+) +(\d+) KiB  guard page (0x\w+)  (.*)$", told, re.MULTILINE)
    assert [name for *_, name in rows] == [
        "#DF stack", "NMI stack", "#DB stack  <- rsp", "#MC stack", "boot stack"], told
    assert all(int(low, 16) - int(guard, 16) == 4096 for low, _, _, guard, _ in rows)
    tops = {name.split("  ")[0]: top for _, top, _, _, name in rows}
    for number, name in enumerate(("#DF stack", "NMI stack", "#DB stack", "#MC stack"), 1):
        assert f"ist{number}    {tops[name]}  the {name}\n" in told
    assert re.search(r"the NMI stack, .*: 40 of 8192 bytes used\n.*  rip, local_apic_write", told), told


def test_a_stack_that_has_overflowed() -> None:
    told = gdb("05", "stack_overflow", ["tbreak do_double_fault", "continue", "bt -3", "bt 5", "pt_regs",
                                        "set $rsp = boot_stack - 16", "stack 2", "continue", "bt 2", "continue"])
    assert re.search(r"#0  do_double_fault .*#3  <signal handler called>\n#4  .*overflow \(\)", told, re.DOTALL), told
    assert re.search(r"tests_run_before .*\n#\d+ .*kernel_main .*\n#\d+ .*high_half ", told), (
        "the other end of the recursion")
    assert re.search(r"rsp +0x\w+  the boot stack\n", told), told
    assert re.search(r"^rsp = 0x\w+, in the guard page of the boot stack: it has overflowed by 16 bytes$",
                     told.replace("(gdb) ", ""), re.MULTILINE), told
    assert re.search(r"-- ended: the kernel panicked\nThe machine stands at power_off: .*\n"
                     r".*#0  power_off .*\n#1 .* in report ", told), told
    assert "the machine has ended and cannot go on" in told


def test_the_way_in_of_an_interrupt() -> None:
    stub = "python gdb.execute('tbreak *%#x' % helpers.kernel.current().symbols.stubs()[0x62])"
    told = gdb("06", "counts", ["python import helpers", stub, "continue", "bt 3", "stepi 2", "bt 3", "pt_regs",
                                "leave"])
    assert len(re.findall(r"#0  irq_stubs .*\n#1  <signal handler called>\n#2 .* local_apic_write ", told)) == 2, told
    assert re.search(r"  vector +0x0+62\n.*  orig_rax +0xf+ .*\n.*  rip +0x\w+  local_apic_write", told), told
    assert "left for local_apic_write" in told


def test_the_end_is_told_in_words() -> None:
    told = gdb("02", "", ["continue", "bt 2", "info symbol $rip", "stepi", "stack 1"])
    assert re.search(r"# END .* 8 passed, 0 failed, 0 skipped\n-- ended: all passed\n"
                     r"The machine stands at power_off: ", told), told
    assert re.search(r"#0  power_off .*\n#1 .* kernel_main ", told)
    assert "the machine has ended and cannot go on" in told and "Remote" not in told
    told = gdb("03", "reaches_c", ["tbreak *entry_normal", "continue", "leave", "leave"], source="skeleton")
    assert re.search(r"-- ended: at hole 3\.1, which is not filled yet: arch/x86_64/entry/vectors\.asm:\d+\n",
                     told), told
    told = gdb("03", "page_fault", ["tbreak trap", "continue", "set vectors_handler[14] = do_bug", "leave"])
    assert "-- ended: the kernel panicked" in told and "Remote" not in told, told


def test_bt_crosses_the_stand_in_stubs_of_lab_02() -> None:
    told = gdb("02", "breakpoint", ["break remember", "continue", "bt"])
    assert re.search(r"#0  remember.* in report_and_resume .*<signal handler called>\n"
                     r"#\d+  .*trigger_int3_next \(\).*kernel_main", told, re.DOTALL)


def test_a_frame_that_is_not_where_the_code_would_put_it_is_looked_for() -> None:
    """INT 13 pushes no error code, though the stub counts on one: every slot is 8 bytes off."""
    told = gdb("03", "breakpoint", ["tbreak *&trigger_bp_start", "continue", "delete",
                                    "set *(unsigned short *) &trigger_bp_start = 0x0dcd", "stepi", "bt 4",
                                    "stepi 2", "bt 4", "stepi 5", "bt 4", "print $rsi", "frame 2", "print $rsi",
                                    "frame 0", "pt_regs"])
    assert len(re.findall(r"#0 .*entry_(?:13|normal) .*\n#1  <signal handler called>\n#2 .*trigger_bp_\w+ .*\n"
                          r"#3 .*provoke ", told)) == 3, told
    inner, interrupted = re.findall(r"\$\d+ = (-?\d+)$", told, re.MULTILINE)
    assert inner == interrupted
    assert re.search(r"rsi +0x\w+\n.*  -  .*0x0+d\n.*  rip +0x\w+  trigger_bp", told), told


def test_commands_show_the_machine() -> None:
    told = gdb("03", "page_fault", [
        "echo <boot_gdt>\\n", "gdt", "echo <-->\\n", "tbreak trap", "continue", "echo <pt_regs>\\n", "pt_regs",
        "echo <stack>\\n", "stack 45", "echo <idt>\\n", "idt", "idt 14", "echo <gdt>\\n", "gdt",
        "echo <tss>\\n", "tss", "echo <gs>\\n", "gs", "echo <end>\\n"])
    shown = dict(re.findall(r"^(?:\(gdb\) )*<([\w-]+)>\n(.*?)(?=^(?:\(gdb\) )*<)", told, re.MULTILINE | re.DOTALL))

    def see(name: str, *patterns: str) -> None:
        for pattern in patterns:
            assert re.search(pattern, shown[name], re.MULTILINE), f"{pattern!r} is not in\n{shown[name]}"

    see("pt_regs", r"struct pt_regs at 0xffffffff\w+, on the boot stack", r"\+0x00  r15 ",
        r"\+0x78  orig_rax .*-1: no system", r"\+0x80  rip .*trigger_pf_read", r"\+0x88  cs .*KERNEL_CS",
        r"\+0xa0  ss .*KERNEL_DS")
    see("stack", r"^(\(gdb\) )?the boot stack, .* bytes used$", r"return to entry_normal|a return to entry_normal",
        r"  rdi$", r"  cs, KERNEL_CS$", r"\d+ more words")
    see("stack", r"0x0+18  ss, KERNEL_DS\n.*  skipped by the CPU when it aligned rsp\n(?!.*skipped)",
        r"  return to provoke\+0x\w+$")
    assert not re.search("return to (?!entry_normal|provoke)", shown["stack"]), shown["stack"]
    see("idt", r"  dpl       0  INT 14 is allowed in ring 0,", r"limit 0xfff: 256 gates",
        r"^ +3  interrupt gate  dpl 3  ist 0  0x0010:entry_3  #BP", r"^ +9  not present",
        r"31 to 255  not present", r"^(\(gdb\) )?gate 14 at .*#PF", r"  selector  0x0010  KERNEL_CS",
        r"  present   1")
    see("boot_gdt", r"0x08 .*code, 64-bit, ring 0")
    assert "KERNEL" not in shown["boot_gdt"]
    see("gdt", r"limit 0x7f", r"0x10 .*KERNEL_CS +code, 64-bit, ring 0", r"0x20 .*code, 32-bit, ring 3",
        r"0x40 .*TSS, busy", r"0x48 .*upper half", r"0x50 to 0x78: empty")
    see("tss", r"TR 0x0040, TSS at .*percpu0.*limit 0x67", r"ist7    0, not set", r"io map  0x68, beyond the limit")
    see("gs", r"gs_base   in use .*percpu0  the kernel's", r"k_gs_base after SWAPGS  0x0+  not set")


def test_pt_regs_shows_a_frame_in_the_making_and_finish_does_not_hang() -> None:
    told = gdb("03", "page_fault", ["tbreak *entry_normal", "continue", "stepi 3", "pt_regs", "finish", "leave",
                                    "pt_regs"])
    assert "a frame in the making" in told
    assert re.search(r"rdx +0x\w+.*\n.*rsi +0x\w+.*\n.*vector +0x0+e\b", told), told
    assert "still in the CPU: r15 " in told
    assert "say `leave`" in told
    assert "left for trigger_pf_read_next" in told
    assert "no frame is on the stack here" in told


def test_mistakes_get_one_line() -> None:
    told = gdb("03", "page_fault", ["idt 256", "pt_regs 0x7fff00000000", "idt nothing", "leave", "kill", "idt"])
    assert "the IDT ends with gate" in told or "no gate" in told
    assert "nothing is mapped at 0x7fff00000000" in told
    assert "is no vector" in told
    assert "no way into the kernel is on the stack here" in told
    assert "no machine is attached" in told
    assert "Traceback" not in told and "Python Exception" not in told


def test_an_unfilled_kernel_can_be_debugged(tmp_path: Path) -> None:
    told = gdb("03", "reaches_c", ["tbreak hole_reached", "continue", "bt 3"], source="skeleton")
    assert re.search(r"#0  hole_reached \(\)", told), told


def test_a_triple_fault_leaves_the_machine_to_be_looked_at() -> None:
    told = gdb("02", "breakpoint", ["continue", "bt 2", "continue", "stepi", "idt"], source="short")
    assert re.search(r"^-- ended: triple fault.*\ntrail: .*#GP\(13\).*#DF\(8\)", told, re.MULTILINE), told
    assert "The machine stands at trigger_int3" in told
    assert re.search(r"#0 .*trigger_int3\w* ", told), told
    assert told.count("the machine has ended and cannot go on") == 2
    assert "limit 0x2f: 3 gates" in told
    assert "Remote" not in told and "Python Exception" not in told, told


def test_no_slot_is_a_return_address_for_what_its_bytes_look_like() -> None:
    """The CPU's rip slot, with bytes before the address that could be the end of an indirect call."""
    told = gdb("03", "reaches_c", ["tbreak hole_reached", "continue", "set $to = *(unsigned long *)$rsp",
                                   "set *(unsigned short *)($to - 3) = 0x90ff", "bt", "stack 12"], source="skeleton")
    assert re.search(r"#0  hole_reached.*\n#1 .* provoke ", told), told
    assert not re.search("return to trigger", told), told
