"""idt, gdt, tss, gs: what the CPU's tables hold, read from memory where its registers point."""

from __future__ import annotations

import gdb

from . import kernel
from .machine import argument, describe, named, read, register, system, word
from .stacks import stack_name

SELECTORS = {0x08: "KERNEL32_CS", 0x10: "KERNEL_CS", 0x18: "KERNEL_DS", 0x20: "USER32_CS", 0x23: "USER32_CS",
             0x28: "USER_DS", 0x2b: "USER_DS", 0x30: "USER_CS", 0x33: "USER_CS", 0x40: "TSS_SELECTOR"}
GATE_TYPES = {0xc: "call gate", 0xe: "interrupt gate", 0xf: "trap gate"}
SYSTEM_TYPES = {0x2: "LDT", 0x9: "TSS, available", 0xb: "TSS, busy"}
GATE = 16
PER_CPU = "percpu0"          # holds the GDT that the selectors are of
IST_STACKS = 7


def vector_name(vector: int) -> str:
    """As vectors.def has it; "" in a kernel without the table."""
    try:
        return gdb.parse_and_eval(f"vectors[{vector}].name").string()
    except gdb.error:
        return ""


class Idt(gdb.Command):
    """idt [VECTOR] -- the interrupt descriptor table that IDTR points to, or one gate of it, bit by bit."""

    def __init__(self) -> None:
        super().__init__("idt", gdb.COMMAND_DATA)

    def invoke(self, text: str, from_tty: bool) -> None:
        base, limit = system().idt
        count = (limit + 1) // GATE
        if text:
            vector = argument(text, "vector")
            if vector >= count:
                raise gdb.GdbError(f"the IDT ends with gate {count - 1}")
            print("\n".join(gate_in_full(vector, base + GATE * vector)))
            return
        print(f"IDT at {named(base)}, limit {limit:#x}: {count} gates")
        table = read(base, GATE * count)
        absent: list[int] = []
        for vector in range(count):
            gate = table[GATE * vector:GATE * (vector + 1)]
            if gate[5] >> 7:
                _print_absent(absent)
                print(f"  {vector:3}  {gate_text(gate)}  {vector_name(vector)}".rstrip())
            else:
                absent.append(vector)
        _print_absent(absent)


def _print_absent(vectors: list[int]) -> None:
    if vectors:
        span = f"{vectors[0]:3}" if len(vectors) == 1 else f"{vectors[0]:3} to {vectors[-1]}"
        print(f"  {span}  not present")
        vectors.clear()


def gate_fields(gate: bytes) -> tuple[int, int, int, int]:
    """Offset, selector, IST, attributes; SDM vol. 3, figure 6-8."""
    offset = int.from_bytes(gate[:2] + gate[6:12], "little")
    return offset, int.from_bytes(gate[2:4], "little"), gate[4] & 7, gate[5]


def gate_text(gate: bytes) -> str:
    offset, selector, ist, attributes = gate_fields(gate)
    kind = GATE_TYPES.get(attributes & 0xf, f"type {attributes & 0xf:#x}, no gate")
    return f"{kind:<14}  dpl {attributes >> 5 & 3}  ist {ist}  {selector:#06x}:{describe(offset)}"


def gate_in_full(vector: int, address: int) -> list[str]:
    gate = read(address, GATE)
    offset, selector, ist, attributes = gate_fields(gate)
    kind = attributes & 0xf
    return [f"gate {vector} at {address:#x}  {vector_name(vector)}".rstrip(),
            f"  bytes     {gate[:8].hex(' ')}",
            f"            {gate[8:].hex(' ')}",
            f"  offset    {named(offset)}",
            f"  selector  {selector:#06x}  {SELECTORS.get(selector, 'not in this kernel')}",
            f"  ist       {ist}{'  no IST stack' if not ist else ''}",
            f"  type      {kind:#x}  {GATE_TYPES.get(kind, 'no gate')}",
            f"  dpl       {attributes >> 5 & 3}  {door(vector, attributes >> 5 & 3)}",
            f"  present   {attributes >> 7}"]


def door(vector: int, dpl: int) -> str:
    """Who may execute INT through a gate; what the CPU raises itself passes any."""
    if dpl == 3:
        return f"INT {vector} is allowed in every ring"
    rings = "ring 0" if not dpl else f"rings 0 to {dpl}"
    return f"INT {vector} is allowed in {rings}, elsewhere it is a #GP"


class Gdt(gdb.Command):
    """gdt -- the global descriptor table that GDTR points to."""

    def __init__(self) -> None:
        super().__init__("gdt", gdb.COMMAND_DATA)

    def invoke(self, text: str, from_tty: bool) -> None:
        base, limit = system().gdt
        print(f"GDT at {named(base)}, limit {limit:#x}")
        known = kernel.loaded()
        per_cpu = known.symbols.get(PER_CPU) if known else None
        ours = per_cpu is not None and per_cpu <= base < per_cpu + known.symbols.size(PER_CPU)    # not the boot's
        upper = False
        entries = {selector: word(base + selector) for selector in range(0, limit + 1 - 7, 8)}
        used = max((selector for selector, value in entries.items() if value), default=0)
        for selector, value in entries.items():
            if selector > used:
                print(f"  {selector:#04x} to {max(entries):#04x}: empty")
                break
            said = "upper half of the TSS descriptor" if upper else descriptor_text(value)
            upper = not upper and not value >> 44 & 1 and value >> 40 & 0xf in SYSTEM_TYPES
            name = SELECTORS.get(selector, "") if ours else ""
            print(f"  {selector:#04x}  {value:#018x}  {name:<12}  {said}".rstrip())


def descriptor_text(value: int) -> str:
    """SDM vol. 3, figure 3-8."""
    if not value:
        return "empty"
    access, flags = value >> 40 & 0xff, value >> 52 & 0xf
    base = value >> 16 & 0xffffff | value >> 56 << 24
    limit = value & 0xffff | value >> 48 << 16 & 0xf0000
    ring = f"ring {access >> 5 & 3}"
    state = "" if access >> 7 else ", NOT PRESENT"
    if not access >> 4 & 1:
        kind = SYSTEM_TYPES.get(access & 0xf, f"system type {access & 0xf:#x}")
        return f"{kind}, base ...{base:08x}, limit {limit:#x}{state}"
    if access & 8:
        width = "64-bit" if flags & 2 else "32-bit" if flags & 4 else "16-bit"
        return f"code, {width}, {ring}{state}"
    return f"data, {'writable' if access & 2 else 'read-only'}, {ring}{state}"


class Tss(gdb.Command):
    """tss -- the task-state segment that TR points to: the stacks that the CPU switches to."""

    def __init__(self) -> None:
        super().__init__("tss", gdb.COMMAND_DATA)

    def invoke(self, text: str, from_tty: bool) -> None:
        selector, base, limit = system().tr
        print(f"TR {selector:#06x}, TSS at {named(base)}, limit {limit:#x}")
        if not selector:
            print("  no TSS is loaded")
            return
        for ring in range(3):
            print(f"  rsp{ring}    {_top(word(base + 4 + 8 * ring))}")
        for ist in range(1, IST_STACKS + 1):
            print(f"  ist{ist}    {_top(word(base + 0x1c + 8 * ist))}")
        offset = int.from_bytes(read(base + 0x66, 2), "little")
        print(f"  io map  {offset:#x}{', beyond the limit: no bitmap' if offset > limit else ''}")


def _top(address: int) -> str:
    """A stack's top is the first byte after it."""
    if not address:
        return "0, not set"
    return f"{address:#x}  {stack_name(address - 8) or 'on no stack of the kernel'}"


class Gs(gdb.Command):
    """gs -- both GS bases: the one in use and the one that SWAPGS brings."""

    def __init__(self) -> None:
        super().__init__("gs", gdb.COMMAND_DATA)

    def invoke(self, text: str, from_tty: bool) -> None:
        for label, name in (("in use", "gs_base"), ("after SWAPGS", "k_gs_base")):
            base = register(name)
            print(f"  {name:<9} {label:<13} {named(base)}{_owner(base)}")


def _owner(base: int) -> str:
    if not base:
        return "  not set"
    if not base >> 63:
        return "  in the user's half"
    try:
        own = word(base) == base
    except gdb.GdbError:
        return "  in the kernel's half, not mapped"
    return "  the kernel's: gs:0 points to itself" if own else "  in the kernel's half, but gs:0 does not point to it"
