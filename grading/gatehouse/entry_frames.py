"""Where the CPU's frame lies at each instruction of the entry code.

NASM writes no unwind information, so a debugger in the middle of a stub cannot tell what was interrupted. Here the
instructions are followed instead, from every place where a gate can lead, with a count of what was pushed: the kernel
as it was built is the only source, so a student's own way of writing it is followed too. Paths that bring different
counts to one instruction are all kept, the most travelled first; what cannot be followed (a stack switch by a
computed value) is left out, and a debugger must then look for the frame itself.

The frame's address is that of its rip slot; offsets of saved registers are relative to it, so they are negative.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from .disassembly import ENTRY_SECTION, Code, Instruction

SLOT = 8
WITH_CODE = frozenset({8, 10, 11, 12, 13, 14, 17, 21, 29, 30})    # SDM vol. 3, table 6-1; AMD APM vol. 2, 8.2
CALLER_SAVED = frozenset({"rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11"})
MOST_STATES = 100_000

_STUB = re.compile(r"entry_(\d+)")
_IMMEDIATE = re.compile(r"-?0x[0-9a-f]+|\d+")
_ON_STACK = re.compile(r"(?:QWORD PTR )?(?:ds:|ss:)?\[rsp(?:([+-])(0x[0-9a-f]+))?\]")
_READS_ONLY = frozenset({"test", "cmp", "nop", "out", "wrmsr", "lgdt", "lidt", "ltr", "bt", "div", "mul"})
_LEGACY = {part: f"r{name}" for name in ("ax", "bx", "cx", "dx", "si", "di", "bp", "sp")
           for part in (f"r{name}", f"e{name}", name, f"{name[0]}l", f"{name[0]}h", f"{name}l")}
_WHOLE = _LEGACY | {f"r{number}{size}": f"r{number}" for number in range(8, 16) for size in ("", "d", "w", "b")}
_ALSO_WRITES = {"rdmsr": ("rax", "rdx"), "rdtsc": ("rax", "rdx"), "cpuid": ("rax", "rbx", "rcx", "rdx"),
                "lodsb": ("rax", "rsi"), "div": ("rax", "rdx"), "mul": ("rax", "rdx")}


@dataclass(frozen=True)
class State:
    """Before an instruction: the frame is at `base` + `offset`, and `saved` says where registers were put."""

    offset: int
    base: str = "rsp"
    saved: tuple[tuple[str, int], ...] = ()      # register, offset from the frame
    lost: frozenset[str] = frozenset()           # registers that no longer hold the interrupted code's value
    calls: tuple[int, ...] = ()                  # return addresses within the entry code
    copies: tuple[tuple[str, int], ...] = ()     # registers that hold frame - offset

    def slot(self, register: str) -> int | None:
        """Where the interrupted code's value of a register is: an offset from the frame, None for the register."""
        return dict(self.saved).get(register)


def entries(code: Code, stubs: Mapping[int, int]) -> Iterator[tuple[int, State]]:
    """Every place where a gate can lead, with its first state: STUBS (vector to address) and what is called entry_N,
    and whole doors elsewhere."""
    named = {address: int(stub[1]) for name, address in code.functions.items() if (stub := _STUB.fullmatch(name))}
    for address, vector in ({address: vector for vector, address in stubs.items()} | named).items():
        yield address, State(SLOT if vector in WITH_CODE else 0)
    doors = {code.function_at(here.address) for here in code.instructions.values()
             if here.name.startswith("iret") and here.section != ENTRY_SECTION}
    for start in sorted(doors):
        yield start, State(0)


def follow(code: Code, stubs: Mapping[int, int] = {}) -> dict[int, list[State]]:
    """The states with which each instruction can be reached, the most frequent first."""
    reached: dict[int, Counter[State]] = {}
    for start, first in entries(code, stubs):
        for address, state in _walk(code, start, first):
            reached.setdefault(address, Counter())[state] += 1
    return {address: sorted(states, key=lambda state: (-states[state], state.base != "rsp"))
            for address, states in reached.items()}


def _walk(code: Code, start: int, first: State) -> set[tuple[int, State]]:
    seen: set[tuple[int, State]] = set()
    todo = [(start, first)]
    while todo and len(seen) < MOST_STATES:
        address, state = todo.pop()
        here = code.instructions.get(address)
        if here is None or (address, state) in seen:
            continue
        seen.add((address, state))
        todo += _next(code, here, state)
    return seen


def _next(code: Code, here: Instruction, state: State) -> list[tuple[int, State]]:
    """Where control can go from an instruction, and with what."""
    direct = here.operands and re.fullmatch(r"(0x)?[0-9a-f]{4,16}", here.operands[0])
    target = int(here.operands[0], 16) if direct else None
    inside = target in code.instructions and code.instructions[target].section == here.section
    onward = [] if here.following is None else [here.following]
    if here.name == "call":
        if here.section == ENTRY_SECTION and inside and target is not None and onward:
            return [(target, replace(_push(state, None), calls=(*state.calls, onward[0])))]
        if state.base in CALLER_SAVED or set(onward) & code.starts:      # behind a panic stands another function
            return []
        return [(address, _lose(state, CALLER_SAVED)) for address in onward]
    if here.name == "ret":
        if not state.calls:
            return []
        return [(state.calls[-1], replace(_moved(state, -SLOT), calls=state.calls[:-1]))]
    if here.name == "jmp":
        return [(target, state)] if inside and target is not None else []
    if here.name.startswith(("iret", "sysret", "sysexit", "ud2", "hlt")):
        return []
    if here.name.startswith(("j", "loop")) and target is not None:
        onward.append(target)
        return [(address, state) for address in onward if address in code.instructions]
    after = _effect(here, state)
    return [] if after is None else [(address, after) for address in onward]


def _effect(here: Instruction, state: State) -> State | None:
    """The state after an instruction that goes on to the next; None when the frame is lost."""
    operands = here.operands
    destination = _WHOLE.get(operands[0]) if operands else None
    if here.name.startswith("push"):
        return _push(state, operands[0] if operands else None)
    if here.name.startswith("pop"):
        return _pop(state, operands[0] if operands else None)
    if destination == "rsp":
        return _set_stack_pointer(here, state)
    if here.name == "mov" and operands[1] == "rsp" and destination:
        if state.base != "rsp":
            return state
        copy = {**dict(state.copies), destination: state.offset}
        return replace(_lose(state, {destination}), copies=tuple(sorted(copy.items())))
    if here.name in ("mov", "xchg") and (slot := _slot(operands[0], state)) is not None:
        stored = _store(state, slot, operands[1])
        return _lose(stored, {operands[1]}) if here.name == "xchg" else stored
    if (here.name == "mov" and destination == operands[0]
            and state.slot(destination) == _slot(operands[1], state) is not None):
        return replace(state, lost=state.lost - {destination})
    written = {name for name in _ALSO_WRITES.get(here.name, ())}
    if destination and here.name not in _READS_ONLY:
        written.add(destination)
    if here.name == "xchg" and operands[1] in _WHOLE:
        written.add(_WHOLE[operands[1]])
    return _lose(state, written)


def _set_stack_pointer(here: Instruction, state: State) -> State | None:
    source = here.operands[1] if len(here.operands) > 1 else ""
    copies = dict(state.copies)
    if here.name in ("add", "sub") and _IMMEDIATE.fullmatch(source):
        change = _signed(int(source, 0))
        return _moved(state, change if here.name == "sub" else -change)
    if here.name == "lea" and (found := _ON_STACK.fullmatch(source)):
        return _moved(state, -_offset(found))
    if here.name == "mov" and source in copies:
        return _moved(replace(state, base="rsp", offset=copies[source]), 0)
    for name, offset in sorted(copies.items()):      # `and rsp, -16` and the like: a copy still knows
        return replace(state, base=name, offset=offset)
    return None


def _push(state: State, what: str | None) -> State:
    after = _moved(state, SLOT)
    return _store(after, -after.offset, what) if what in _WHOLE and after.base == "rsp" else after


def _pop(state: State, what: str | None) -> State:
    top = -state.offset
    own = state.base == "rsp" and what is not None and state.slot(what) == top
    after = _moved(state, -SLOT)
    if what not in _WHOLE:
        return after
    return replace(after, lost=after.lost - {what}) if own else _lose(after, {what})


def _store(state: State, slot: int, what: str) -> State:
    """A register written to a slot of the stack, over whatever was there."""
    saved = {name: at for name, at in state.saved if at != slot}
    if what in _WHOLE and what not in state.lost and what != "rsp":
        saved.setdefault(what, slot)
    return replace(state, saved=tuple(sorted(saved.items())))


def _moved(state: State, down: int) -> State:
    """rsp moved; what lies above the stack's new end is kept, what lies below it is gone."""
    if state.base != "rsp":
        return state
    offset = state.offset + down
    return replace(state, offset=offset, saved=tuple(pair for pair in state.saved if pair[1] >= -offset))


def _lose(state: State, registers: set[str] | frozenset[str]) -> State:
    if state.base in registers:
        return replace(state, lost=state.lost | registers)
    return replace(state, lost=state.lost | registers,
                   copies=tuple(pair for pair in state.copies if pair[0] not in registers))


def _slot(operand: str, state: State) -> int | None:
    """The slot of the stack that a memory operand names."""
    found = _ON_STACK.fullmatch(operand)
    return None if found is None or state.base != "rsp" else _offset(found) - state.offset


def _offset(found: re.Match[str]) -> int:
    return int(found[2], 16) * (-1 if found[1] == "-" else 1) if found[2] else 0


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value
