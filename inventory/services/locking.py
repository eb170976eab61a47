"""The one way stock rows are locked, and what happens when a lock can't be had."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import DatabaseError, transaction

from core.errors import Refusal

T = TypeVar("T")
Pair = tuple[int, int]  # (item id, location id)

RETRIES = 3
# Deadlock, serialisation failure, lock not available: nothing was done, so doing it again is safe. A unique violation
# is a twin with the same key that won by a moment: the next attempt sees its rows and answers like it.
PASSING = frozenset({"40P01", "40001", "55P03", "23505"})
# For the rest of the transaction. Sent together with the statement that locks, so they cost no round trip.
LIMITS = "SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '5s'; "


@dataclass(slots=True)
class Row:
    """A stock row as it stands under our lock."""

    id: int
    item_id: int
    location_id: int
    sku: str
    location: str
    sellable: int
    damaged: int
    quarantined: int
    awaiting_inspection: int
    in_transit_in: int
    reserved: int
    allows_backorder: bool
    tracking: str

    @property
    def label(self) -> str:
        return f"{self.sku} @ {self.location}"


def retrying(work: Callable[[], T], *, atomic: bool = True) -> T:
    """Run `work` in a transaction, up to three times more when a lock stood in the way.

    Inside an outer atomic block it just runs: that transaction is lost as a whole, so its owner must be the one that
    retries. Wrap the outermost call. With `atomic=False` no transaction is opened either, for work that is a single
    statement. `work` may run several times, so it must hold no effect outside the database.
    Raises Refusal("stock_busy", status 503) when the retries are spent.
    """
    if transaction.get_connection().in_atomic_block:
        return work()
    for attempt in range(RETRIES + 1):
        try:
            with transaction.atomic() if atomic else nullcontext():
                return work()
        except DatabaseError as error:
            if getattr(error.__cause__, "sqlstate", None) not in PASSING:
                raise
            if attempt == RETRIES:
                raise Refusal(
                    "stock_busy", "Too many people want this stock at this moment. Try again.", status=503
                ) from error
        time.sleep(random.uniform(0, 0.02 * 2**attempt))
    raise AssertionError("unreachable")


def execute(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Run one statement that takes stock locks, under the lock and statement limits, in one round trip."""
    with transaction.get_connection().cursor() as cursor:
        cursor.execute(LIMITS + sql, parameters)
        while cursor.nextset():
            pass
        return list(cursor.fetchall())


def lock_stock(pairs: Collection[Pair], *, create: bool = False) -> dict[Pair, Row]:
    """Lock the stock rows of these (item, location) pairs in id order and return them as they now stand.

    Every writer of stock comes through here or takes the same locks in the same order (reservations.hold). With
    `create`, rows that don't exist yet are made. The lock lasts until the transaction ends.
    """
    if not create:
        return _lock(pairs)
    rows, unknown = lock_or_make(pairs)
    if unknown:
        raise unknown_place(unknown)
    return rows


def lock_or_make(pairs: Collection[Pair]) -> tuple[dict[Pair, Row], set[Pair]]:
    """The same, making rows that don't exist yet; and the pairs that can't have one: nothing known, or a kit."""
    rows = _lock(pairs)
    if missing := set(pairs) - rows.keys():
        _create(sorted(missing))
        rows = _lock(pairs)
    return rows, set(pairs) - rows.keys()


def unknown_place(pairs: Collection[Pair]) -> Refusal:
    """Why these pairs can't have a stock row."""
    items = [item for item, _ in pairs]
    if kit := execute("SELECT id, sku FROM inventory_item WHERE is_kit AND id = ANY(%s::bigint[])", [items]):
        ((item_id, sku), *_) = kit
        words = f"{sku} is a kit: its parts are stocked, not the kit."
        return Refusal("kit_has_no_stock", words, status=422, item_id=item_id, sku=sku)
    return Refusal("unknown_place", "No such item or location.", status=404, pairs=sorted(pairs))


def ensure_rows(pairs: Collection[Pair]) -> dict[Pair, tuple[int, str]]:
    """(stock row's id, its label) for each pair, made empty where there was none. Nothing that exists is locked.

    Sets no limits: the caller's transaction may be a long one that holds no stock.
    """
    ordered = sorted(pairs)
    with transaction.get_connection().cursor() as cursor:
        cursor.execute(_CREATE, [[item for item, _ in ordered], [place for _, place in ordered]])
        cursor.execute(_LABELS, [[item for item, _ in pairs], [place for _, place in pairs]])
        return {(item, place): (pk, f"{sku} @ {code}") for pk, item, place, sku, code in cursor.fetchall()}


def _lock(pairs: Collection[Pair]) -> dict[Pair, Row]:
    if not pairs:
        return {}
    wanted = sorted(set(pairs))
    found = execute(_LOCK, [[item for item, _ in wanted], [location for _, location in wanted]])
    return {(row.item_id, row.location_id): row for row in (Row(*values) for values in found)}


def _create(pairs: Sequence[Pair]) -> None:
    """In key order, so that two writers never wait for each other's new rows crosswise."""
    execute(_CREATE, [[item for item, _ in pairs], [location for _, location in pairs]])


_LOCK = """
SELECT stock.id, stock.item_id, stock.location_id, item.sku, location.code, stock.sellable, stock.damaged,
    stock.quarantined, stock.awaiting_inspection, stock.in_transit_in, stock.reserved, stock.allows_backorder,
    stock.tracking
FROM unnest(%s::bigint[], %s::bigint[]) AS wanted(item_id, location_id)
JOIN inventory_stock stock USING (item_id, location_id)
JOIN inventory_item item ON item.id = stock.item_id
JOIN inventory_location location ON location.id = stock.location_id
ORDER BY stock.id
FOR NO KEY UPDATE OF stock
"""

_LABELS = """
SELECT stock.id, stock.item_id, stock.location_id, item.sku, location.code
FROM unnest(%s::bigint[], %s::bigint[]) AS wanted(item_id, location_id)
JOIN inventory_stock stock USING (item_id, location_id)
JOIN inventory_item item ON item.id = stock.item_id
JOIN inventory_location location ON location.id = stock.location_id
"""

_CREATE = """
INSERT INTO inventory_stock (
    item_id, location_id, sellable, damaged, quarantined, awaiting_inspection, in_transit_in, reserved,
    allows_backorder, version, updated_at
)
SELECT item_id, location_id, 0, 0, 0, 0, 0, 0, false, 0, now()
FROM unnest(%s::bigint[], %s::bigint[]) AS wanted(item_id, location_id)
WHERE EXISTS (SELECT FROM inventory_item WHERE id = item_id AND NOT is_kit)
    AND EXISTS (SELECT FROM inventory_location WHERE id = location_id)
ORDER BY item_id, location_id
ON CONFLICT (item_id, location_id) DO NOTHING
RETURNING id
"""
