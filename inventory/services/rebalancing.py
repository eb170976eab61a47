"""Suggestions that even out how long stock lasts, and taking them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from django.db import connection
from django.db.models import Q, Sum

from core.actors import Actor
from core.errors import Refusal
from inventory.models import TRANSFER_AT_ORIGIN, TransferLine, TransferStatus
from inventory.rebalancing import Goal, Place, Proposal, propose
from inventory.services import transfers
from inventory.services.locking import retrying

ITEMS = 300  # the neediest, looked at in one go
SHOWN = 200


def suggest(
    goal: Goal, *, location_ids: Collection[int] | None = None, destination_id: int | None = None
) -> list[Proposal]:
    """What would be worth sending now, the most urgent first. Three queries, nothing locked, nothing written.

    With `location_ids` only proposals with one of those at either end. Units on their way, and those that open
    transfers will bring or take, count as if they had arrived or left.
    """
    with connection.cursor() as cursor:
        about = {"low": goal.low, "limit": ITEMS, "destination": destination_id}
        cursor.execute(_NEEDY, about)
        items = [row[0] for row in cursor.fetchall()]
        cursor.execute(_PLACES, {"items": items})
        rows = cursor.fetchall()
    incoming, outgoing = _asked_for(items)
    places: dict[int, list[Place]] = defaultdict(list)
    for item, location, free, coming, sold, days in rows:
        pair = (item, location)
        free_now, coming_now = free - outgoing.get(pair, 0), coming + incoming.get(pair, 0)
        places[item].append(Place(location, max(0, free_now), coming_now, sold / days if days else 0.0))
    found = [proposal for item in items for proposal in propose(item, places[item], goal)]
    found = [p for p in found if destination_id is None or p.destination_id == destination_id]
    if location_ids is not None:
        found = [p for p in found if p.origin_id in location_ids or p.destination_id in location_ids]
    return sorted(found, key=lambda p: (p.destination_before or 0, -p.units))[:SHOWN]


def _asked_for(items: Sequence[int]) -> tuple[dict[tuple[int, int], int], dict[tuple[int, int], int]]:
    """Units open transfers will bring, and those they will take without holding a promise for them yet."""
    lines = TransferLine.objects.filter(item__in=items).order_by()
    waits = Q(transfer__status__in=(TransferStatus.DRAFT, TransferStatus.REQUESTED), transfer__approved_at=None)
    granted = Q(transfer__status__in=TRANSFER_AT_ORIGIN, transfer__approved_at__isnull=False)
    incoming: dict[tuple[int, int], int] = defaultdict(int)
    outgoing: dict[tuple[int, int], int] = defaultdict(int)
    rows: Any = lines.filter(waits | granted).values_list("item_id", "transfer__origin_id", "transfer__destination_id")
    for item, origin, destination, wanted, approved in rows.annotate(
        asked=Sum("wanted", filter=waits, default=0), promised=Sum("approved", filter=granted, default=0)
    ):
        incoming[item, destination] += wanted + approved
        outgoing[item, origin] += wanted
    return incoming, outgoing


def take(proposals: Sequence[Proposal], *, actor: Actor, reason: str = "Evens out days of cover") -> list[int]:
    """Ask for a transfer per pair of places with what was chosen; returns their ids. All or none."""
    if not proposals:
        raise Refusal("nothing_chosen", "Choose at least one suggestion.", status=422)
    lanes: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for p in proposals:
        lanes[p.origin_id, p.destination_id].append((p.item_id, p.units))

    def work() -> list[int]:
        return [
            transfers.request(origin, destination, lines, actor=actor, reason=reason, suggested=True)
            for (origin, destination), lines in sorted(lanes.items())
        ]

    return retrying(work)


# Items that don't last `low` days somewhere, the shortest cover first.
_NEEDY = """
SELECT pace.item_id
FROM inventory_pace pace
JOIN inventory_stock stock ON stock.item_id = pace.item_id AND stock.location_id = pace.location_id
JOIN inventory_location location ON location.id = pace.location_id AND location.status = 'ACTIVE'
JOIN inventory_item item ON item.id = pace.item_id AND item.active AND NOT item.is_kit
WHERE pace.sold > 0 AND (stock.sellable - stock.reserved + stock.in_transit_in) * pace.days < %(low)s * pace.sold
    AND (%(destination)s::bigint IS NULL OR pace.location_id = %(destination)s)
GROUP BY pace.item_id
ORDER BY min((stock.sellable - stock.reserved + stock.in_transit_in) * pace.days::numeric / pace.sold), pace.item_id
LIMIT %(limit)s
"""

_PLACES = """
SELECT stock.item_id, stock.location_id, stock.sellable - stock.reserved, stock.in_transit_in,
    coalesce(pace.sold, 0), coalesce(pace.days, 1)
FROM inventory_stock stock
JOIN inventory_location location ON location.id = stock.location_id AND location.status = 'ACTIVE'
    AND location.kind IN ('STORE', 'WAREHOUSE')
LEFT JOIN inventory_pace pace ON pace.item_id = stock.item_id AND pace.location_id = stock.location_id
WHERE stock.item_id = ANY(%(items)s::bigint[])
ORDER BY stock.item_id, stock.location_id
"""
