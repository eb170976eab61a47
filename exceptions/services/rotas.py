"""Who is on duty for a queue: shifts added and taken away, and the hours nobody covers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from core import events
from core.actors import Actor
from core.errors import Invalid, Problem
from core.models import User
from core.subjects import Subject
from exceptions import clock, rota
from exceptions.models import Queue, Rota, Shift
from exceptions.services import clocks

CHANGED = "rota.changed"
WEEKS = 2


def of(queue: str) -> Rota:
    """The queue's rota; an unsaved one, round the clock in UTC, where it has none yet."""
    return Rota.objects.select_related("calendar", "fallback", "queue").filter(queue=queue).first() or Rota(
        queue_id=queue
    )


@transaction.atomic
def settle(queue: str, *, actor: Actor, **fields: Any) -> Rota:
    """Say in which zone a queue's rota is kept, which hours it covers and who is told in a gap. Safe to repeat."""
    made, _ = Rota.objects.update_or_create(queue_id=queue, defaults=fields)
    _record(made, actor, {name: str(value) if value else None for name, value in fields.items()})
    return made


@transaction.atomic
def add(
    queue: str, *, user_id: int, days: Sequence[int], opens: str, closes: str, first_day: date,
    last_day: date | None = None, every_weeks: int = 1, cover: bool = False, actor: Actor,
) -> Shift:  # fmt: skip
    """Put somebody on duty. Invalid with every problem in words."""
    problems: list[Problem] = []
    person = User.objects.filter(pk=user_id, is_active=True).first()
    if person is None:
        problems.append(Problem("person", "known", "Choose a person."))
    if not days or not set(days) <= set(range(7)):
        problems.append(Problem("days", "required", "Choose at least one weekday."))
    try:
        hours = clock.minutes_of(opens), clock.minutes_of(closes)
        if hours[0] == clock.DAY_MINUTES:
            raise ValueError
    except ValueError:
        problems.append(Problem("opens", "time", "Write both times as 09:00."))
    if last_day is not None and last_day < first_day:
        problems.append(Problem("last_day", "order", "The last day comes after the first."))
    if not 1 <= every_weeks <= 52:
        problems.append(Problem("every_weeks", "range", "Every week up to every 52 weeks."))
    if problems or person is None:
        raise Invalid(problems, status=422)
    found, _ = Rota.objects.get_or_create(queue_id=queue)
    made = Shift.objects.create(
        rota=found, user=person, days=sorted(set(days)), opens=hours[0], closes=hours[1], first_day=first_day,
        last_day=last_day, every_weeks=every_weeks, cover=cover,
    )  # fmt: skip
    _record(found, actor, {"added": in_words(made)})
    return made


@transaction.atomic
def drop(queue: str, shift_id: int, *, actor: Actor) -> None:
    """Take a shift off the rota. Safe to repeat."""
    shift = Shift.objects.select_related("rota", "user").filter(pk=shift_id, rota__queue=queue).first()
    if shift is not None:
        _record(shift.rota, actor, {"dropped": in_words(shift)})
        shift.delete()


def _record(found: Rota, actor: Actor, data: dict[str, Any]) -> None:
    queue = Queue.objects.get(pk=found.queue_id)
    events.record(CHANGED, Subject("rota", queue.code, queue.name), actor=actor, data=data)


def in_words(shift: Shift) -> str:
    """`Amira Khan, Mon Tue, 09:00-17:00, every 2 weeks from 1 June 2026`."""
    days = (
        "every day"
        if len(shift.days) == 7
        else " ".join(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][d] for d in shift.days)
    )
    times = "-".join(f"{minutes // 60:02}:{minutes % 60:02}" for minutes in (shift.opens, shift.closes))
    weeks = f", every {shift.every_weeks} weeks" if shift.every_weeks > 1 else ""
    until = f" to {shift.last_day:%-d %B %Y}" if shift.last_day else ""
    stands = ", standing in" if shift.cover else ""
    return f"{shift.user}, {days}, {times}{weeks}, from {shift.first_day:%-d %B %Y}{until}{stands}"


def outlook(found: Rota, start: datetime, weeks: int = WEEKS) -> tuple[list[tuple[rota.Duty, str]], list[clock.Span]]:
    """The duties of the weeks to come with their people's names, and the gaps nobody covers."""
    shifts = list(found.shifts.select_related("user")) if found.pk else []
    names = {shift.user_id: shift.user.get_full_name() for shift in shifts}
    hours = [shift.as_hours(found.time_zone) for shift in shifts]
    end = start + timedelta(weeks=weeks)
    kept = found.calendar
    wanted = clocks.calendar_from(
        found.time_zone,
        *((kept.name, kept.weekly, kept.country, kept.region, kept.exceptions) if kept else (None,) * 5),
    )
    duties = [(duty, ", ".join(names[user] for user in duty.users)) for duty in rota.duties(hours, start, end)]
    return duties, rota.gaps(wanted, hours, start, end)
