"""What nodes really do, measured from their fulfilment orders: pace by hour of the week, and what they refuse."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.db import connection, transaction

from core import events
from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.subjects import Subject
from inventory.models import Location
from orders import events as facts
from orders.models import NodeTerms
from orders.models.nodes import HOURS
from orders.services import profiles

DAYS = 56  # eight of each hour of the week


def measure() -> int:
    """Measure every location anew; returns how many. For a timer: nothing else writes these figures."""
    zones = set(Location.objects.order_by().values_list("time_zone", flat=True).distinct())
    with connection.cursor() as cursor:
        cursor.execute(_MEASURE, {"days": DAYS, "hours": HOURS, "zones": sorted(filter(_known, zones))})
        return cursor.rowcount


def _known(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        return False
    return True


def state(location_id: int, terms: NodeTerms, *, version: int | None, actor: Actor) -> NodeTerms:
    """Keep what people state of a node. Refusal("stale") where somebody else did meanwhile; Invalid by field."""
    _check(terms)
    with transaction.atomic():
        place = Location.objects.select_for_update(no_key=True).get(pk=location_id)
        before = NodeTerms.objects.filter(location=place).first()
        if version is not None and version != (before.version if before else 0):
            raise Refusal("stale", f"The figures of {place.name} were changed meanwhile.", sent=version)
        terms.pk, terms.location_id = before.pk if before else None, place.pk
        terms.version = before.version + 1 if before else 1
        terms.save()
        said = {name: str(getattr(terms, name)) for name in FIELDS}
        about = Subject("location", str(place.pk), place.code)
        events.record(facts.NODE_TERMS_CHANGED, about, actor=actor, data=said)
    profiles.forget()
    return terms


FIELDS = (
    "currency", "cut_off", "days", "days_abroad", "parcel", "parcel_abroad", "kilo", "handling", "handling_unit",
)  # fmt: skip
_COSTS = ("parcel", "parcel_abroad", "kilo", "handling", "handling_unit")


def _check(terms: NodeTerms) -> None:
    problems = [
        Problem(name, "range", "From 0 to a million.")
        for name in _COSTS
        if (amount := getattr(terms, name)) is not None and not 0 <= amount < 10**6
    ]
    if not terms.currency and any(getattr(terms, name) for name in _COSTS):
        problems.append(Problem("currency", "required", "A cost needs its currency."))
    if terms.currency and not (len(terms.currency) == 3 and terms.currency.isascii() and terms.currency.isupper()):
        problems.append(Problem("currency", "shape", "Three capital letters, such as GBP."))
    if not 0 <= terms.days <= 60:
        problems.append(Problem("days", "range", "From 0 to 60 days."))
    if not 0 <= terms.days_abroad <= 120:
        problems.append(Problem("days_abroad", "range", "From 0 to 120 days."))
    if problems:
        raise Invalid(problems, status=422)


# Refused is what fell short and what was declined; of work that was declined, all of it.
_MEASURE = """
WITH place AS (
    SELECT id, CASE WHEN time_zone = ANY(%(zones)s::text[]) THEN time_zone ELSE 'UTC' END AS zone
    FROM inventory_location
), picked AS (
    SELECT work.location_id, date_trunc('hour', work.picked_at AT TIME ZONE place.zone) AS hour,
        sum(line.quantity)::float AS units
    FROM orders_fulfilmentorder work
    JOIN place ON place.id = work.location_id
    JOIN orders_fulfilmentline line ON line.fulfilment_id = work.id
    WHERE work.picked_at > statement_timestamp() - make_interval(days => %(days)s)
    GROUP BY 1, 2
), pace AS (
    SELECT location_id, ((extract(isodow FROM hour) - 1) * 24 + extract(hour FROM hour) + 1)::int AS slot,
        percentile_cont(0.9) WITHIN GROUP (ORDER BY units) AS units, count(*) AS weeks
    FROM picked WHERE units > 0 GROUP BY 1, 2
), usual AS (
    SELECT location_id, percentile_cont(0.9) WITHIN GROUP (ORDER BY units) AS units, count(*) AS hours
    FROM picked WHERE units > 0 GROUP BY 1
), asked AS (
    SELECT line.location_id, sum(line.promised) AS offered, sum(
        CASE WHEN work.status = 'REJECTED' THEN line.promised ELSE coalesce(short.units, 0) END
    ) AS refused
    FROM orders_fulfilmentline line
    JOIN orders_fulfilmentorder work ON work.id = line.fulfilment_id
    LEFT JOIN LATERAL (
        SELECT sum(quantity) AS units FROM orders_shortpick WHERE fulfilment_line_id = line.id
    ) short ON true
    WHERE work.created_at > statement_timestamp() - make_interval(days => %(days)s)
    GROUP BY 1
)
INSERT INTO orders_nodemeasure (location_id, days, offered, refused, hours, worked, usual, hours_worked,
    measured_at)
SELECT place.id, %(days)s, coalesce(max(asked.offered), 0), coalesce(max(asked.refused), 0),
    array_agg(coalesce(pace.units, 0) ORDER BY hour.slot), array_agg(coalesce(pace.weeks, 0) ORDER BY hour.slot),
    coalesce(max(usual.units), 0), coalesce(max(usual.hours), 0), statement_timestamp()
FROM place
CROSS JOIN generate_series(1, %(hours)s) AS hour(slot)
LEFT JOIN pace ON pace.location_id = place.id AND pace.slot = hour.slot
LEFT JOIN usual ON usual.location_id = place.id
LEFT JOIN asked ON asked.location_id = place.id
GROUP BY place.id
ON CONFLICT (location_id) DO UPDATE SET days = excluded.days, offered = excluded.offered, refused = excluded.refused,
    hours = excluded.hours, worked = excluded.worked, usual = excluded.usual,
    hours_worked = excluded.hours_worked, measured_at = excluded.measured_at
"""
