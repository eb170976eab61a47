"""Who is on duty, pure: shifts by wall-clock time, and what of the hours to be covered they leave open.

A shift is a person's hours on some weekdays, every so many weeks, between two dates. A cover stands in: while one is
running, only covers are on duty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from exceptions import clock
from exceptions.clock import DAY_MINUTES, Calendar, Minutes, Span


@dataclass(frozen=True, slots=True)
class Shift:
    """One person's hours. `closes` at or before `opens` is in the next day; `every` counts weeks from `first`'s."""

    user: int
    zone: str
    days: tuple[int, ...]
    opens: int
    closes: int
    first: date
    last: date | None = None
    every: int = 1
    cover: bool = False

    def hours(self, day: date) -> tuple[Minutes, ...]:
        """The intervals that begin on this local day."""
        if day < self.first or (self.last is not None and day > self.last) or day.weekday() not in self.days:
            return ()
        if (_monday(day) - _monday(self.first)).days // 7 % self.every:
            return ()
        return ((self.opens, self.closes if self.closes > self.opens else self.closes + DAY_MINUTES),)


@dataclass(frozen=True, slots=True)
class Duty:
    """A stretch of time in which the same people are on duty."""

    start: datetime
    end: datetime
    users: tuple[int, ...]
    cover: bool = False


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def on_duty(shifts: Sequence[Shift], moment: datetime) -> tuple[int, ...]:
    """Who is on duty at this instant, covers before the people they stand in for."""
    running = [shift for shift in shifts if _runs(shift, moment)]
    covers = [shift for shift in running if shift.cover]
    return tuple(sorted({shift.user for shift in covers or running}))


def _runs(shift: Shift, moment: datetime) -> bool:
    return next(clock.openings(shift, moment, moment + timedelta(microseconds=1)), None) is not None


def duties(shifts: Sequence[Shift], start: datetime, end: datetime) -> list[Duty]:
    """The stretches of a period in which somebody is on duty, in order; the same people without a break are one."""
    spans = [(shift, span) for shift in shifts for span in clock.openings(shift, start, end)]
    edges = sorted({edge for _, span in spans for edge in span})
    made: list[Duty] = []
    for begins, ends in pairwise(edges):
        running = [shift for shift, (opens, closes) in spans if opens <= begins and closes >= ends]
        covers = [shift for shift in running if shift.cover]
        users = tuple(sorted({shift.user for shift in covers or running}))
        if not users:
            continue
        if made and made[-1].end == begins and (made[-1].users, made[-1].cover) == (users, bool(covers)):
            made[-1] = Duty(made[-1].start, ends, users, bool(covers))
        else:
            made.append(Duty(begins, ends, users, bool(covers)))
    return made


def gaps(wanted: Calendar, shifts: Sequence[Shift], start: datetime, end: datetime) -> list[Span]:
    """What of the hours to be covered nobody covers."""
    held = [span for shift in shifts for span in clock.openings(shift, start, end)]
    return clock.joined(list(clock.without(clock.openings(wanted, start, end), held)))
