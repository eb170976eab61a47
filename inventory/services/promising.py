"""What a promise is reckoned from, read set by set: shelves, places, rules, what is coming, what was measured."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from core import prepared
from exceptions import clock
from exceptions.services import clocks
from inventory.availability import Rule, RuleBook
from inventory.models import ChannelFeed, Item, Location, LocationStatus, SellRate

Pair = tuple[int, int]  # (item id, location id)
Units = dict[int, dict[int, int]]  # item, location: units
Shelf = tuple[int, list[int], list[int], list[int]]  # item, and per place: location, sellable, reserved

AHEAD = timedelta(hours=24)  # how far "in time" reaches when no date is asked about
OVERDUE = timedelta(days=1)  # what is later than this isn't counted on any more
ROUND_THE_CLOCK = 24.0


class Place(NamedTuple):
    """A location as the question sees it. `barred` says why it may not, `room` how many units it can still pick."""

    id: int
    code: str
    name: str
    zone: str
    barred: str
    room: int | None

    @property
    def plain(self) -> bool:
        return not self.barred and self.room is None


@dataclass(frozen=True, slots=True)
class Measured:
    """What derived buffers follow: how late the channel hears, and how many units a day sell where."""

    lag_seconds: float
    rates: Mapping[Pair, float]


NOT_MEASURED = Measured(0.0, {})


def places(
    location_ids: Collection[int] | None, *, method: str | None, by: date | None, now: datetime
) -> dict[int, Place]:
    """The locations asked about (all active ones where none are named), each judged for the method."""
    if not method:
        plain = prepared.fetchall(_PLACES, [None if location_ids is None else list(set(location_ids))])
        return {pk: Place(pk, code, name, zone, _inactive(status), None) for pk, code, name, zone, status in plain}
    rows = Location.objects.order_by("code")
    if location_ids is None:
        rows = rows.filter(status=LocationStatus.ACTIVE)
    else:
        rows = rows.filter(pk__in=set(location_ids))
    found = list(rows.values(*_PLACE, *_CALENDAR))
    limited = [row["id"] for row in found if row["pick_capacity_hour"] is not None]
    busy = _picking(limited) if limited else {}
    return {row["id"]: _judged(row, method, by, now, busy.get(row["id"], 0)) for row in found}


_PLACE = ("id", "code", "name", "time_zone", "status", "ships", "pickup", "pick_capacity_hour", "closed_until")
_CALENDAR = (
    "site__time_zone",
    "site__calendar__name",
    "site__calendar__weekly",
    "site__calendar__country",
    "site__calendar__region",
    "site__calendar__exceptions",
)


def _inactive(status: str) -> str:
    return "" if status == LocationStatus.ACTIVE else f"The location is {status.lower()}"


def _judged(row: dict[str, Any], method: str, by: date | None, now: datetime, busy: int) -> Place:
    barred, room = _inactive(row["status"]), None
    if barred:
        pass
    elif method == "SHIP" and not row["ships"]:
        barred = "The location sends nothing"
    elif method == "PICKUP" and not row["pickup"]:
        barred = "The location offers no collection"
    else:
        hours = _open_hours(row, by, now)
        if hours <= 0:
            barred = f"Closed {f'until after {by:%d %B}' if by else 'for the next 24 hours'}"
        elif row["pick_capacity_hour"] is not None:
            room = max(0, int(row["pick_capacity_hour"] * hours) - busy)
    return Place(row["id"], row["code"], row["name"], row["time_zone"], barred, room)


def _open_hours(row: dict[str, Any], by: date | None, now: datetime) -> float:
    """Hours of work between now and the end of the day asked about, by the calendar of the location's site."""
    until = end_of(by, row["time_zone"]) if by else now + AHEAD
    now = max(now, row["closed_until"] or now)
    if until <= now:
        return 0.0
    if row["site__calendar__weekly"] is None:
        return (until - now).total_seconds() / 3600
    calendar = clocks.calendar_from(row["site__time_zone"], *(row[name] for name in _CALENDAR[1:]))
    return clock.business_between(now, min(until, now + clock.HORIZON), calendar).total_seconds() / 3600


def end_of(day: date, zone: str) -> datetime:
    """The midnight that ends this day there."""
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone))


def _picking(location_ids: Sequence[int]) -> dict[int, int]:
    """Units promised and not yet gone, by location: the work that comes before whatever is promised now."""
    return dict(prepared.fetchall(_PICKING, [list(location_ids)]))


def shelves(
    item_ids: Sequence[int], at: Mapping[int, Place], *, narrowed: bool, by: date | None, now: datetime
) -> tuple[list[Shelf], Units, Units]:
    """The shelves; units that ran-out soft reservations still hold there (free already); units due by the day's end.

    One statement, so one moment: read apart, a unit that is swept or arrives in between would be counted twice. Columns
    travel as arrays: an array each costs a fifth of as many rows. What is overdue by more than a day isn't counted on.
    Unless `narrowed`, places that aren't asked about come along: telling them apart here is cheaper than there.
    """
    latest = max((end_of(by, place.zone) for place in at.values()), default=now) if by else now - OVERDUE
    found: list[Shelf] = []
    run_out: Units = {}
    inbound: Units = {}
    asked = {"items": list(item_ids), "places": list(at), "from": now - OVERDUE, "until": latest}
    sql = _SHELVES.format(narrowed="AND location_id = ANY(%(places)s::bigint[])" if narrowed else "")
    for kind, item, where, units, reserved, due in prepared.fetchall(sql, asked, binary=True):
        if kind == "shelf":
            found.append((item, where, units, reserved))
        elif kind == "run out":
            run_out[item] = dict(zip(where, units, strict=True))
        elif by:
            coming = inbound.setdefault(item, {})
            for place, quantity, due_at in zip(where, units, due, strict=True):
                if place in at and due_at < end_of(by, at[place].zone):
                    coming[place] = coming.get(place, 0) + quantity
    return found, run_out, inbound


def rule_book(item_ids: Sequence[int], channel: str) -> RuleBook:
    """The rules that could matter to these items on this channel."""
    return RuleBook(
        [
            Rule(pk, kind, measure, amount, of, place, item, (key, value) if key else None, at_least, at_most)
            for pk, kind, measure, amount, of, place, item, key, value, at_least, at_most in prepared.fetchall(
                _RULES, [channel, list(item_ids)]
            )
        ],
        channel,
    )


def attributes(item_ids: Sequence[int]) -> dict[int, Mapping[str, object]]:
    rows = Item.objects.filter(pk__in=item_ids).values_list("id", "attributes")
    return {pk: held if isinstance(held, dict) else {} for pk, held in rows}


def measured(item_ids: Sequence[int], channel: str) -> Measured:
    """The channel's lag (its slow end) and the items' sell rates. A channel that was never told anything has no lag."""
    lag = ChannelFeed.objects.filter(channel=channel).values_list("lag_p95_ms", flat=True).first() or 0
    rates = SellRate.objects.filter(item_id__in=item_ids).values_list("item_id", "location_id", "per_day")
    return Measured(lag / 1000, {(item, place): float(rate) for item, place, rate in rates})


# Item by item: asked for all items at once, the planner reads the whole index by location where rows happen to lie in
# that order: four times the work, with a million rows.
_SHELVES = """
SELECT 'shelf', asked.id, shelf.at, shelf.sellable, shelf.reserved, NULL::timestamptz[]
FROM unnest(%(items)s::bigint[]) AS asked(id) CROSS JOIN LATERAL (
    SELECT array_agg(location_id) AS at, array_agg(sellable) AS sellable, array_agg(reserved) AS reserved
    FROM inventory_stock WHERE item_id = asked.id {narrowed}
) shelf
WHERE shelf.at IS NOT NULL
UNION ALL
SELECT 'run out', item_id, array_agg(location_id), array_agg(units), NULL, NULL
FROM (
    SELECT item_id, location_id, sum(quantity)::int AS units FROM inventory_reservation
    WHERE status = 'HELD' AND kind = 'SOFT' AND expires_at <= statement_timestamp()
        AND item_id = ANY(%(items)s::bigint[])
    GROUP BY item_id, location_id
) held GROUP BY item_id
UNION ALL
SELECT 'inbound', item_id, array_agg(location_id), array_agg(greatest(quantity - received - committed, 0)), NULL,
    array_agg(due_at)
FROM inventory_expectedreceipt
WHERE status = 'EXPECTED' AND item_id = ANY(%(items)s::bigint[]) {narrowed}
    AND due_at >= %(from)s AND due_at < %(until)s
GROUP BY item_id
"""

_PLACES = """
SELECT id, code, name, time_zone, status
FROM inventory_location, (SELECT %s::bigint[] AS ids) asked
WHERE id = ANY(asked.ids) OR asked.ids IS NULL AND status = 'ACTIVE'
ORDER BY code
"""

_RULES = """
SELECT id, kind, measure, amount, channel, location_id, item_id, attribute_key, attribute_value, at_least, at_most
FROM inventory_bufferrule
WHERE active AND channel IN ('', %s) AND (item_id IS NULL OR item_id = ANY(%s::bigint[])) ORDER BY id
"""

_PICKING = """
SELECT location_id, sum(quantity)::int FROM inventory_reservation
WHERE status = 'HELD' AND location_id = ANY(%s::bigint[]) GROUP BY location_id
"""
