"""How fast units sell where, measured from what left for customers."""

from __future__ import annotations

from django.db import connection

from inventory.models import BufferRule, Measure

DAYS = 14


def measure() -> int:
    """Measure sell rates anew; returns how many there are. Nothing is done while no rule follows them.

    Returned goods don't count against it: a buffer guards against what is sold before the channel hears of it.
    """
    if not BufferRule.objects.in_force().filter(measure=Measure.DERIVED).exists():
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_MEASURE, {"days": DAYS})
        return cursor.rowcount


_MEASURE = """
WITH sold AS (
    SELECT item_id, from_location_id AS location_id, sum(quantity)::numeric / %(days)s AS per_day
    FROM inventory_stockmovement
    WHERE to_state = 'customer' AND from_location_id IS NOT NULL
        AND occurred_at > statement_timestamp() - make_interval(days => %(days)s)
    GROUP BY item_id, from_location_id
), stopped AS (
    DELETE FROM inventory_sellrate rate
    WHERE NOT EXISTS (SELECT FROM sold WHERE (sold.item_id, sold.location_id) = (rate.item_id, rate.location_id))
)
INSERT INTO inventory_sellrate (item_id, location_id, per_day, measured_at)
SELECT item_id, location_id, least(per_day, 99999999), statement_timestamp() FROM sold ORDER BY item_id, location_id
ON CONFLICT (item_id, location_id) DO UPDATE
SET per_day = excluded.per_day, measured_at = excluded.measured_at
"""
