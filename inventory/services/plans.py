"""Cycle counting: what is due at a place, and opening its count of the day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import connection
from django.utils import timezone

from core.actors import SYSTEM
from core.errors import Invalid, Problem
from core.subjects import Subject
from exceptions.services import clocks
from inventory.models import COUNT_TO_DO, Count, CountOrigin, CountPlan, LocationStatus
from inventory.services import counts, paces
from inventory.services.locking import retrying


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a plan means for its place: items per class, how many are due, and how many must be counted a day."""

    classes: dict[str, int]
    due: int
    per_day: float


def open_due(*, now: datetime | None = None) -> int:
    """Open the day's count at every place with an active plan and something due; returns how many were opened.

    Once a day of the place's own time that its site's calendar opens, and not while its last planned count still waits.
    Safe to repeat.
    """
    at = now or timezone.now()
    plans = CountPlan.objects.filter(active=True, location__status=LocationStatus.ACTIVE).select_related("location")
    return sum(_open(plan, at) for plan in plans.order_by("pk"))


def _open(plan: CountPlan, at: datetime) -> bool:
    today = at.astimezone(ZoneInfo(plan.location.time_zone)).date()
    waiting = Count.objects.filter(location=plan.location_id, origin=CountOrigin.PLAN, status__in=COUNT_TO_DO)
    if plan.opened_on == today or waiting.exists() or not clocks.calendar_of(plan.location.site_id).hours(today):
        return False
    paces.measure(plan.location_id, now=at)

    def work() -> bool:
        # Of two schedulers at once, one gets the day.
        if not CountPlan.objects.filter(pk=plan.pk).exclude(opened_on=today).update(opened_on=today):
            return False
        items = due_items(plan, at, limit=plan.lines_per_count)
        if items:
            cause = Subject("count_plan", str(plan.pk), f"Plan of {plan.location.code}")
            counts.request(plan.location_id, items, cause=cause, actor=SYSTEM, origin=CountOrigin.PLAN)
        return bool(items)

    return retrying(work)


def due_items(plan: CountPlan, at: datetime, *, limit: int) -> list[int]:
    """Items whose last count is older than their class allows, the most overdue first: those never counted."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE + " ORDER BY overdue DESC NULLS FIRST, abc, item_id LIMIT %(limit)s",
                       {**_days(plan), "at": at, "limit": limit})  # fmt: skip
        return [row[0] for row in cursor.fetchall()]


def outlook(plan: CountPlan, *, now: datetime | None = None) -> Outlook:
    """The plan in figures, by the paces last measured. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_OUTLOOK, {**_days(plan), "at": now or timezone.now()})
        rows = cursor.fetchall()
    classes = {abc: items for abc, items, _ in rows}
    days = {"A": plan.a_days, "B": plan.b_days, "C": plan.c_days}
    per_day = sum(items / days[abc] for abc, items in classes.items())
    return Outlook({abc: classes.get(abc, 0) for abc in days}, sum(due for _, _, due in rows), round(per_day, 1))


def change(plan_id: int, **fields: int | bool) -> CountPlan:
    """Change a plan's figures. Invalid names what contradicts the rest."""

    def work() -> CountPlan:
        plan = CountPlan.objects.select_for_update().select_related("location").get(pk=plan_id)
        for name, value in fields.items():
            setattr(plan, name, value)
        if problems := _contradictions(plan):
            raise Invalid(problems, status=422)
        plan.save(update_fields=list(fields))
        return plan

    return retrying(work)


def _contradictions(plan: CountPlan) -> list[Problem]:
    problems = []
    if not 0 < plan.a_share <= plan.b_share <= 100:
        problems.append(Problem("b_share", "order", "Shares rise: A, then A and B together, at most 100."))
    if not 0 < plan.a_days <= plan.b_days <= plan.c_days:
        problems.append(Problem("b_days", "order", "What sells more is counted more often: days rise from A to C."))
    problems += [
        Problem(name, "range", "At least 1.")
        for name in ("lines_per_count", "measured_over")
        if getattr(plan, name) < 1
    ]
    return problems


def ensure(location_id: int) -> CountPlan:
    """The place's plan; a resting one is made where it has none."""
    plan, _ = CountPlan.objects.get_or_create(location_id=location_id, defaults={"active": False})
    return plan


def _days(plan: CountPlan) -> dict[str, int]:
    return {"place": plan.location_id, "a": plan.a_days, "b": plan.b_days, "c": plan.c_days}


# What lies at the place in whatever state, with its class and how long ago it was counted, in units of its interval.
_LYING = """
SELECT pace.item_id, pace.abc, extract(epoch FROM %(at)s::timestamptz - line.last_at) / 86400
    / CASE pace.abc WHEN 'A' THEN %(a)s WHEN 'B' THEN %(b)s ELSE %(c)s END AS overdue
FROM inventory_pace pace
JOIN inventory_item item ON item.id = pace.item_id AND NOT item.is_kit
LEFT JOIN inventory_countline line
    ON line.location_id = pace.location_id AND line.item_id = pace.item_id AND line.settled
WHERE pace.location_id = %(place)s
"""
_DUE = f"""
SELECT item_id FROM ({_LYING}) lying
WHERE (overdue IS NULL OR overdue >= 1) AND NOT EXISTS (
    SELECT FROM inventory_countline WHERE location_id = %(place)s AND item_id = lying.item_id AND open
)
"""  # noqa: S608  (our own text)
_OUTLOOK = f"""
SELECT abc, count(*)::int AS items, count(*) FILTER (WHERE overdue IS NULL OR overdue >= 1)::int AS due
FROM ({_LYING}) lying GROUP BY abc
"""  # noqa: S608  (our own text)
