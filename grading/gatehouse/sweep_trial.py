"""What the sweep does to a machine: trace the way of a door, and strike at one boundary of it."""

from __future__ import annotations

from dataclasses import dataclass

from .sweep_machine import Died, Machine, Step, Verdict

LONGEST = 20000              # instructions of a way; no door's is half as long
# Two NMIs at once would be one, for the CPU keeps one: the second comes when the first event has begun.
EVENTS = {"NMI": ("nmi", False), "NMI NMI": ("nmi", True), "#DB": ("#DB", False), "#DB NMI": ("#DB", True),
          "#MC": ("mce", False), "#MC NMI": ("mce", True)}
WRONG = ("a register, flag or result of the program's", "GS bases behind the door", "something that must not change",
         "NMIs behind the door", "GS in a handler", "the stack of a handler", "flags in a handler")


@dataclass(frozen=True)
class Door:
    """A row of the kernel's table."""

    number: int
    strike: str | None       # by what it is entered, if only from outside
    name: str

    @property
    def kind(self) -> str:
        return self.name.partition(",")[0]


@dataclass(frozen=True)
class Way:
    """What a door's way is without an event."""

    door: Door
    steps: tuple[Step, ...]
    verdict: Verdict


@dataclass(frozen=True)
class Trial:
    """An event at one boundary of a door's way."""

    way: Way
    step: Step
    event: str


def trace(machine: Machine, door: Door) -> Way:
    """Step through a round without an event. Raises Died."""
    names = machine.names
    machine.order(door.number, names.end, 1)             # a breakpoint that nobody comes to
    machine.begin()
    if door.strike:
        machine.strike(door.strike)
    steps: list[Step] = []
    debug_cleared = check_cleared = False
    calls = 0

    def note(rip: int, hidden: bool) -> None:
        same = [step for step in steps if step.rip == rip]
        kernel, gs = machine.state()         # behind a hidden one they are still the same
        steps.append(Step(rip, len(same) + 1, sum(not step.hidden for step in same) + 1, kernel, gs,
                          kernel and gs != names.percpu, debug_cleared, check_cleared, calls, hidden))

    before = machine.rip
    for _ in range(LONGEST):
        rip = machine.step()
        if rip == names.stop:
            break
        debug_cleared = debug_cleared or door.kind == "#DB" and not machine.watching()
        check_cleared |= rip in names.check_cleared
        calls += before in names.entry and rip not in names.entry
        if rip in names.entry:
            stub = names.second.get(rip)
            if stub is not None and before != stub:
                note(stub, hidden=True)
            note(rip, hidden=False)
        before = rip
    else:
        raise Died(f"the way of {door.name} does not end")
    machine.go()
    return Way(door, tuple(steps), machine.verdict())


def attempt(machine: Machine, trial: Trial) -> str | None:
    """Strike; what was wrong then, None if nothing. Raises Died: then the machine is lost."""
    door, step = trial.way.door, trial.step
    first, second = EVENTS[trial.event]
    before = len(machine.said())
    machine.order(door.number, step.rip if first == "#DB" else 0, step.nth)
    machine.begin()
    if door.strike:
        machine.strike(door.strike)
    if first != "#DB":
        machine.go_to(step)
        machine.strike(first)
    if second:
        for _ in range(step.nth if first == "#DB" else 1):
            behind = machine.names.behind(first)
            if machine.go(behind) != behind:
                return f"{trial.event.split()[0]} never came"
        machine.strike("nmi")
    if machine.rip != machine.names.ready:
        machine.go()
    wrong = judged(trial, machine.verdict())
    if wrong is None:
        return None
    lines = [line[2:] for line in machine.said()[before:].splitlines() if line.startswith("# ")]
    return "; ".join([wrong, *lines[:MOST_LINES]])


MOST_LINES = 4


def judged(trial: Trial, got: Verdict) -> str | None:
    """What is wrong with a verdict."""
    plain = trial.way.verdict
    first, second = EVENTS[trial.event]
    struck = first != "#DB" or not trial.step.debug_cleared
    wanted = {"NMI": plain.nmis + (first == "nmi") + second, "#DB": plain.debugs + (first == "#DB" and struck),
              "#MC": plain.checks + (first == "mce")}
    seen = {"NMI": got.nmis, "#DB": got.debugs, "#MC": got.checks}
    if trial.way.door.kind == "NMI" and first == "nmi" and second and got.nmis == wanted["NMI"] - 1:
        wanted["NMI"] -= 1               # two while one is handled may be one: the CPU keeps no more
    for name, count in wanted.items():
        if seen[name] != count:
            return f"{name} was handled {times(seen[name])}, not {times(count)}"
    if got.inner != got.nmis:
        return f"of {got.nmis} handlers of NMIs {got.inner} came to their end"
    if got.wrong:
        return "wrong: " + ", ".join(text for bit, text in enumerate(WRONG) if got.wrong >> bit & 1)
    where = {"nmi": got.nmi_rip, "#DB": got.debug_rip, "mce": got.check_rip}[first]
    if struck and trial.way.door.kind != "NMI" and where != trial.step.rip & 0xffffffff:
        return f"the event struck at {where:#x} (lower half), not where it should"
    return None


def times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
