"""Business time: pure arithmetic over opening hours, time zones and pauses.

A calendar is open at an instant when that instant's wall-clock time in the site's zone lies inside one of the day's
intervals. That one sentence decides both clock changes: a wall time that never happens counts nothing, and one that
happens twice counts twice. Everything here takes and gives aware datetimes; nothing reads a clock or a database.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import holidays

DAY_MINUTES = 24 * 60
HORIZON = timedelta(days=750)  # a calendar that stays shut longer than this never opens
_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)

Minutes = tuple[int, int]  # from midnight; the end may reach into the next day (a night shift)
Span = tuple[datetime, datetime]


class NeverOpen(ValueError):
    """No opening within the horizon: business time on this calendar leads nowhere."""


class Hours(Protocol):
    """Whatever has opening intervals by local day in a zone: a calendar, or somebody's shift. Hashable."""

    @property
    def zone(self) -> str: ...

    def hours(self, day: date) -> tuple[Minutes, ...]: ...

    def __hash__(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Calendar:
    """When a site works, in its own wall-clock time."""

    zone: str
    weekly: tuple[tuple[Minutes, ...], ...]
    country: str = ""
    region: str = ""
    days: tuple[tuple[date, tuple[Minutes, ...]], ...] = ()
    name: str = field(default="", compare=False)

    @classmethod
    def parse(
        cls,
        zone: str,
        weekly: Sequence[Sequence[Sequence[str]]],
        *,
        country: str = "",
        region: str = "",
        days: Mapping[str, Sequence[Sequence[str]]] | None = None,
        name: str = "",
    ) -> Calendar:
        """From stored form: seven lists (Monday first) of ["HH:MM", "HH:MM"], and ISO dates that differ.

        An interval that ends at or before its start runs into the next day. ValueError says what is wrong.
        """
        if len(weekly) != 7:
            raise ValueError("A week has seven lists of opening hours, Monday first.")
        ZoneInfo(zone)
        week = tuple(_intervals(day) for day in weekly)
        single = tuple(sorted((date.fromisoformat(day), _intervals(hours)) for day, hours in (days or {}).items()))
        if country:
            _public_holidays(country, region)
        return cls(zone, week, country, region, single, name)

    def hours(self, day: date) -> tuple[Minutes, ...]:
        """The opening intervals that begin on this local day: its own exception, else a holiday, else the week."""
        for single, intervals in self.days:
            if single == day:
                return intervals
        if self.country and day in _public_holidays(self.country, self.region):
            return ()
        return self.weekly[day.weekday()]

    @property
    def always(self) -> bool:
        return not self.country and not self.days and all(day == ((0, DAY_MINUTES),) for day in self.weekly)


def always(zone: str = "UTC") -> Calendar:
    """Open round the clock."""
    return Calendar(zone, (((0, DAY_MINUTES),),) * 7, name="Round the clock")


ALWAYS = always()


def _intervals(hours: Sequence[Sequence[str]]) -> tuple[Minutes, ...]:
    found = []
    for pair in hours:
        opens, closes = (minutes_of(text) for text in pair)
        found.append((opens, closes if closes > opens else closes + DAY_MINUTES))
    found.sort()
    if any(before[1] > after[0] for before, after in pairwise(found)):
        raise ValueError("Opening hours of one day overlap.")
    return tuple(found)


def minutes_of(text: str) -> int:
    """HH:MM as minutes from midnight; ValueError if it is no time of day."""
    hour, _, minute = text.partition(":")
    value = int(hour) * 60 + int(minute)
    if not (0 <= value <= DAY_MINUTES and 0 <= int(minute) < 60):
        raise ValueError(f"{text} is no time of day.")
    return value


@lru_cache(maxsize=128)
def _public_holidays(country: str, region: str) -> Any:
    try:
        return holidays.country_holidays(country, subdiv=region or None)
    except NotImplementedError as unknown:
        raise ValueError(f"No holidays are known for {country} {region}".strip()) from unknown


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("Business time needs an aware datetime.")
    return moment.astimezone(UTC)


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def _transition(early: datetime, late: datetime, zone: ZoneInfo) -> datetime:
    """The instant between the two at which the offset changes, to the second."""
    before = _offset(early, zone)
    while late - early > timedelta(seconds=1):
        middle = early + timedelta(seconds=(late - early) // timedelta(seconds=2))
        if _offset(middle, zone) == before:
            early = middle
        else:
            late = middle
    return late


@lru_cache(maxsize=16384)
def _openings_of(calendar: Hours, day: datetime) -> tuple[Span, ...]:
    """The open spans inside one UTC day, in order, touching ones joined."""
    zone = ZoneInfo(calendar.zone)
    end = day + _DAY
    cuts = [day, end]
    if _offset(day, zone) != _offset(end, zone):
        cuts.insert(1, _transition(day, end, zone))
    spans: list[Span] = []
    for start, stop in pairwise(cuts):
        offset = _offset(start, zone)
        local_start, local_stop = (start + offset).replace(tzinfo=None), (stop + offset).replace(tzinfo=None)
        local_day = local_start.date() - _DAY  # a night shift may reach in from the day before
        while local_day <= local_stop.date():
            midnight = datetime(local_day.year, local_day.month, local_day.day)  # noqa: DTZ001 (wall-clock time)
            for opens, closes in calendar.hours(local_day):
                first = max(midnight + opens * _MINUTE, local_start)
                last = min(midnight + closes * _MINUTE, local_stop)
                if first < last:
                    spans.append(((first - offset).replace(tzinfo=UTC), (last - offset).replace(tzinfo=UTC)))
            local_day += _DAY
    return tuple(joined(sorted(spans)))


def joined(spans: Sequence[Span]) -> list[Span]:
    """Spans in order of their start, with those that touch or overlap made one."""
    made: list[Span] = []
    for start, end in spans:
        if made and start <= made[-1][1]:
            made[-1] = (made[-1][0], max(end, made[-1][1]))
        else:
            made.append((start, end))
    return made


def openings(calendar: Hours, start: datetime, end: datetime | None = None) -> Iterator[Span]:
    """The open spans from `start` on, clipped to it, up to `end` (default: the horizon)."""
    start = _utc(start)
    stop = _utc(end) if end is not None else start + HORIZON
    day = start.replace(hour=0, minute=0, second=0, microsecond=0)
    while day < stop:
        for opens, closes in _openings_of(calendar, day):
            first, last = max(opens, start), min(closes, stop)
            if first < last:
                yield first, last
        day += _DAY


def without(spans: Iterable[Span], pauses: Sequence[Span]) -> Iterator[Span]:
    """The spans with every pause cut out."""
    cuts = joined(sorted((_utc(a), _utc(b)) for a, b in pauses))
    for start, end in spans:
        begin = start
        for pause_start, pause_end in cuts:
            if pause_end <= begin or pause_start >= end:
                continue
            if pause_start > begin:
                yield begin, pause_start
            begin = max(begin, pause_end)
        if begin < end:
            yield begin, end


def _span(minutes: float | timedelta) -> timedelta:
    return minutes if isinstance(minutes, timedelta) else timedelta(minutes=minutes)


def add_business(
    start: datetime, minutes: float | timedelta, calendar: Calendar, pauses: Sequence[Span] = ()
) -> datetime:
    """The first instant by which that much business time has passed since `start`; zero gives `start` itself.

    Raises NeverOpen when the calendar has no such time within the horizon after the last opening seen.
    """
    start, left = _utc(start), _span(minutes)
    if left < timedelta():
        raise ValueError("Business time is added, not taken away.")
    if not left:
        return start
    if calendar.always and not pauses:
        return start + left
    at, end = start, start + HORIZON
    while True:
        counted = False
        for opens, closes in without(openings(calendar, at, end), pauses):
            counted = True
            if closes - opens >= left:
                return opens + left
            left -= closes - opens
        if not counted:
            raise NeverOpen("This calendar stays shut for more than two years.")
        at, end = end, end + HORIZON


def subtract_business(end: datetime, minutes: float | timedelta, calendar: Calendar) -> datetime:
    """The first instant from which no more than that much business time is left until `end`; zero gives `end` itself.

    The mirror of add_business: both name the earlier side of a closed gap. Raises NeverOpen like it.
    """
    end, left = _utc(end), _span(minutes)
    if left < timedelta():
        raise ValueError("Business time is taken away, so it is no less than nothing.")
    if not left:
        return end
    if calendar.always:
        return end - left
    day = end.replace(hour=0, minute=0, second=0, microsecond=0)
    shut_since = end
    while shut_since - day < HORIZON:
        for opens, closes in reversed(_openings_of(calendar, day)):
            last = min(closes, end)
            if opens >= last:
                continue
            if left < last - opens:
                return last - left
            left -= last - opens
            shut_since = opens
        day -= _DAY
    raise NeverOpen("This calendar was shut for more than two years.")


def business_between(start: datetime, end: datetime, calendar: Calendar, pauses: Sequence[Span] = ()) -> timedelta:
    """How much business time lies between the two; zero if `end` comes first."""
    start, end = _utc(start), _utc(end)
    if end <= start:
        return timedelta()
    if calendar.always and not pauses:
        return end - start
    return sum((b - a for a, b in without(openings(calendar, start, end), pauses)), timedelta())


def extend(due: datetime, paused_from: datetime, paused_to: datetime, calendar: Calendar) -> datetime:
    """Where a clock ends after one pause: what was left when it stopped, counted from when it goes on.

    A clock that had already run out stays where it was. Equal to reckoning afresh with the pause cut out.
    """
    due, paused_from = _utc(due), _utc(paused_from)
    if due <= paused_from:
        return due
    return add_business(paused_to, business_between(paused_from, due, calendar), calendar)


def holiday(calendar: Calendar, day: date) -> str:
    """The name of the public holiday that this day is in the calendar's country; "" where it is none."""
    return str(_public_holidays(calendar.country, calendar.region).get(day) or "") if calendar.country else ""
