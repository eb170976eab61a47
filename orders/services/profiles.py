"""What is stated and measured of nodes, as sourcing takes it. Read for all nodes at once, and kept for a moment."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, time
from time import monotonic
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from inventory.models import Location
from orders import due
from orders.capacity import Known, Week
from orders.models import NodeMeasure
from orders.services import places
from orders.sourcing import Node, Profile
from orders.sourcing.candidates import UNKNOWN

ENOUGH_OFFERED = 20  # units; a share of fewer says nothing
_read_at = float("-inf")  # by the clock that never goes back; the profiles themselves are with the nodes (places)


def attach(nodes: Sequence[Node]) -> list[Node]:
    """The nodes with their profiles. One query, none where they were read a moment ago and no node is new."""
    global _read_at  # noqa: PLW0603  (one moment a process; a lost update costs a query)
    fresh = monotonic() - _read_at < settings.SOURCING_PROFILE_SECONDS
    if fresh and not any(node.profile is UNKNOWN for node in nodes):
        return list(nodes)
    known = everyone()
    places.profile(known)
    _read_at = monotonic()
    return [node._replace(profile=known[node.location_id]) for node in nodes if node.location_id in known]


def forget() -> None:
    """Have the next sourcing of this process read them again."""
    global _read_at  # noqa: PLW0603
    _read_at = float("-inf")


def everyone(now: datetime | None = None) -> dict[int, Profile]:
    """Every location's profile as of now."""
    now = now or timezone.now()
    zones = list(Location.objects.order_by().values_list("time_zone", flat=True).distinct())
    with connection.cursor() as cursor:
        cursor.execute(_PROFILES, [zones, [due.hour_of_week(now, zone) for zone in zones]])
        rows = cursor.fetchall()
    departures: dict[tuple[str, time], float] = {}
    return {row[0]: _profile(row, now, departures) for row in rows}


def _profile(row: tuple[Any, ...], now: datetime, departures: dict[tuple[str, time], float]) -> Profile:
    (_, zone, stated, cut_off, days, abroad, parcel, parcel_abroad, kilo, handling, unit, currency, offered, refused,
     pace, weeks, usual, hours, waiting) = row  # fmt: skip
    leaves = (zone, cut_off or due.CUT_OFF)
    if leaves not in departures:
        departures[leaves] = due.next_departure(now.astimezone(UTC), *leaves).timestamp()
    return Profile(
        capacity=Known(stated, pace or 0.0, weeks or 0, usual or 0.0, hours or 0).units,
        waiting=waiting or 0,
        refusals=refused / offered if offered and offered >= ENOUGH_OFFERED else None,
        leaves_at=departures[leaves],
        days=1.0 if days is None else float(days),
        days_abroad=3.0 if abroad is None else float(abroad),
        parcel=_number(parcel),
        parcel_abroad=_number(parcel_abroad),
        kilo=float(kilo or 0),
        handling=_number(handling),
        handling_unit=float(unit or 0),
        currency=currency or "",
        time_zone=zone,
        cut_off=cut_off,
    )


def weeks(location_ids: Collection[int]) -> dict[int, Week]:
    """What these locations can pick in any hour: stated and measured."""
    measured = {row.location_id: row for row in NodeMeasure.objects.filter(location__in=location_ids)}
    rows = Location.objects.filter(pk__in=location_ids).values_list("pk", "time_zone", "pick_capacity_hour")
    return {pk: week(measured.get(pk), zone=zone, stated=stated) for pk, zone, stated in rows}


def week(row: NodeMeasure | None, *, zone: str, stated: int | None) -> Week:
    if row is None:
        return Week(zone, stated)
    return Week(zone, stated, row.hours, row.worked, row.usual, row.hours_worked)


def _number(amount: Any) -> float | None:
    return None if amount is None else float(amount)


# The hour of the week is the node's own. What waits there is promised, picked by nobody, and still to be done.
_PROFILES = """
SELECT place.id, place.time_zone, place.pick_capacity_hour, terms.cut_off, terms.days, terms.days_abroad, terms.parcel,
    terms.parcel_abroad, terms.kilo, terms.handling, terms.handling_unit, terms.currency, measure.offered,
    measure.refused, measure.hours[hour.slot], measure.worked[hour.slot], measure.usual, measure.hours_worked,
    waiting.units
FROM inventory_location place
JOIN unnest(%s::text[], %s::int[]) AS hour(zone, slot) ON hour.zone = place.time_zone
LEFT JOIN orders_nodeterms terms ON terms.location_id = place.id
LEFT JOIN orders_nodemeasure measure ON measure.location_id = place.id
LEFT JOIN (
    SELECT location_id, sum(quantity - picked)::int AS units FROM orders_fulfilmentline
    WHERE NOT shipped AND quantity > picked GROUP BY location_id
) waiting ON waiting.location_id = place.id
"""
