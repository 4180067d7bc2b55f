"""make hostile: the kernel stands what is thrown at it, and a kernel that would not is found out."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from gatehouse import hostile
from gatehouse.hostile_boot import Boot, Model

ROOT = Path(__file__).resolve().parents[2]
SEED, COUNT = 1, {"qemu": 1000, "bochs": 200}
# What programs come to, unless the generator has lost its bite.
WAYS = ("#DB debug", "#BP breakpoint", "#UD invalid opcode", "#GP general protection", "#PF page fault",
        "interrupt", "itself")
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS")}


def make(*words: str) -> subprocess.CompletedProcess[str]:
    # Called from a recipe, make must not take that one's jobs and variables for its own.
    return subprocess.run(["make", "-s", "-C", str(ROOT), *words], text=True, capture_output=True, env=ENVIRONMENT)


@pytest.fixture(scope="module")
def built() -> Path:
    done = make("kernel", "LAB=hostile")
    assert done.returncode == 0, done.stderr
    return ROOT / "build/hostile"


@pytest.mark.parametrize("model", hostile.MODELS, ids=str)
def test_the_kernel_stands_it(built: Path, model: Model) -> None:
    count = COUNT[model.emulator]
    tally = hostile.throw(built, model, SEED, count)
    assert (tally.failures, tally.spoilt, tally.thrown) == ([], [], count)
    if model.emulator == "qemu":
        assert [way for way in WAYS if not tally.ended_by[way]] == []


def test_one_program_is_told_in_full(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert hostile.main(["--built", str(built), "--SEED", "7", "--COUNT", "1", "--CPU", "intel"]) == 0
    said = capsys.readouterr().out
    assert "program 7 (QEMU, Intel)\nstep 0: " in said and "movabs rsp,0x500f00" in said and "\nended by " in said
    again = hostile.main(["--built", str(built), "--SEED", "7", "--COUNT", "1", "--CPU", "intel"])
    assert (again, capsys.readouterr().out) == (0, said)


@pytest.mark.parametrize(("word", "complaint"), [
    ("SEED=x", "SEED=x is not a number from 0 to 9223372036854775808; SEED=1 and SEED=0x2a are"),
    ("COUNT=0", "COUNT=0 is not a number from 1 to 1099511627776; COUNT=1 and COUNT=0x2a are"),
    ("EMU=vax", "EMU=vax is no emulator; EMU=qemu and EMU=bochs are"),
    ("CPU=arm", "CPU=arm is no CPU; CPU=intel and CPU=amd are"),
])
def test_a_wrong_word_gets_one_line(word: str, complaint: str) -> None:
    done = make("hostile", word)
    assert done.returncode and done.stderr.splitlines()[0] == complaint and not done.stdout


def test_who_ended_the_machine_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Program 1300 ends the machine if 1299 has run before it; the emulator dies of 1500."""
    def boot(kernel: Path, model: Model, seed: int, count: int) -> Boot:
        programs = range(seed, seed + count)
        for culprit, fatal, own in ((1300, 1300 in programs and 1299 in programs, False),
                                    (1500, 1500 in programs, True)):
            if fatal:
                step = 1 if count <= hostile.BATCH else hostile.BATCH
                said = "".join(f"# from {at}\n" for at in range(seed, culprit + 1, step))
                return Boot(seed, count, said, "dies" if own else "panic: mine", own)
        return Boot(seed, count, "# ended by itself: 1\n", "")
    monkeypatch.setattr(hostile, "boot", boot)
    tally = hostile.throw(Path(), hostile.MODELS[0], 1, 2000)
    assert tally.thrown == 2000
    assert [(failure.seed, failure.what) for failure in tally.failures] == [(1300, "panic: mine")]
    assert "make hostile SEED=1045 COUNT=256 EMU=qemu CPU=intel, and 255 before it" in str(tally.failures[0])
    assert tally.spoilt == ["program 1500 (QEMU, Intel): dies"]


@dataclass(frozen=True)
class Mutant:
    """A kernel with one mistake, and by what it must be known."""

    file: str
    right: str
    wrong: str
    model: Model
    found: str
    count: int = 600


ENTRY = "arch/x86_64/entry/"
QEMU_INTEL, QEMU_AMD, BOCHS_INTEL, _ = hostile.MODELS
MUTANTS = {
    "sysret to what is not canonical": Mutant(
        ENTRY + "syscall.asm", "        cmp     rcx, [user_end]\n        jae     to_user\n", "", BOCHS_INTEL,
        "panic: |resets", 300),
    "the trap flag stays set behind sysenter": Mutant(
        ENTRY + "sysenter.asm", "        push    RFLAGS_FIXED\n        popfq\n", "", QEMU_INTEL,
        "the kernel (says meanwhile|runs with)"),
    "the direction flag stays set behind int 0x80": Mutant(
        ENTRY + "int80.asm", "        push    RFLAGS_FIXED\n        popfq\n", "", QEMU_INTEL,
        "the kernel runs with rflags"),
    "what the kernel had in rdi comes back with sysret": Mutant(
        ENTRY + "syscall.asm", "        pop     rdi\n        mov     rsp, [rsp + PT_RSP - PT_ORIG_RAX]\n",
        "        add     rsp, 8\n        mov     rsp, [rsp + PT_RSP - PT_ORIG_RAX]\n", QEMU_INTEL,
        "0xffff[0-9a-f]+ is in its (registers|memory)"),
    "a register of one program is another one's at its start": Mutant(
        ENTRY + "user_frame.c", "    *regs = (struct pt_regs){\n",
        "    u64 r12 = regs->r12;\n\n    *regs = (struct pt_regs){\n        .r12 = r12,\n",
        QEMU_INTEL, "an honest program that begins after it finds others' general registers"),
    "a program's word is taken for its address": Mutant(
        "arch/x86_64/mm/user.c", "    return size <= USER_END && address <= USER_END - size;\n",
        "    (void)address;\n    return size <= USER_END;\n",
        QEMU_INTEL, "the kernel's memory has been written to", 3000),
}


@pytest.fixture(scope="module")
def mutated(tmp_path_factory: pytest.TempPathFactory):
    """Builds a mutant. The overlay always has the same files, so that only those that change are compiled anew."""
    place = tmp_path_factory.mktemp("mutants")
    overlay, right = place / "overlay", {mutant.file: (ROOT / mutant.file).read_text() for mutant in MUTANTS.values()}

    def put(file: str, text: str) -> None:
        path = overlay / file
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)

    def build(mutant: Mutant) -> Path:
        assert right[mutant.file].count(mutant.right) == 1, f"{mutant.file} has changed: this mutant must, too"
        for file, text in right.items():
            put(file, text.replace(mutant.right, mutant.wrong) if file == mutant.file else text)
        done = make("kernel", "LAB=hostile", f"OVERLAY={overlay}", f"OUT={place / 'out'}", f"-j{os.cpu_count()}")
        assert done.returncode == 0, done.stderr
        return place / "out/hostile"
    return build


@pytest.mark.parametrize("name", MUTANTS)
def test_a_kernel_with_a_mistake_is_found_out(mutated, name: str) -> None:
    mutant = MUTANTS[name]
    tally = hostile.throw(mutated(mutant), mutant.model, SEED, mutant.count)
    assert any(re.search(mutant.found, failure.what) for failure in tally.failures), tally
