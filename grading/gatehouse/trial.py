"""Many kernels, each judged as a whole: built one after the other, booted while the next ones build."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .build import CannotJudge
from .result import LabResult
from .session import Pending, Session


@dataclass(frozen=True)
class Trial:
    """A kernel that is being judged, and what is to be said against the result."""

    name: str
    pending: Pending
    complaint: Callable[[LabResult], str | None]


def run(session: Session, trials: Iterable[Trial]) -> int:
    """A line for each trial as soon as it is known, then the sum; the exit status.

    CannotJudge if an emulator failed.
    """
    complaints: list[str | None] = []
    waiting: deque[Trial] = deque()
    for trial in trials:
        waiting.append(trial)
        while waiting and waiting[0].pending.done:
            complaints.append(_finish(session, waiting.popleft()))
    complaints += [_finish(session, trial) for trial in waiting]
    failed = sum(complaint is not None for complaint in complaints)
    print(f"{len(complaints) - failed} passed, {failed} failed")
    return 1 if failed else 0


def _finish(session: Session, trial: Trial) -> str | None:
    result = trial.pending.wait()
    if result.trouble:
        raise CannotJudge(result.trouble)
    complaint = trial.complaint(result)
    with session.progress.aside():
        print(f"  ok    {trial.name}" if complaint is None else f"  FAIL  {trial.name}: {complaint}", flush=True)
    if complaint is None:
        trial.pending.forget()
    return complaint
