"""Which rule and which calendar a case runs by."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
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


@dataclass(frozen=True, slots=True)
class Rule:
    """What the clocks of a reason run by at one site: the rule (None = the reason's own minutes) and its calendar."""

    policy: SlaPolicy | None
    given: Any
    calendar: clock.Calendar


_KEPT = (
    "time_zone",
    "calendar__name",
    "calendar__weekly",
    "calendar__country",
    "calendar__region",
    "calendar__exceptions",
)


def calendar_of(site_id: int | None, *, business_time: bool = True) -> clock.Calendar:
    """The calendar a site keeps; round the clock where it has none or the rule ignores opening hours."""
    if site_id is None or not business_time:
        return clock.ALWAYS
    row = Site.objects.filter(pk=site_id).values_list(*_KEPT).first()
    return calendar_from(*row) if row else clock.ALWAYS


def rules_at(reason: Reason, site_ids: Iterable[int | None], *, severity: int) -> dict[int | None, Rule]:
    """By site, what cases of a reason run by there: the first current rule that matches, or the reason's own."""
    wanted = set(site_ids)
    policies = list(SlaPolicy.objects.filter(current=True, enabled=True).order_by("position", "pk"))
    kept = {
        pk: calendar_from(*row)
        for pk, *row in Site.objects.filter(pk__in={pk for pk in wanted if pk is not None}).values_list("pk", *_KEPT)
    }
    found: dict[int | None, Rule] = {}
    for site_id in wanted:
        of: dict[str, Any] = {"reason": reason.code, "queue": reason.queue, "site_id": site_id, "severity": severity}
        policy = next((policy for policy in policies if policy.matches(**of)), None)
        given: Any = policy or reason
        calendar = kept.get(site_id, clock.ALWAYS) if site_id and given.business_time else clock.ALWAYS
        found[site_id] = Rule(policy, given, calendar)
    return found


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


def start(reason: Reason, *, site_id: int | None, severity: int, started_at: datetime) -> Clocks:
    """The clocks of a case of `reason` that turned true at `started_at`."""
    return started(rules_at(reason, [site_id], severity=severity)[site_id], started_at)


def started(by: Rule, started_at: datetime) -> Clocks:
    """The clocks of a case that turned true then, by what its site runs by."""
    rule = by.given
    warn_minutes = by.policy.warn_minutes if by.policy else WARN_MINUTES
    acknowledge_by, resolve_by, warn_at = reckon(
        by.calendar, started_at, rule.acknowledge_minutes, rule.resolve_minutes, warn_minutes
    )
    return Clocks(
        policy_id=by.policy.pk if by.policy else None,
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
