"""Which rule and which calendar a case runs by."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from core.models import Site
from exceptions import clock
from exceptions.models import SlaPolicy
from exceptions.reasons import Reason

WARN_MINUTES = 60


@dataclass(frozen=True, slots=True)
class Clocks:
    """The clocks of one case, reckoned: the rule (None = the reason's own minutes) and the instants."""

    policy_id: int | None
    acknowledge_minutes: int
    resolve_minutes: int
    business_time: bool
    acknowledge_by: datetime
    resolve_by: datetime
    warn_at: datetime


def calendar_of(site_id: int | None, *, business_time: bool = True) -> clock.Calendar:
    """The calendar a site keeps; round the clock where it has none or the rule ignores opening hours."""
    if site_id is None or not business_time:
        return clock.ALWAYS
    row = (
        Site.objects.filter(pk=site_id)
        .values_list(
            "time_zone",
            "calendar__name",
            "calendar__weekly",
            "calendar__country",
            "calendar__region",
            "calendar__exceptions",
        )
        .first()
    )
    return calendar_from(*row) if row else clock.ALWAYS


def calendar_from(
    zone: str, name: str | None, weekly: Any, country: str | None, region: str | None, days: Any
) -> clock.Calendar:
    """A calendar from its columns; parsed once per distinct content."""
    if not weekly:
        return clock.always(zone)
    return _parsed(
        zone, name or "", json.dumps(weekly), country or "", region or "", json.dumps(days or {}, sort_keys=True)
    )


@lru_cache(maxsize=512)
def _parsed(zone: str, name: str, weekly: str, country: str, region: str, days: str) -> clock.Calendar:
    return clock.Calendar.parse(
        zone, json.loads(weekly), country=country, region=region, days=json.loads(days), name=name
    )


def choose(reason: Reason, *, queue: str, site_id: int | None, severity: int) -> SlaPolicy | None:
    """The first current rule that matches, or None: then the reason's own minutes apply."""
    for policy in SlaPolicy.objects.filter(current=True, enabled=True).order_by("position", "pk"):
        if policy.matches(reason=reason.code, queue=queue, site_id=site_id, severity=severity):
            return policy
    return None


def start(reason: Reason, *, site_id: int | None, severity: int, started_at: datetime) -> Clocks:
    """The clocks of a case of `reason` that turned true at `started_at`."""
    policy = choose(reason, queue=reason.queue, site_id=site_id, severity=severity)
    rule: Any = policy or reason
    warn_minutes = policy.warn_minutes if policy else WARN_MINUTES
    calendar = calendar_of(site_id, business_time=rule.business_time)
    acknowledge_by, resolve_by, warn_at = reckon(
        calendar, started_at, rule.acknowledge_minutes, rule.resolve_minutes, warn_minutes
    )
    return Clocks(
        policy_id=policy.pk if policy else None,
        acknowledge_minutes=rule.acknowledge_minutes,
        resolve_minutes=rule.resolve_minutes,
        business_time=rule.business_time,
        acknowledge_by=acknowledge_by,
        resolve_by=resolve_by,
        warn_at=warn_at,
    )


def reckon(
    calendar: clock.Calendar,
    started_at: datetime,
    acknowledge: int,
    resolve: int,
    warn: int,
    pauses: Sequence[clock.Span] = (),
) -> tuple[datetime, datetime, datetime]:
    """(acknowledge_by, resolve_by, warn_at). A calendar that never opens counts round the clock instead."""
    minutes = (acknowledge, resolve, max(0, resolve - warn))
    try:
        first, second, third = (clock.add_business(started_at, m, calendar, pauses) for m in minutes)
    except clock.NeverOpen:
        first, second, third = (clock.add_business(started_at, m, clock.ALWAYS, pauses) for m in minutes)
    return first, second, third
