"""Will a node be done in time? Pure: its queue of work, how fast it really picks, and the moment each job is due."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

LEAST = timedelta(minutes=10)  # no job is done in less, however small


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


def takes(units: int, per_hour: float) -> timedelta:
    """How long a node works on so many units."""
    return max(LEAST, timedelta(hours=units / per_hour))


def late(queue: Sequence[Job], per_hour: float, now: datetime) -> list[Late]:
    """The jobs of one node that come too late when it does them by due moment, one after another, at its own pace."""
    done_at, found = now, []
    for job in sorted(queue, key=lambda job: (not job.begun, job.due_at, job.id)):
        done_at += takes(job.units, per_hour)
        if done_at > job.due_at:
            found.append(Late(job, done_at, job.due_at - takes(job.units, per_hour)))
    return found


def done_at(queue: Iterable[Job], per_hour: float, now: datetime, *, units: int, due_at: datetime) -> datetime:
    """When a node would be done with another job of so many units due then, after everything due before it."""
    before = sum((takes(job.units, per_hour) for job in queue if job.begun or job.due_at <= due_at), timedelta())
    return now + before + takes(units, per_hour)
