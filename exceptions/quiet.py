"""Quiet hours, pure: when a person's letters wait, by their own wall clock, and until when.

Stored among a person's preferences as {"quiet": {"from": "21:00", "to": "07:00", "days": [5, 6]}}: the hours of every
day, which may run over midnight, and weekdays (Monday is 0) that are quiet all day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from exceptions import clock
from exceptions.clock import DAY_MINUTES, Calendar, Minutes


@dataclass(frozen=True, slots=True)
class Quiet:
    """One person's quiet hours: the calendar of the times at which they may be disturbed; None for any time."""

    awake: Calendar | None

    def until(self, moment: datetime) -> datetime:
        """When somebody told at `moment` may be disturbed: at once outside quiet hours, else when they end."""
        if self.awake is None:
            return moment
        try:
            return next(start for start, _ in clock.openings(self.awake, moment))
        except StopIteration:
            return moment  # quiet round the clock would be a letter never sent


NEVER = Quiet(None)


def of(preferences: Mapping[str, Any]) -> Quiet:
    """From a person's preferences. What makes no sense is no quiet hours: a letter too many beats one too few."""
    stored = preferences.get("quiet") or {}
    zone = preferences.get("time_zone") or "UTC"
    try:
        return Quiet(parse(stored.get("from") or "", stored.get("to") or "", stored.get("days") or (), zone))
    except (ValueError, TypeError, AttributeError, LookupError):
        return NEVER


def parse(start: str, end: str, days: Iterable[int], zone: str) -> Calendar | None:
    """The waking calendar; None when nothing is quiet. ValueError says what makes no sense."""
    silent = set(days)
    if not silent <= set(range(7)):
        raise ValueError("Days are counted from Monday, 0, to Sunday, 6.")
    if bool(start) != bool(end):
        raise ValueError("Quiet hours have a beginning and an end.")
    if len(silent) == 7:
        raise ValueError("Leave at least one day that is not quiet.")
    if not start and not silent:
        return None
    awake = _waking(start, end) if start else ((0, DAY_MINUTES),)
    week = tuple(() if day in silent else awake for day in range(7))
    return Calendar(Calendar.parse(zone, [[]] * 7).zone, week, name="Awake")


def _waking(start: str, end: str) -> tuple[Minutes, ...]:
    """What is left of a day without the hours from `start` to `end`, which may run over midnight."""
    first, last = clock.minutes_of(start), clock.minutes_of(end)
    if first == last:
        raise ValueError("Quiet hours that begin when they end are no hours at all.")
    if first > last:
        return ((last, first),)
    return tuple(span for span in ((0, first), (last, DAY_MINUTES)) if span[0] < span[1])
