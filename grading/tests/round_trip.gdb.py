"""Runs inside gdb (test_debug_gdb.py): steps through a whole way in and back, and looks at every single instruction.

After each step the backtrace must show the frames of the code that was interrupted, with the registers that it had.
With NMI=1 an NMI is raised at each instruction of the entry code besides, must strike there and be crossed, too; the
machine then goes on as if nothing had been. Prints `N instructions, N of them struck, N wrong`.
"""

import os

import gdb

MASK = (1 << 64) - 1
GENERAL = ["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", *(f"r{number}" for number in range(8, 16))]
start, end, with_nmi = os.environ["START"], os.environ["END"], os.environ.get("NMI") == "1"


def quietly(command):
    return gdb.execute(command, to_string=True)


def frames(frame):
    while frame is not None:
        yield frame
        frame = frame.older()


def registers(frame):
    return {name: int(frame.read_register(name)) & MASK for name in GENERAL}


def label(expression):
    return int(gdb.parse_and_eval(f"(unsigned long)&{expression}")) & MASK


def interrupted(crossings):
    """The frame of the interrupted code, behind that many frames of the CPU's."""
    crossed = 0
    for frame in frames(gdb.newest_frame()):
        if crossed == crossings:
            return frame
        crossed += frame.type() == gdb.SIGTRAMP_FRAME
    return None


def wrong(crossings):
    """What is wrong with the backtrace, None if nothing is."""
    frame = interrupted(crossings)
    if frame is None:
        return "the backtrace ends before the interrupted code"
    callers = [older.name() for older in frames(frame)][1:]
    if callers != expected_callers:
        return f"called by {callers}"
    if not trigger_from <= frame.pc() <= trigger_to:
        return f"interrupted at {frame.pc():#x}"
    seen = registers(frame)
    different = [name for name in GENERAL if seen[name] != before[name]]
    return f"{different} are not as they were" if different else None


def strike():
    """An NMI at this instruction, a look, and an IRETQ as if its handler had done nothing."""
    here, now = gdb.newest_frame().pc(), registers(gdb.newest_frame())
    told = quietly("nmi")
    if "the machine stands at entry_2" not in told:
        return told.strip()
    found = wrong(2)
    if found is None and interrupted(1).pc() != here:
        found = f"the NMI struck at {interrupted(1).pc():#x}"
    gdb.execute(f"set $rip = {iretq:#x}")
    quietly("stepi")
    if gdb.newest_frame().pc() != here or registers(gdb.newest_frame()) != now:
        return "the machine is not where it was before the NMI"
    return found


quietly(f"tbreak *&{start}")
quietly("continue")
quietly("delete")
trigger_from, trigger_to = label(start), label(end)
before = registers(gdb.newest_frame())
expected_callers = [frame.name() for frame in frames(gdb.newest_frame())][1:]
if expected_callers[-2:] != ["kernel_main", "high_half"]:
    print(f"wrong: the trigger is called by {expected_callers}")
import helpers  # noqa: E402

iretq = helpers.kernel.current().returns[0]
steps = struck = mistakes = 0
while True:
    quietly("stepi")
    here = gdb.newest_frame().pc()
    if here == trigger_to:
        break
    steps += 1
    found = wrong(1)
    if found is None and with_nmi and helpers.kernel.current().within(here, "entry_text"):
        struck += 1
        found = strike()
    if found is not None:
        mistakes += 1
        print(f"wrong at {here:#x} {gdb.newest_frame().name()}: {found}")
print(f"{steps} instructions, {struck} of them struck, {mistakes} wrong")
