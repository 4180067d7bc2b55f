"""What a sweep has come to, in lines: the table, what was not tried and why, what failed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from .sweep_run import Cell
from .sweep_trial import EVENTS, Trial

LEGEND = "tried boundaries, all survived; or survived/tried; and in brackets those not tried, for the reasons below"
Place = Callable[[int], str]


def table(cells: Sequence[Cell]) -> list[str]:
    """Door by event, one block for each model."""
    lines = []
    for model in dict.fromkeys(cell.model for cell in cells):
        ours = [cell for cell in cells if cell.model == model]
        events = [event for event in EVENTS if event in {cell.plan.event for cell in ours}]
        doors = list(dict.fromkeys(cell.plan.way.door.name for cell in ours))
        width = max(map(len, doors))
        lines += ["", f"{str(model):{width}}" + "".join(f"{event:>13}" for event in events)]
        of = {(cell.plan.way.door.name, cell.plan.event): cell for cell in ours}
        for door in doors:
            shown = [words(of[door, event]) if (door, event) in of else "" for event in events]
            lines.append(f"{door:{width}}" + "".join(f"{text:>13}" for text in shown))
        total = [sum(len(cell.plan.trials) for cell in ours if cell.plan.event == event) for event in events]
        lines.append(f"{'all':{width}}" + "".join(f"{number:13}" for number in total))
    return lines[1:]


def words(cell: Cell) -> str:
    """A cell of the table."""
    tried, excluded = len(cell.plan.trials), len(cell.plan.excluded)
    text = f"{tried - len(cell.failures)}/{tried}" if cell.failures else str(tried)
    return f"{text} ({excluded})" if excluded else text


def exclusions(cells: Sequence[Cell]) -> list[str]:
    """Each reason, with where it applied."""
    reasons: dict[str, dict[str, int]] = {}
    for cell in cells:
        for reason in cell.plan.excluded.values():
            where = reasons.setdefault(reason, {})
            key = f"{cell.plan.event} at {cell.plan.way.door.name}, {cell.model}"
            where[key] = where.get(key, 0) + 1
    lines = []
    for reason, where in reasons.items():
        lines.append(f"not tried: {reason}")
        lines += [f"  {count:3} {key}" for key, count in where.items()]
    return lines


def failures(cells: Sequence[Cell], place: Place, most: int) -> list[str]:
    """What failed, boundary by boundary; the first of each cell."""
    lines: list[str] = []
    for cell in cells:
        for failure in cell.failures[:most]:
            lines.append(f"{cell.model}: {named(failure.trial, place)}: {failure.wrong}")
            if failure.alone is None:
                lines.append("  alone on a fresh machine it survives: one before it has left something behind")
        if len(cell.failures) > most:
            lines.append(f"  and at {len(cell.failures) - most} more boundaries of this door")
    return lines


def named(trial: Trial, place: Place) -> str:
    """`NMI at #UD, ring 3: entry_normal+0x1, GS the user's`."""
    step = trial.step
    again = f", its execution number {step.nth}" if step.nth > 1 else ""
    lying = ", where CS is the kernel's and GS the user's" if step.lying else ""
    return f"{trial.event} at {trial.way.door.name}, before {place(step.rip)}{again}{lying}"


def verdict(cells: Iterable[Cell], whole: bool) -> tuple[bool, str]:
    """Whether all is well, and the last line."""
    tried = failed = excluded = forgotten = 0
    for cell in cells:
        tried += len(cell.plan.trials)
        failed += len(cell.failures)
        excluded += len(cell.plan.excluded)
        forgotten += len(cell.plan.forgotten) if whole else 0
    line = f"sweep: {tried} tried, {tried - failed} survived, {failed} failed, {excluded} excluded"
    if forgotten:
        line += f", {forgotten} neither tried nor excluded"
    return not failed and not forgotten and tried > 0, line
