"""Which boundaries the sweep strikes at, and which not, each with its reason."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .sweep_machine import Names, Step
from .sweep_trial import EVENTS, Trial, Way

DEBUG = ("#DB on the #DB path until DR7 is cleared: it would strike on its own stack, again and again "
         "(breakpoints on .entry.text are refused outside the sweep)")
CHECK = "#MC until MCIP is cleared: the CPU would shut down"
DEBUG_DOOR = "#DB, ring 0"
SETTLED = ("an NMI in a #DB that struck where an NMI is over but for its IRETQ "
           "(breakpoints on .entry.text are refused outside the sweep; with an #MC there it is tried)")
HIDDEN = "Bochs takes an interrupt, an NMI or a step and the first instruction behind its gate as one; QEMU does not"
NMI_DOOR = "NMI, ring 0"


@dataclass(frozen=True)
class Plan:
    """For one door and one event: what is tried, and what is not."""

    way: Way
    event: str
    trials: Sequence[Trial]
    excluded: Mapping[Step, str]

    @property
    def forgotten(self) -> list[Step]:
        """Neither tried nor excluded: never, in a whole sweep."""
        tried = {trial.step for trial in self.trials}
        return [step for step in self.way.steps if step not in tried and step not in self.excluded]


class Exclusions:
    """Why an event cannot be tried at a boundary."""

    def __init__(self, ways: Sequence[Way], names: Names) -> None:
        self._nmi_end = names.nmi_end
        # The door of #DB as it leads from ring 0, up to where it clears DR7.
        self._debug_path = {step.rip for way in ways if way.door.name == DEBUG_DOOR
                            for step in way.steps if not step.debug_cleared}
        # The door of NMIs from ring 0, up to its handler: it is gone through before DR7 is cleared, if an NMI
        # strikes the door of #DB.
        self._nmi_path = {step.rip for way in ways if way.door.name == NMI_DOOR
                          for step in way.steps if not step.calls}

    def reason(self, way: Way, step: Step, event: str) -> str | None:
        """None if it can."""
        first, second = EVENTS[event]
        if first == "#DB":
            own = way.door.kind == "#DB" and (second or not step.debug_cleared)
            nested = second and way.door.kind != "NMI" and step.rip in self._nmi_path
            if own or nested or step.rip in self._debug_path:
                return DEBUG
            if second and step.rip in self._nmi_end:
                return SETTLED
        if step.hidden and (first != "#DB" or way.door.kind == "NMI"):
            return HIDDEN
        if first == "mce" and way.door.kind == "#MC" and not step.check_cleared:
            return CHECK
        return None


def plan(exclusions: Exclusions, way: Way, event: str, share: float, seed: int) -> Plan:
    """All boundaries of a way, or a random share of them."""
    excluded = {step: reason for step in way.steps if (reason := exclusions.reason(way, step, event))}
    trials = [Trial(way, step, event) for step in way.steps if step not in excluded]
    if share < 1:
        chance = random.Random(f"{seed} {way.door.name} {event}")
        trials = [trial for trial in trials if chance.random() < share] or trials[:1]
    return Plan(way, event, trials, excluded)
