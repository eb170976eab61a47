# ruff: noqa: S608 (the pieces put together are constants of this page)
"""What providers kept of orders' money, in the charge ledger: set-based, from how the payout is matched now.

Never from what a fact said when it was recorded: facts come twice and in any order, the payout's lines say the same
whenever they are asked. A line's fee is one slot of its order, `fee:<payout>:<position>`; what is missing of it is
added, and what an order has of a line that isn't its own any more is taken back.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection, transaction

from finance import locks
from finance.services import entities
from orders.models import Channel

STEP = 20_000


@transaction.atomic
def keep(settlement_id: int, *, low: int, high: int, at: datetime) -> int:
    """Bring the ledger to the fees of the lines at these positions; returns how many rows were added. Repeatable."""
    locks.take(f"fees:{settlement_id}")
    with connection.cursor() as cursor:
        cursor.execute(_OWED, _given(settlement_id, at) | {"low": low, "high": high})
        return _counted(cursor)


@transaction.atomic
def take_back(settlement_id: int, *, at: datetime) -> int:
    """Give back what orders have of lines that are matched with others now, or with none."""
    locks.take(f"fees:{settlement_id}")
    with connection.cursor() as cursor:
        cursor.execute(_STALE, _given(settlement_id, at))
        return _counted(cursor)


def keep_all(settlement_id: int, *, last: int, at: datetime) -> int:
    """All of a payout at once, for one that isn't large."""
    return keep(settlement_id, low=1, high=max(1, last), at=at) + take_back(settlement_id, at=at)


def _counted(cursor: Any) -> int:
    orders = [row[0] for row in cursor.fetchall()]
    if orders:
        # As whoever writes an order's ledger does: of two at once the second sums what the first has written.
        cursor.execute(_LOCK, {"orders": orders})
        cursor.execute(_SUM_UP, {"orders": orders})
    return len(orders)


def _given(settlement_id: int, at: datetime) -> dict[str, Any]:
    """In whose books each channel's orders are, and on which of their days this counts."""
    books = []
    for channel in Channel.objects.order_by("pk").values_list("pk", flat=True):
        entity = entities.of_channel(channel)
        day = entities.booked(entity, entities.local_day(entity, at))
        books.append((channel, entity.pk, day.on, day.late_from, day.note))
    channels, own, days, late, notes = (list(column) for column in zip(*books, strict=True)) if books else ([],) * 5
    return {
        "id": settlement_id, "at": at, "channels": channels, "entities": own, "days": days, "late": late,
        "notes": notes,
    }  # fmt: skip


_INSERT = """
INSERT INTO finance_charge (order_id, entity_id, kind, side, amount, currency, presentment_amount, presentment_currency,
    tax_included, collected_by, funded_by, provider_ref, refund_ref, shipment_ref, label, occurred_at, booked_on,
    late_from, key, note, recorded_at)
SELECT d.order_id, b.entity_id, 'fee', 'provider', d.amount, d.currency, d.amount, d.currency, false, '', '', d.ref, '',
    '', '', %(at)s, b.booked_on, b.late_from, d.slot || '#' || d.count, b.note, statement_timestamp()
FROM due d JOIN orders_order o ON o.id = d.order_id
JOIN unnest(%(channels)s::bigint[], %(entities)s::bigint[], %(days)s::date[], %(late)s::date[], %(notes)s::text[])
    AS b(channel_id, entity_id, booked_on, late_from, note) ON b.channel_id = o.channel_id
ORDER BY d.order_id, d.slot
RETURNING order_id
"""
# A line over several orders is the first one's.
_OWED = f"""
WITH wanted AS MATERIALIZED (
    SELECT DISTINCT ON (l.id) s.order_id, 'fee:' || l.settlement_id || ':' || l.position AS slot, l.fee,
        l.payment_ref AS ref, p.currency
    FROM finance_settlement p JOIN finance_settlementline l ON l.settlement_id = p.id
    JOIN finance_matchside s ON s.line_id = l.id AND s.live AND s.order_id IS NOT NULL
    WHERE p.id = %(id)s AND l.position BETWEEN %(low)s AND %(high)s AND l.fee <> 0
    ORDER BY l.id, s.id
), due AS (
    SELECT w.order_id, w.slot, w.ref, w.currency, -w.fee - coalesce(k.amount, 0) AS amount, k.count
    FROM wanted w CROSS JOIN LATERAL (
        SELECT sum(c.amount) AS amount, count(*) AS count FROM finance_charge c
        WHERE c.order_id = w.order_id AND c.key LIKE w.slot || '#%%'
    ) k
    WHERE -w.fee <> coalesce(k.amount, 0)
)
{_INSERT}
"""
_STALE = f"""
WITH kept AS MATERIALIZED (
    SELECT c.order_id, split_part(c.key, '#', 1) AS slot, max(c.provider_ref) AS ref, c.currency,
        sum(c.amount) AS amount, count(*) AS count
    FROM finance_charge c WHERE c.side = 'provider' AND split_part(c.key, ':', 2) = %(id)s::text AND c.kind = 'fee'
    GROUP BY c.order_id, slot, c.currency HAVING sum(c.amount) <> 0
), due AS (
    SELECT k.order_id, k.slot, k.ref, k.currency, -k.amount AS amount, k.count FROM kept k
    WHERE NOT EXISTS (
        SELECT FROM finance_settlementline l
        JOIN finance_matchside s ON s.line_id = l.id AND s.live AND s.order_id = k.order_id
        WHERE l.settlement_id = %(id)s AND l.fee <> 0
            AND l.position = CASE WHEN split_part(k.slot, ':', 3) ~ '^[0-9]{{1,9}}$'
                THEN split_part(k.slot, ':', 3)::int ELSE 0 END
    )
)
{_INSERT}
"""
_LOCK = "SELECT FROM orders_order WHERE id = ANY(%(orders)s) ORDER BY id FOR NO KEY UPDATE"
_SUM_UP = """
UPDATE finance_ordermoney m SET fees = t.fees FROM (
    SELECT c.order_id, -sum(c.amount) AS fees FROM finance_charge c JOIN orders_order o ON o.id = c.order_id
    WHERE c.order_id = ANY(%(orders)s) AND c.side = 'provider' AND c.currency = o.currency GROUP BY c.order_id
) t WHERE m.order_id = t.order_id AND m.fees <> t.fees
"""
