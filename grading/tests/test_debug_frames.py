"""Following the entry code: where the CPU's frame is, for code written in ways that students find."""

from __future__ import annotations

import subprocess
from pathlib import Path

from gatehouse import cfi, disassembly, entry_frames
from gatehouse.disassembly import Code
from gatehouse.entry_frames import State

PROLOGUE = ("bits 64\ndefault rel\nglobal _start\nsection .text exec\n_start: ret\nother: ret\n"
            "section .entry.text exec\n")


def followed(tmp_path: Path, text: str) -> tuple[Code, dict[int, list[State]]]:
    source, object_file, image = tmp_path / "a.asm", tmp_path / "a.o", tmp_path / "a"
    source.write_text(PROLOGUE + text)
    subprocess.run(["nasm", "-f", "elf64", source, "-o", object_file], check=True)
    subprocess.run(["ld", "-o", image, object_file], check=True)
    code = disassembly.disassemble(image)
    return code, entry_frames.follow(code)


def at(code: Code, states: dict[int, list[State]], label: str) -> State:
    found = states[code.functions[label]]
    assert len(found) == 1, found
    return found[0]


def test_pushes_are_counted_from_what_the_cpu_pushed(tmp_path: Path) -> None:
    code, states = followed(tmp_path, "entry_3: push -1\npush 3\njmp door\nentry_14: push 14\njmp door\n"
                                      "door: push rsi\n.saved: pop rsi\nadd rsp, 16\n.out: iretq\n")
    assert states[code.functions["entry_3"]] == [State(0)]
    assert states[code.functions["entry_14"]] == [State(8)]
    assert at(code, states, "door").offset == 16
    assert at(code, states, "door.saved").saved == (("rsi", -24),)
    assert at(code, states, "door.out") == State(0)


def test_the_vector_s_slot_becomes_a_register_s(tmp_path: Path) -> None:
    """Until the old value is stored the register itself has it; then the slot."""
    code, states = followed(tmp_path, "entry_3: push -1\npush 3\n.before: mov [rsp], rdi\n.after: mov rdi, rsp\n"
                                      ".lost: call other\n.back: mov rdi, [rsp]\n.again: add rsp, 16\niretq\n")
    assert at(code, states, "entry_3.before").slot("rdi") is None
    assert at(code, states, "entry_3.after").slot("rdi") == -16
    assert "rdi" in at(code, states, "entry_3.lost").lost
    assert {"rax", "r11"} <= at(code, states, "entry_3.back").lost
    assert "rdi" not in at(code, states, "entry_3.again").lost


def test_xchg_and_lea_and_a_copy_of_rsp(tmp_path: Path) -> None:
    code, states = followed(tmp_path, "entry_3: lea rsp, [rsp - 16]\n.there: xchg [rsp], rdi\n.swapped: push rbx\n"
                                      "mov rbx, rsp\nand rsp, -16\n.aligned: call other\nmov rsp, rbx\n.back: pop rbx\n"
                                      "lea rsp, [rsp + 16]\n.out: iretq\n")
    assert at(code, states, "entry_3.there").offset == 16
    swapped = at(code, states, "entry_3.swapped")
    assert swapped.slot("rdi") == -16 and "rdi" in swapped.lost
    aligned = at(code, states, "entry_3.aligned")
    assert (aligned.base, aligned.offset) == ("rbx", 24)
    assert at(code, states, "entry_3.back").offset == 24
    assert at(code, states, "entry_3.out").offset == 0
    assert "rbx" not in at(code, states, "entry_3.out").lost


def test_a_helper_of_the_entry_code_is_followed_into_and_back(tmp_path: Path) -> None:
    code, states = followed(tmp_path, "entry_3: push -1\ncall helper\n.back: add rsp, 8\niretq\nhelper: push rax\n"
                                      ".inside: pop rax\nret\n")
    assert at(code, states, "helper.inside").offset == 24
    assert at(code, states, "entry_3.back").offset == 8


def test_both_counts_are_kept_where_stubs_disagree(tmp_path: Path) -> None:
    """A stub that forgets its -1: the debugger decides by the frame which one it was."""
    code, states = followed(tmp_path, "entry_3: push 3\njmp door\nentry_4: push -1\npush 4\njmp door\n"
                                      "entry_5: push -1\npush 5\njmp door\ndoor: add rsp, 16\niretq\n")
    assert [state.offset for state in states[code.functions["door"]]] == [16, 8]


def test_nothing_is_followed_behind_a_function_that_never_returns(tmp_path: Path) -> None:
    code, states = followed(tmp_path, "entry_3: push -1\nmov rdi, rsp\nand rsp, -16\n"
                                      ".call: call other\nnext: push rax\n")
    assert code.functions["entry_3.call"] in states
    assert code.functions["next"] not in states


def test_a_lost_frame_is_left_out_and_a_whole_door_elsewhere_is_found(tmp_path: Path) -> None:
    code, states = followed(tmp_path, "entry_3: mov rsp, [rsp + 24]\n.lost: iretq\n"
                                      "section .text\nown_door: push rax\n.saved: pop rax\niretq\n")
    assert code.functions["entry_3.lost"] not in states
    assert at(code, states, "own_door.saved").offset == 8


def test_binutils_reads_the_unwind_information_as_it_is_meant(tmp_path: Path) -> None:
    code, states = followed(tmp_path, "entry_14: push 14\npush rbp\n.saved: pop rbp\nadd rsp, 16\niretq\n")
    path = tmp_path / "frames"
    path.write_bytes(cfi.frames(code, states, outermost=["_start"]))
    told = subprocess.run(["readelf", "--debug-dump=frames-interp", path], check=True, capture_output=True, text=True)
    assert not told.stderr
    saved = f"{code.functions['entry_14.saved']:016x}"
    row = next(line.split() for line in told.stdout.splitlines() if line.startswith(saved))
    assert row[1] == "rsp+24" and "c-24" in row
    assert f"pc={code.functions['_start']:016x}" in told.stdout
