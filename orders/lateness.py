"""Will a node be done in time? Pure: its queue of work, what it can pick in each hour, and when each job is due."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

LEAST = timedelta(minutes=10)  # no job is done in less, however small
HOUR = timedelta(hours=1)
LONGEST = 24 * 28  # hours looked ahead

Pace = Callable[[datetime], float]  # units an hour at that moment, above zero


@dataclass(frozen=True, slots=True)
class Job:
    """One fulfilment order in its node's queue; `begun` work can't be given away any more."""

    id: int
    location_id: int
    units: int
    due_at: datetime
    begun: bool = False


@dataclass(frozen=True, slots=True)
class Late:
    """A job that won't be done by `due_at`: expected at `done_at`, and it had to be begun by `latest_start`."""

    job: Job
    done_at: datetime
    latest_start: datetime


def finish(start: datetime, units: float, pace: Pace) -> datetime:
    """When so many units are picked that are begun then, each hour at that hour's pace."""
    moment, left = start, float(units)
    for _ in range(LONGEST):
        ends = moment.replace(minute=0, second=0, microsecond=0) + HOUR
        here = pace(moment)
        if here * ((ends - moment) / HOUR) >= left:
            return max(start + LEAST, moment + HOUR * (left / here))
        left -= here * ((ends - moment) / HOUR)
        moment = ends
    return moment


def late(queue: Sequence[Job], pace: Pace, now: datetime) -> list[Late]:
    """The jobs of one node that come too late when it does them by due moment, one after another, at its own pace."""
    done, found = now, []
    for job in sorted(queue, key=lambda job: (not job.begun, job.due_at, job.id)):
        begun, done = done, finish(done, job.units, pace)
        if done > job.due_at:
            found.append(Late(job, done, job.due_at - (done - begun)))
    return found


def done_at(queue: Iterable[Job], pace: Pace, now: datetime, *, units: int, due_at: datetime) -> datetime:
    """When a node would be done with another job of so many units due then, after everything due before it."""
    done = now
    for job in queue:
        if job.begun or job.due_at <= due_at:
            done = finish(done, job.units, pace)
    return finish(done, units, pace)
