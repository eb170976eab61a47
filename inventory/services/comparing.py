"""What a source said beside the books of the same moment: one query, nothing locked, nothing written.

The books at a past moment are the books of now without what happened after it. A correction (found, missing, opening)
says that the books had been wrong, so it counts from the beginning; a sale, a receipt or a transfer counts from when it
happened, however late it was recorded. So a late sale clears the difference it caused, and so does a count.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Q

from inventory.models import INSIDE, Item, ReportedStock, StockMovement
from inventory.snapshots import LEVELS, STATES, Signals, correction, is_beyond, ours

_WEEK = timedelta(days=7)
CORRECTIONS = frozenset({"found", "shrinkage", "opening"})  # what says that the books had been wrong
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Compared:
    """One word of a source beside the books of the same moment."""

    reported_id: int
    source_id: int
    item_id: int
    location_id: int
    snapshot_id: int
    as_of: datetime
    theirs: dict[str, int | None]
    own: dict[str, int]
    deltas: dict[str, int]
    beyond: bool

    @property
    def pair(self) -> Pair:
        return self.item_id, self.location_id

    @property
    def units(self) -> int:
        return sum(self.deltas.values())


def fold(snapshot_id: int) -> list[int]:
    """Make a snapshot's understood lines the latest word where they are; returns the ids of what changed, in order."""
    with connection.cursor() as cursor:
        cursor.execute(_FOLD, {"snapshot": snapshot_id})
        return sorted(row[0] for row in cursor.fetchall())


def read(reported_ids: Sequence[int]) -> list[Compared]:
    """What was reported beside the books of the same moment, in one query. Nothing is locked."""
    if not reported_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_TRUTH, [list(reported_ids)])
        return [_compared(row) for row in cursor.fetchall()]


def _compared(row: tuple[Any, ...]) -> Compared:
    reported_id, source_id, item_id, location_id, snapshot_id, as_of, units, percent, *figures = row
    theirs = dict(zip(LEVELS, figures[: len(LEVELS)], strict=True))
    states = dict(zip(STATES, map(int, figures[len(LEVELS) : -1]), strict=True))
    own = ours(states, int(figures[-1]))
    deltas = correction(theirs, own)
    beyond = bool(deltas) and is_beyond(deltas, own, units=units, percent=percent)
    return Compared(reported_id, source_id, item_id, location_id, snapshot_id, as_of, theirs, own, deltas, beyond)


def of(item_id: int, location_id: int) -> list[Compared]:
    """Every source's latest word on one item at one place, as it stands now."""
    ids = ReportedStock.objects.filter(item_id=item_id, location_id=location_id, source__active=True)
    return read(list(ids.order_by("pk").values_list("pk", flat=True)))


def reported(pairs: Collection[Pair]) -> list[int]:
    if not pairs:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_BY_PAIR, [[item for item, _ in pairs], [place for _, place in pairs]])
        return [row[0] for row in cursor.fetchall()]


def costs_of(item_ids: Collection[int]) -> dict[int, tuple[Decimal, str]]:
    """What a unit costs, for the items that say so."""
    rows = Item.objects.filter(pk__in=item_ids)
    found = {}
    for item in rows:
        cost = getattr(item, "unit_cost", None)
        if cost is not None:
            found[item.pk] = (cost, getattr(item, "cost_currency", "") or "")
    return found


def signals(begun: Sequence[Compared]) -> dict[int, Signals]:
    if not begun:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_SIGNALS, [[each.reported_id for each in begun]])
        return {row[0]: Signals(*row[1:]) for row in cursor.fetchall()}


def around(item_id: int, location_id: int, as_of: datetime, *, limit: int = 30) -> list[StockMovement]:
    """Movements here from a week before the source looked until now, newest first."""
    here = Q(from_location_id=location_id) | Q(to_location_id=location_id)
    rows = StockMovement.objects.filter(here, item_id=item_id, occurred_at__gte=as_of - _WEEK)
    return list(rows.select_related("from_location", "to_location").order_by("-occurred_at", "-pk")[:limit])


_since = ",\n        ".join(
    f"coalesce(sum(quantity) FILTER (WHERE to_location_id = said.location_id AND to_state = '{state}'), 0)"
    f" - coalesce(sum(quantity) FILTER (WHERE from_location_id = said.location_id AND from_state = '{state}'), 0)"
    f" AS {state}"
    for state in INSIDE
)
_said = ", ".join(f"said.{level}" for level in LEVELS)
_then = ", ".join(f"coalesce(stock.{state}, 0) - since.{state}" for state in INSIDE)

_TRUTH = f"""
SELECT said.id, said.source_id, said.item_id, said.location_id, said.snapshot_id, said.as_of,
    source.tolerance_units, source.tolerance_percent, {_said}, {_then}, held.units + ended.units
FROM inventory_reportedstock said
JOIN inventory_stocksource source ON source.id = said.source_id
LEFT JOIN inventory_stock stock ON stock.item_id = said.item_id AND stock.location_id = said.location_id
CROSS JOIN LATERAL (
    SELECT {_since}
    FROM inventory_stockmovement moved
    WHERE item_id = said.item_id AND occurred_at > said.as_of
        AND (to_location_id = said.location_id OR from_location_id = said.location_id)
        AND from_state NOT IN ('found', 'shrinkage', 'opening') AND to_state NOT IN ('found', 'shrinkage', 'opening')
        -- What takes a movement back counts from when that one happened.
        AND NOT EXISTS (
            SELECT FROM inventory_stockmovement mistaken
            WHERE mistaken.id = moved.compensates_id AND mistaken.occurred_at <= said.as_of
        )
) since
CROSS JOIN LATERAL (
    SELECT coalesce(sum(quantity), 0) AS units FROM inventory_reservation
    WHERE item_id = said.item_id AND location_id = said.location_id AND status = 'HELD' AND created_at <= said.as_of
) held
CROSS JOIN LATERAL (
    SELECT coalesce(sum(promise.quantity), 0) AS units
    FROM inventory_reservation promise LEFT JOIN inventory_reservation origin ON origin.id = promise.split_from_id
    WHERE promise.item_id = said.item_id AND promise.location_id = said.location_id AND promise.status <> 'HELD'
        AND promise.ended_at > said.as_of AND coalesce(origin.created_at, promise.created_at) <= said.as_of
) ended
WHERE said.id = ANY(%s::bigint[])
ORDER BY said.id
"""  # noqa: S608  (built from our own column names)

_sums = ", ".join(f"sum(quantity) FILTER (WHERE measure = '{level}') AS {level}" for level in LEVELS)
_columns = ", ".join(LEVELS)
_fresh = ", ".join(f"{level} = excluded.{level}" for level in LEVELS)

# The latest word wins, whatever order snapshots arrive in.
_FOLD = f"""
INSERT INTO inventory_reportedstock AS said (source_id, item_id, location_id, snapshot_id, as_of, {_columns})
SELECT snapshot.source_id, line.item_id, line.location_id, snapshot.id, snapshot.as_of, {_sums}
FROM inventory_snapshotline line JOIN inventory_stocksnapshot snapshot ON snapshot.id = line.snapshot_id
WHERE line.snapshot_id = %(snapshot)s AND line.outcome = 'COMPARED'
GROUP BY snapshot.source_id, line.item_id, line.location_id, snapshot.id, snapshot.as_of
ORDER BY line.item_id, line.location_id
ON CONFLICT (source_id, item_id, location_id) DO UPDATE
SET snapshot_id = excluded.snapshot_id, as_of = excluded.as_of, {_fresh}
WHERE (excluded.as_of, excluded.snapshot_id) >= (said.as_of, said.snapshot_id)
RETURNING id
"""  # noqa: S608

_BY_PAIR = """
SELECT said.id FROM unnest(%s::bigint[], %s::bigint[]) AS wanted(item_id, location_id)
JOIN inventory_reportedstock said USING (item_id, location_id)
JOIN inventory_stocksource source ON source.id = said.source_id AND source.active
ORDER BY said.id
"""

_SIGNALS = """
SELECT said.id, coalesce(unmapped.units, 0)::int, ledger.sold::int, ledger.received::int,
    coalesce(stock.in_transit_in, 0),
    coalesce(stock.reserved, 0), ledger.sells
FROM inventory_reportedstock said
LEFT JOIN inventory_stock stock ON stock.item_id = said.item_id AND stock.location_id = said.location_id
CROSS JOIN LATERAL (
    SELECT sum(quantity) AS units FROM inventory_snapshotline
    WHERE item_id = said.item_id AND location_id = said.location_id AND snapshot_id = said.snapshot_id
        AND outcome = 'UNRESOLVED' AND problem = 'unmapped_status'
) unmapped
CROSS JOIN LATERAL (
    SELECT coalesce(sum(quantity) FILTER (
            WHERE to_state = 'customer' AND occurred_at BETWEEN said.as_of - interval '2 days' AND said.as_of
        ), 0) AS sold,
        coalesce(sum(quantity) FILTER (
            WHERE from_state IN ('supplier', 'in_transit_in') AND to_location_id = said.location_id
                AND occurred_at BETWEEN said.as_of - interval '2 days' AND said.as_of
        ), 0) AS received,
        coalesce(bool_or(to_state = 'customer'), false) AS sells
    FROM inventory_stockmovement
    WHERE item_id = said.item_id AND (from_location_id = said.location_id OR to_location_id = said.location_id)
        AND occurred_at >= said.as_of - interval '14 days'
) ledger
WHERE said.id = ANY(%s::bigint[])
"""
