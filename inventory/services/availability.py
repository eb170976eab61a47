"""What can still be promised, read from the database."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection


@dataclass(frozen=True, slots=True)
class Free:
    """Units of an item at a location that nobody has been promised; negative where a location promised ahead."""

    item_id: int
    location_id: int
    free: int
    allows_backorder: bool


def free_stock(item_ids: Collection[int], *, location_ids: Collection[int] | None = None) -> list[Free]:
    """One row per item and active location that stocks it, in one query.

    Exact at this moment: soft reservations whose time ran out count as free even before they are swept. Nothing is
    locked, so a later `reservations.hold` may still find less.
    """
    if not item_ids:
        return []
    wanted = sorted(set(item_ids))
    with connection.cursor() as cursor:
        if location_ids is None:
            cursor.execute(_FREE.format(where=""), [wanted, wanted])
        else:
            cursor.execute(
                _FREE.format(where="AND stock.location_id = ANY(%s::bigint[])"),
                [wanted, wanted, sorted(set(location_ids))],
            )
        return [Free(*row) for row in cursor.fetchall()]


_FREE = """
WITH run_out AS (
    SELECT item_id, location_id, sum(quantity)::int AS quantity
    FROM inventory_reservation
    WHERE status = 'HELD' AND kind = 'SOFT' AND expires_at <= statement_timestamp() AND item_id = ANY(%s::bigint[])
    GROUP BY item_id, location_id
)
SELECT stock.item_id, stock.location_id, stock.sellable - stock.reserved + coalesce(run_out.quantity, 0),
    stock.allows_backorder
FROM inventory_stock stock
JOIN inventory_location location ON location.id = stock.location_id AND location.status = 'ACTIVE'
LEFT JOIN run_out ON run_out.item_id = stock.item_id AND run_out.location_id = stock.location_id
WHERE stock.item_id = ANY(%s::bigint[]) {where}
ORDER BY stock.item_id, stock.location_id
"""
