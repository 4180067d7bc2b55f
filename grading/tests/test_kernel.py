"""The kernel's own tests (kernel/tests), and what it prints when it ends."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from gatehouse import ktap
from gatehouse.bochs import Bochs
from gatehouse.machine import Ending, Run
from gatehouse.qemu import Qemu

ROOT = Path(__file__).resolve().parents[2]
NONCE = "0123456789abcdef"
RETURNING = {
    "memory": ("no_page_is_writable_and_executable", "map_and_unmap", "mapped_twice", "paging_next", "device_map",
               "pages", "shared_page", "all_pages", "heap"),
    "undisturbed": ("taken_in_interrupts",),
    "report": ("printing", "symbols"),
    "faults": ("region_add", "regions_cut", "no_access", "huge_region", "refused_growth", "fill_of_a_cut_region",
               "mended_already", "shared_by_two", "space_switch", "only_looking", "looking_at_broken_tables",
               "safe_access", "protections"),
    "regions": ("regions_join", "regions_gap", "regions_drop", "regions_move", "no_memory_to_move",
                "too_many_regions", "file_pages"),
    "debug": ("breakpoints_refused", "steps_in_the_kernel", "breakpoints_held"),
    "traps": ("foreseen", "breakpoint_on_a_row", "fault_address_kept", "stack_in_use"),
    "nmi": ("machine_check_settled", "nmi_while_a_frame_moves"),
    "interrupts": ("acpi", "acpi_wrong", "acpi_rsdp", "redirection_entries_interrupted", "line_without_input",
                   "interrupts_printed", "received_bytes_kept"),
    "time": ("timers", "timer_started_twice", "timer_starts_itself", "time_never", "calibration_interrupted"),
    "idle": ("breakpoint_before_halt", "nmi_before_halt", "halt_overtaken"),
    "memory calls": ("mmap", "mmap_refused", "mmap_files", "munmap", "mprotect", "madvise", "mremap",
                     "mremap_refused", "brk", "memory_eaten"),
    "process": ("process_life", "end_signals", "ends_without_exit"),
    "tasks": ("task_taken_over", "task_without_memory", "selectors_that_are_gone", "no_local_descriptors",
              "faults_inside_a_fault"),
    "spaces": ("space_given_back", "space_with_a_shared_page", "space_without_memory", "touch_without_memory"),
    "fpu": ("fpu_kept", "fpu_avx_kept", "fpu_exception_owed", "fpu_given_back"),
    "elf": ("elf_loaded", "elf_odd_and_good", "elf_refused", "elf_cut_short", "elf_too_many_segments", "elf_fuzz"),
    "elf32": ("elf32_loaded", "elf32_refused", "elf32_fuzz"),
    "strace32": ("strace32_lines",),
    "thread_area": ("thread_areas", "thread_areas_of_two"),
    "commands": ("commands", "too_many_words"),
    "calls": ("signals_half_done", "limits_half_done", "random_up_to_the_edge", "bases_refused", "time_arguments"),
    "exec": ("initial_stack", "initial_stack_alone", "arguments_too_long", "exec_names"),
    "files": ("descriptors", "typing", "typing_by_keys", "typing_long_lines"),
    "file_calls": ("file_read", "file_seek", "file_vectors", "file_write", "file_send", "file_descriptors",
                   "file_poll"),
    "path_calls": ("file_open", "file_openat", "file_status", "file_directories", "file_links"),
    "any_file_calls": ("file_nonsense",),
    "initramfs": ("initramfs", "initramfs_twice", "initramfs_spoilt", "initramfs_names", "initramfs_cut_short",
                  "initramfs_mutated", "paths", "path_links", "node_path"),
}
PRINTED = """\
# [-42] [   42] [42   ] [00042] [4000000000] [beef]
# [-4611686018427387904] [18446744073709551615] [000000000000feed] [8]
# [text] [  text] [text  ] [te] [c] [%] [0x0000000000001234]
"""


@pytest.fixture(scope="module")
def kernel() -> Path:
    """The complete kernel with its own tests."""
    subprocess.run(["make", "-s", "-C", str(ROOT), "kernel", "LAB=kernel"], check=True, stdout=subprocess.DEVNULL)
    return ROOT / "build" / "kernel"


@pytest.fixture(params=[Qemu, Bochs], ids=["qemu", "bochs"])
def boot(request: pytest.FixtureRequest, kernel: Path, tmp_path: Path):
    """Boots it with the words of a command line."""
    def run(words: str) -> Run:
        return request.param().run(kernel, f"nonce={NONCE} {words}", tmp_path / "run")
    return run


def panic(run: Run) -> str:
    """The report of a kernel that panicked and then ended."""
    assert run.ending is Ending.ENDED
    text = run.serial.decode()
    assert text.count("PANIC: ") == 1
    return text[text.index("PANIC: "):]


@pytest.mark.parametrize("names", RETURNING.values(), ids=RETURNING.keys())
def test_all_that_return_pass(boot, names: tuple[str, ...]) -> None:
    run = boot("test=" + ",".join(names))
    said = ktap.parse(run.serial, names, NONCE)
    assert run.ending is Ending.ENDED and said.ended
    assert {name: said.sections[name].ok for name in names} == dict.fromkeys(names, True)


# By what a CPU has to save its registers with: FXSAVE alone, XSAVE without AVX, both.
@pytest.mark.parametrize("model", ["qemu64", "max,vendor=GenuineIntel,-avx", "max,vendor=GenuineIntel,-xsave", "EPYC"])
@pytest.mark.parametrize("group", ["tasks", "fpu"])
def test_registers_of_programs_on_other_cpus(kernel: Path, tmp_path: Path, model: str, group: str) -> None:
    names = RETURNING[group]
    run = Qemu(model).run(kernel, f"nonce={NONCE} test={','.join(names)}", tmp_path / "run")
    said = ktap.parse(run.serial, names, NONCE)
    without = {"fpu_kept": "qemu64",
               "fpu_avx_kept": "qemu64 max,vendor=GenuineIntel,-avx max,vendor=GenuineIntel,-xsave"}
    for name in names:
        assert said.sections[name].ok, run.serial.decode()
        assert bool(said.sections[name].skip) == (model in without.get(name, "").split())


def test_reserved_bits_of_programs_registers(kernel: Path, tmp_path: Path) -> None:
    """Row mxcsr-reserved: QEMU takes them."""
    run = Bochs().run(kernel, f"nonce={NONCE} test=fpu_reserved_bits", tmp_path / "run")
    assert ktap.parse(run.serial, ["fpu_reserved_bits"], NONCE).sections["fpu_reserved_bits"].ok, run.serial.decode()


def test_nmi_to_itself(boot) -> None:
    run = boot("test=nmi_self")
    assert ktap.parse(run.serial, ["nmi_self"], NONCE).sections["nmi_self"].ok, run.serial.decode()


def test_printing(boot) -> None:
    assert PRINTED in boot("test=printing").serial.decode()


def test_panic_says_what_where_and_how(boot) -> None:
    text = panic(boot("test=plain_panic"))
    assert text.startswith("PANIC: the test's own, 42\n  at innermost+0x")
    assert re.search(r"on the boot stack, \d+ of 16384 bytes used", text)
    assert re.findall(r"^    (\w+)\+0x", text, re.M)[:4] == ["innermost", "middle", "test_plain_panic",
                                                            "tests_run_before"]
    for register in ("rax rbx rcx rdx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 "
                     "rip cs ss rflags cr2 efer gs").split():
        assert re.search(rf"\b{register} +(0x)?[0-9a-f]+", text), register


def test_exception_that_nobody_expects_names_its_vector(boot) -> None:
    text = panic(boot("test=exception_panic"))
    assert text.startswith("PANIC: vector 6, #UD invalid opcode\n  at test_exception_panic+0x")
    assert "rbx 1122334455667788" in text
    assert "r15 fffffffffffffffe" in text
    assert re.findall(r"^    (\w+)\+0x", text, re.M)[:2] == ["test_exception_panic", "tests_run_before"]


def test_page_fault_that_is_a_bug_is_told_in_words(boot) -> None:
    text = panic(boot("test=below_the_stack"))
    assert re.match(r"PANIC: page fault: write to an unmapped page at 0xf{8}\w{8}, supervisor\n"
                    r"  error code 0x2\n  mapping: none, the entry of level 1 is 0\n  region: none\n"
                    r"  that is the guard page of the boot stack: the stack has overflowed\n"
                    r"  at test_below_the_stack\+0x", text), text


@pytest.mark.parametrize(("name", "said"), [
    ("early_null", r"write to an unmapped page at 0x10, supervisor\n(?s:.*)region: none\n  at test_early_null\+0x"
                   r"(?s:.*)\n    kernel_main\+0x"),
    ("broken_tables", r"write to a page whose tables have a reserved bit set at 0x10000000000, supervisor\n"
                      r"(?s:.*)\n  at user_copy\+0x"),
    ("unknown_error_bit", r"read of a page that is forbidden by a bit of the error code that nobody here knows at "),
    ("huge_page", r"write to a read-only page at 0x10000123456, supervisor\n  error code 0x3\n"
                  r"  mapping: physical 0, 1048576 KiB, r-x, supervisor, entry of level 3 \w5\n"),
    ("fill_fails", r"write to an unmapped page at 0x\w+, supervisor\n(?s:.*)\n  region: .*, rw-, supervisor\n"
                   r"  the page that it promises could not be had: error -5\n"),
])
def test_page_fault_names_the_cause(boot, name: str, said: str) -> None:
    text = panic(boot(f"test={name}"))
    assert re.match("PANIC: page fault: " + said, text), text


@pytest.mark.parametrize(("name", "said"), [
    ("too_large_a_device", r"no room to map 0x4000000001 bytes at physical 0xf0000000\n"),
    ("fault_of_a_program", r"vector 14, #PF page fault: CS in the frame says ring 3, and no program runs\n"),
    ("program_on_a_row", r"vector 13, #GP general protection: CS in the frame says ring 3, and no program runs\n"
                         r"  at read_safe\+0x\w+\n  in a program, on a stack of its own\n"),
    ("interrupts_left_on", r"the handler of vector 3, #BP breakpoint, has turned interrupts on and not off again\n"),
    ("panic_with_a_timer", r"the test's own, (?s:.*)\n    kernel_main\+0x"),
])
def test_panic_where_an_exception_went_wrong(boot, name: str, said: str) -> None:
    text = panic(boot(f"test={name}"))
    assert re.match("PANIC: " + said, text), text


def test_a_panic_that_faults_ends(boot) -> None:
    run = boot("test=panic_without_end")
    assert (run.ending, run.serial.count(b"PANIC: ")) == (Ending.ENDED, 3)


def test_machine_check_that_demands_an_action(kernel: Path, tmp_path: Path) -> None:
    """SRAR: the program counter is good, the data that the interrupted code is about to use is not."""
    run = Qemu().run(kernel, f"nonce={NONCE} test=machine_check_that_needs_action", tmp_path,
                     answer=lambda serial: "mce 0 5 0xbd80000000000134 0x5 0x1234000 0x8c")
    said = run.serial.decode()
    assert re.search(r"# machine check, bank 5: .*\n.*\nPANIC: vector 18, #MC", said), said


def test_freeing_twice_is_told(boot) -> None:
    assert re.match(r"PANIC: heap_free\(0x[0-9a-f]{16}\): freed twice\n", panic(boot("test=heap_freed_twice")))
    assert re.match(r"PANIC: page at 0x[0-9a-f]{16} freed, but it is not allocated\n",
                    panic(boot("test=page_freed_twice")))


def test_a_knock_is_answered_from_outside(kernel: Path, tmp_path: Path) -> None:
    lines = iter(["o /b 0x3ff 0x5a", "o /b 0x3ff 0xa5"])
    words = f"nonce={NONCE} test=injector"
    run = Qemu().run(kernel, words, tmp_path / "qemu", answer=lambda serial: next(lines, None))
    section = ktap.parse(run.serial, ["injector"], NONCE).sections["injector"]
    assert (run.ending, section.ok, section.skip) == (Ending.ENDED, True, None)
    run = Qemu().run(kernel, words, tmp_path / "alone")
    assert run.ending is Ending.UNASKED
    run = Bochs().run(kernel, words, tmp_path / "bochs")
    assert ktap.parse(run.serial, ["injector"], NONCE).sections["injector"].skip == "nobody waits for a knock here"
    by_hand = subprocess.run([ROOT / "grading/debug", "qemu", "--built", kernel, "--test", "injector"],
                             stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert "ok 1 injector [0000000000000000] # SKIP nobody waits for a knock here" in by_hand.stdout


@pytest.mark.parametrize(("words", "complaint"), [
    ("tset=all", 'no key is named "tset"; the keys are lab, test, seed, count, nonce, trace, fsgsbase, and run, '
                 'the last one'),
    ("seed=x", "seed=x is not a number; seed=1 and seed=0x2a are"),
    ("test", '"test" has no value; write key=value, as in test=all'),
    ("nonce=12", "nonce=12 is not 16 digits of 0-9 and a-f"),
    ("test=heap,heep", 'no test is named "heep"'),
    ("lab=02", "lab=02, but this is the kernel of lab kernel"),
])
def test_bad_command_line(boot, words: str, complaint: str) -> None:
    assert panic(boot(words)).startswith(f"PANIC: command line: {complaint}\n")


@pytest.mark.parametrize("size", ["16M", "5G"])
def test_any_memory_map(kernel: Path, tmp_path: Path, size: str) -> None:
    """From little memory to RAM on both sides of the hole below 4 GiB."""
    serial = tmp_path / "serial.log"
    done = subprocess.run(
        ["qemu-system-x86_64", "-machine", "q35", "-m", size, "-nodefaults", "-display", "none", "-no-reboot",
         "-serial", f"file:{serial}", "-debugcon", "null", "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
         "-kernel", kernel / "kernel",
         "-append", "test=" + ",".join(RETURNING["memory"])], timeout=300)
    assert done.returncode == 1, serial.read_text()      # status 0 through the exit port
