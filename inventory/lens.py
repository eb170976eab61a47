"""What an action moves in the ledger: read from the movements its own transaction has posted."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Max

from core.actors import Actor
from core.errors import Refusal
from exceptions import effects
from exceptions.effects import OTHER, STOCK, Change
from exceptions.models import ActionRun
from inventory.models import Count, CountLine, CountStatus, State, Stock, StockMovement
from inventory.services import counts, movements

# Others post meanwhile, so "since" alone isn't enough: of the newer movements ours are those whose transaction (or
# savepoint) hasn't ended, for we see no unfinished one but our own. xmin carries no epoch, so the current one is lent.
_OURS = """
WITH ours AS (
    SELECT * FROM inventory_stockmovement m WHERE m.id > %s AND pg_xact_status(
        (((pg_current_xact_id()::text::bigint >> 32) << 32) | m.xmin::text::bigint)::text::xid8) = 'in progress'
), sides AS (
    SELECT id, item_id, to_location_id AS location_id, to_state AS state, quantity FROM ours
    WHERE to_location_id IS NOT NULL
    UNION ALL
    SELECT id, item_id, from_location_id, from_state, -quantity FROM ours WHERE from_location_id IS NOT NULL
)
SELECT i.sku, l.name, s.state, sum(s.quantity)::int, array_agg(s.id::text ORDER BY s.id), i.unit_cost, i.cost_currency,
    k.sellable, k.damaged, k.quarantined, k.awaiting_inspection, k.in_transit_in
FROM sides s JOIN inventory_item i ON i.id = s.item_id JOIN inventory_location l ON l.id = s.location_id
JOIN inventory_stock k ON k.item_id = s.item_id AND k.location_id = s.location_id
GROUP BY s.item_id, i.sku, l.id, l.name, s.state, i.unit_cost, i.cost_currency, k.id
HAVING sum(s.quantity) <> 0 ORDER BY i.sku, l.name, s.state
"""
_STATES = ("sellable", "damaged", "quarantined", "awaiting_inspection", "in_transit_in")


class Ledger:
    def before(self, kind: str, uid: str) -> int:
        return StockMovement.objects.aggregate(last=Max("pk"))["last"] or 0

    def changes(self, kind: str, uid: str, seen: Any) -> Iterable[Change]:
        with connection.cursor() as cursor:
            cursor.execute(_OURS, [seen])
            rows = cursor.fetchall()
        for sku, place, state, moved, ids, cost, currency, *standing in rows:
            now = dict(zip(_STATES, standing, strict=True)).get(state, 0)
            yield Change(
                STOCK, f"{sku}, {State(state).label.lower()}", place, str(now - moved), str(now), f"{moved:+}",
                Decimal(cost) * moved if cost is not None else None, currency if cost is not None else "", tuple(ids),
            )  # fmt: skip


class Asked:
    """The count that is open for the article at the place a case is about."""

    def before(self, kind: str, uid: str) -> int | None:
        return _open_count(kind, uid)

    def changes(self, kind: str, uid: str, seen: Any) -> Iterable[Change]:
        now = _open_count(kind, uid)
        if now is not None and now != seen:
            yield Change(OTHER, "A count of it", "", "not asked for", "asked for", ref=(str(now),))


def _open_count(kind: str, uid: str) -> int | None:
    stock = Stock.objects.filter(pk=uid).first() if kind == "stock" else None
    if stock is None:
        return None
    lines = CountLine.objects.filter(item=stock.item_id, location=stock.location_id, open=True)
    return lines.values_list("count_id", flat=True).first()


def call_off_count(run: ActionRun, *, actor: Actor) -> str:
    """The undo of having something counted, as long as nobody has begun."""
    asked = [int(pk) for row in run.delta if row["kind"] == OTHER for pk in row["ref"] if pk.isdigit()]
    if not asked:
        raise Refusal("nothing_to_undo", "A count of it was open already; that one stays.")
    count = Count.objects.get(pk=asked[0])
    if count.status != CountStatus.REQUESTED:
        raise Refusal("begun", f"{count.number} is {count.get_status_display().lower()} already.")
    counts.cancel(count.pk, reason=f"Undo of {run.title}", version=count.version, actor=actor)
    return f"{count.number} is called off."


def moved(run: ActionRun) -> list[int]:
    """The movements a run posted."""
    return sorted({int(pk) for row in run.delta if row["kind"] == STOCK for pk in row["ref"] if pk.isdigit()})


def take_back(run: ActionRun, *, actor: Actor) -> str:
    """The undo of whatever only moved stock: the reverse of its movements, as long as the units are there."""
    ids = moved(run)
    if not ids:
        raise Refusal("nothing_to_undo", "It moved no stock that could be moved back.")
    movements.compensate(ids, key=f"undo:{run.pk}", actor=actor, note=f"Undo of {run.title}"[:500])
    return "The stock is moved back."


def register() -> None:
    effects.register(Ledger())
    effects.register(Asked())
