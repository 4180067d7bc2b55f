"""nmi: an NMI at exactly this instruction."""

from __future__ import annotations

import gdb

from .machine import describe, read, register, system, word
from .tables import GATE, gate_fields

NMI = 2
STEP_NORMALLY = 0x7          # QEMU's gdb stub: step, interrupts and timers held off; what gdb gets unasked
STEP_WITH_INTERRUPTS = 0x1   # step, and let interrupts in


class Nmi(gdb.Command):
    """nmi -- raise one NMI now, before the instruction that the machine stands at.

The machine then stands at the first instruction of the NMI's way in, and `bt` shows what was interrupted. QEMU holds
interrupts off while gdb steps, so a plain `monitor nmi` and `stepi` would be one instruction late."""

    def __init__(self) -> None:
        super().__init__("nmi", gdb.COMMAND_RUNNING)

    def invoke(self, text: str, from_tty: bool) -> None:
        here = register("rip")
        base, limit = system().idt
        if limit < GATE * (NMI + 1) - 1:
            raise gdb.GdbError("the IDT has no gate 2: an NMI here would be a triple fault")
        target, _, _, attributes = gate_fields(read(base + GATE * NMI, GATE))
        if not attributes >> 7:
            raise gdb.GdbError("gate 2 is not present: an NMI here would end in #NP or a triple fault")
        gdb.execute("monitor nmi", to_string=True)
        gdb.execute(f"maintenance packet Qqemu.sstep={STEP_WITH_INTERRUPTS:#x}", to_string=True)
        try:
            gdb.execute("stepi", to_string=True)
        finally:
            gdb.execute(f"maintenance packet Qqemu.sstep={STEP_NORMALLY:#x}", to_string=True)
        if register("rip") != target:
            print("the NMI waits: another is being handled, so none comes before an IRET; "
                  f"the machine went on to {describe(register('rip'))}")
            return
        came_from = word(register("rsp"))
        if came_from != here:
            print(f"the NMI struck late, at {describe(came_from)} instead of {describe(here)}")
            return
        print(f"NMI at {describe(here)}; the machine stands at {describe(target)}")
