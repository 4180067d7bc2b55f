"""Unwind information as a debugger reads it: an ELF file that holds nothing but .debug_frame.

DWARF 5, section 6.4. Between the entry code and what it interrupted stands one more frame, the CPU's five slots. It is
marked as a signal frame ("S"), so that a debugger takes the address that was interrupted as it is: for a return address
it would look at the instruction before it, which for a fault is another line, or another function. gdb shows that
frame as `<signal handler called>`, and would show all entry code so if it were marked itself. The frame needs a program
counter of its own: CPU_PC, where no code ever runs.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence

from .disassembly import Code
from .entry_frames import SLOT, State

# System V ABI for x86-64, figure 3.36.
NUMBER = {name: number for number, name in enumerate(
    ("rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"))}
RIP, RFLAGS, CS, SS = 16, 49, 51, 52
CPU_FRAME = ((RIP, 0), (CS, 8), (RFLAGS, 16), (NUMBER["rsp"], 24), (SS, 32))    # SDM vol. 3, section 6.14.2

ADVANCE4, UNDEFINED, SAME_VALUE, DEFINE = 0x04, 0x07, 0x08, 0x0c    # DW_CFA_...
OFFSET = 0x11                                                      # DW_CFA_offset_extended_sf
FACTOR = -SLOT                                                     # data_alignment_factor
VALUE = 0x16                                                       # DW_CFA_val_expression
CONSTANT = 0x08                                                    # DW_OP_const1u
NO_CIE = 0xffffffff
CPU_PC, CPU_CODE = 8, 16          # in CPU_CODE bytes at address 0

Row = tuple[int, int, State]        # from address, to address, state in between


def rows(code: Code, states: Mapping[int, Sequence[State]]) -> list[Row]:
    """One row for each instruction that can be reached, by its likeliest state."""
    return [(address, code.instructions[address].following or address + 1, states[address][0])
            for address in sorted(states)]


def frames(code: Code, states: Mapping[int, Sequence[State]], outermost: Iterable[str] = ("high_half",)) -> bytes:
    """The ELF file. The functions called OUTERMOST have no caller, so a backtrace ends there."""
    table = _cie(b"S", bytes([DEFINE, NUMBER["rsp"], 0]) + b"".join(_at(*slot) for slot in CPU_FRAME))
    table += _fde(0, 0, CPU_CODE, b"")
    entry = len(table)
    table += _cie(b"", bytes([VALUE, RIP, 2, CONSTANT, CPU_PC]))
    for run in _runs(rows(code, states)):
        table += _fde(entry, run[0][0], run[-1][1], _program(run))
    last = len(table)
    table += _cie(b"", bytes([DEFINE, NUMBER["rsp"], SLOT, UNDEFINED, RIP]))
    for name in outermost:
        start = code.functions.get(name)
        if start is not None:
            inside = [here.address for here in code.instructions.values() if code.function_at(here.address) == start]
            end = code.instructions[max(inside)].following or max(inside) + 1
            table += _fde(last, start, end, b"")
    return _elf(table)


def _runs(all_rows: Iterable[Row]) -> list[list[Row]]:
    """The rows in groups without gaps."""
    runs: list[list[Row]] = []
    for row in all_rows:
        if runs and runs[-1][-1][1] == row[0]:
            runs[-1].append(row)
        else:
            runs.append([row])
    return runs


def _program(run: Sequence[Row]) -> bytes:
    text = b""
    known: dict[str, bytes] = {}
    for place, (start, _, state) in enumerate(run):
        if place:
            text += bytes([ADVANCE4]) + struct.pack("<I", start - run[place - 1][0])
        text += bytes([DEFINE, NUMBER[state.base]]) + _uleb(state.offset)
        for register, number in NUMBER.items():
            if register != "rsp":
                rule = _rule(state, register, number)
                if rule != known.get(register, bytes([SAME_VALUE]) + _uleb(number)):
                    text += rule
                known[register] = rule
    return text


def _rule(state: State, register: str, number: int) -> bytes:
    slot = state.slot(register)
    if slot is not None:
        return _at(number, slot)
    return bytes([UNDEFINED if register in state.lost else SAME_VALUE]) + _uleb(number)


def _at(register: int, offset: int) -> bytes:
    return bytes([OFFSET]) + _uleb(register) + _sleb(offset // FACTOR)


def _cie(augmentation: bytes, program: bytes) -> bytes:
    with_size = b"z" + augmentation + b"\0" if augmentation else b"\0"
    body = b"\x01" + with_size + _uleb(1) + _sleb(FACTOR) + bytes([RIP]) + (b"\0" if augmentation else b"") + program
    return _padded(struct.pack("<I", NO_CIE) + body)


def _fde(cie: int, start: int, end: int, program: bytes) -> bytes:
    size = b"\0" if cie == 0 else b""       # the first CIE has augmentation data, of no bytes
    return _padded(struct.pack("<IQQ", cie, start, end - start) + size + program)


def _padded(body: bytes) -> bytes:
    """With its length before it, filled up with DW_CFA_nop."""
    body += bytes(-(len(body) + 4) % SLOT)
    return struct.pack("<I", len(body)) + body


def _uleb(value: int) -> bytes:
    out = bytearray()
    while value > 0x7f:
        out.append(value & 0x7f | 0x80)
        value >>= 7
    return bytes([*out, value])


def _sleb(value: int) -> bytes:
    out = bytearray()
    while not -64 <= value < 64:
        out.append(value & 0x7f | 0x80)
        value >>= 7
    return bytes([*out, value & 0x7f])


def _elf(table: bytes) -> bytes:
    """A .text at address 0 besides, because gdb takes offsets from there."""
    names = b"\0.text\0.debug_frame\0.shstrtab\0"
    header = 64
    sections_at = header + len(table) + len(names)
    sections_at += -sections_at % SLOT

    def section(name: bytes, kind: int, flags: int, offset: int, size: int) -> bytes:
        return struct.pack("<IIQQQQIIQQ", names.index(name), kind, flags, 0, offset, size, 0, 0, 1, 0)

    text = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 2, 62, 1, 0, 0, sections_at, 0, 64, 0, 0, 64, 4, 3)
    text += table + names
    text += bytes(sections_at - len(text)) + bytes(64)
    text += section(b".text\0", 8, 6, header, CPU_CODE)
    text += section(b".debug_frame\0", 1, 0, header, len(table))
    return text + section(b".shstrtab\0", 3, 0, header + len(table), len(names))
