"""Measuring how fast things sell where: from the ledger, a place at a time."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from inventory.abc_classes import classify
from inventory.models import CountPlan, Location, Pace, Stock

FRESH = timedelta(hours=20)
DAYS, A_SHARE, B_SHARE = 90, 80, 95  # where a place has no plan of its own


def measure(location_id: int, *, now: datetime | None = None) -> int:
    """Measure every item that has a stock row at the place, and class it; returns how many. Safe to repeat.

    Takes the days and shares of the place's count plan, where it has one. What came back from customers isn't taken
    off: a return says nothing about the next sale.
    """
    plan = CountPlan.objects.filter(location=location_id).first()
    days = plan.measured_over if plan else DAYS
    at = now or timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(_SOLD, {"place": location_id, "since": at - timedelta(days=days), "until": at})
        rows: list[tuple[int, int, Decimal]] = cursor.fetchall()
    classes = classify(
        {item: worth for item, _, worth in rows},
        a_share=plan.a_share if plan else A_SHARE,
        b_share=plan.b_share if plan else B_SHARE,
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            _KEEP,
            {
                "place": location_id, "days": days, "at": at,
                "items": [row[0] for row in rows], "sold": [row[1] for row in rows],
                "worth": [row[2] for row in rows], "abc": [classes[row[0]] for row in rows],
            },
        )  # fmt: skip
    return len(rows)


def measure_due(*, limit: int = 20) -> int:
    """Measure the places whose figures are older than a day's work; returns how many."""
    stale = timezone.now() - FRESH
    known = Pace.objects.order_by().values("location").annotate(at=Max("measured_at")).filter(at__gte=stale)
    stocked = Stock.objects.order_by().values("location")
    due = Location.objects.filter(pk__in=stocked).exclude(pk__in=known.values("location")).order_by("pk")
    places = list(due.values_list("pk", flat=True)[:limit])
    for location_id in places:
        measure(location_id)
    return len(places)


_SOLD = """
WITH sold AS (
    SELECT item_id, sum(quantity)::int AS units FROM inventory_stockmovement
    WHERE from_location_id = %(place)s AND to_state = 'customer'
        AND occurred_at >= %(since)s AND occurred_at < %(until)s
    GROUP BY item_id
)
SELECT stock.item_id, coalesce(sold.units, 0), coalesce(sold.units * coalesce(item.unit_cost, 1), 0)
FROM inventory_stock stock JOIN inventory_item item ON item.id = stock.item_id
LEFT JOIN sold ON sold.item_id = stock.item_id
WHERE stock.location_id = %(place)s
"""

_KEEP = """
INSERT INTO inventory_pace (item_id, location_id, sold, days, worth, abc, measured_at)
SELECT item_id, %(place)s, sold, %(days)s, worth, abc, %(at)s
FROM unnest(%(items)s::bigint[], %(sold)s::int[], %(worth)s::numeric[], %(abc)s::text[])
    AS measured(item_id, sold, worth, abc)
ORDER BY item_id
ON CONFLICT (location_id, item_id) DO UPDATE
SET sold = excluded.sold, days = excluded.days, worth = excluded.worth, abc = excluded.abc,
    measured_at = excluded.measured_at
"""
