"""What the stopped machine must look like, lab by lab.

A probe sees registers and memory as the emulator shows them and the kernel's file as it was built,
and nothing that the guest printed.  Each is there under the name that a lab.toml's [probe] gives as its kind; a later
one looks at all that matters still of what the earlier ones did.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .labs import Lab
from .machine import View
from .probe_facts import Finding
from .probe_compat import compat
from .probe_faults import faults
from .probe_interrupts import interrupts
from .probe_ist import ist
from .probe_paranoid import paranoid
from .probe_ring3 import ring3
from .probe_syscall import syscall
from .probe_tables import gdt, idt

PROBES: dict[str, Callable[[View, Path, Lab], list[Finding]]] = {
    "gdt": gdt, "idt": idt, "faults": faults, "ist": ist, "interrupts": interrupts,
    "ring3": ring3, "syscall": syscall, "compat": compat, "paranoid": paranoid}
