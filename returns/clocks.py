"""How long the steps of a return take: from the carrier's door to the shelf, and from yes to the money. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

RECEIVE, DISPOSE, SELL, REFUND, BALANCE = "RECEIVE", "DISPOSE", "SELL", "REFUND", "BALANCE"
TITLES = {
    RECEIVE: "Delivered to taken in",
    DISPOSE: "Receipt to disposition",
    SELL: "Disposition to sellable",
    REFUND: "Acceptance to refund",
    BALANCE: "Goods and money apart",
}
HOURS = {RECEIVE: 48, DISPOSE: 24, SELL: 48, REFUND: 24, BALANCE: 72}


@dataclass(frozen=True, slots=True)
class Clock:
    """One step: when it began, when it has to be done, when it was done. Units that still wait keep it running."""

    step: str
    started_at: datetime
    due_at: datetime
    done_at: datetime | None
    units: int

    @property
    def title(self) -> str:
        return TITLES[self.step]

    def late(self, now: datetime) -> bool:
        return (self.done_at or now) > self.due_at

    def took(self, now: datetime) -> timedelta:
        return (self.done_at or now) - self.started_at


@dataclass(frozen=True, slots=True)
class Span:
    """Units that began to wait at one moment, and the moments at which they stopped, with how many each."""

    started_at: datetime
    units: int
    ends: Sequence[tuple[datetime, int]] = ()


def clock(step: str, spans: Sequence[Span], hours: Mapping[str, int] = HOURS) -> Clock | None:
    """The clock of a step over all its units: it started with those that waited longest, and is done with the last.

    None where nothing has begun to wait. Due from the oldest units that still wait; from the slowest once none do.
    """
    if not spans:
        return None
    waiting = [span for span in spans if sum(units for _, units in span.ends) < span.units]
    started = min(span.started_at for span in waiting or spans)
    ends = [at for span in spans for at, _ in span.ends]
    left = sum(span.units - sum(units for _, units in span.ends) for span in waiting)
    done = None if waiting or not ends else max(ends)
    if not waiting:  # the slowest of them all tells whether the step was in time
        slowest = max(
            spans, key=lambda span: max((at for at, _ in span.ends), default=span.started_at) - span.started_at
        )
        started, done = slowest.started_at, max((at for at, _ in slowest.ends), default=slowest.started_at)
    return Clock(step, started, started + timedelta(hours=hours.get(step, HOURS[step])), done, left)
