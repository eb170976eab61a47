"""What being paid costs: fees by provider, channel and method, added up for each payout when it is matched."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import connection

MOST = 200


def add_up(settlement_id: int) -> None:
    """Add the payout's lines up by channel and method anew. Safe to repeat.

    The channel is that of the order a line was matched with; fees of no order stand under none.
    """
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM finance_feetotal WHERE settlement_id = %s", [settlement_id])
        cursor.execute(_ADD_UP, [settlement_id])


def by_method(first: date, last: date) -> list[dict[str, Any]]:
    """One row per provider, channel, method and currency: lines, what came in, and what it cost, dearest first."""
    with connection.cursor() as cursor:
        cursor.execute(_SQL, {"first": first, "last": last, "most": MOST})
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


# The first side's order by an aggregate: the first row in order of keys may be sought along the keys of all sides.
_ADD_UP = """
INSERT INTO finance_feetotal (settlement_id, channel_id, method, lines, gross, fee)
SELECT settlement_id, channel_id, method, count(*), sum(gross) FILTER (WHERE incoming), sum(fee)
FROM (
    SELECT l.settlement_id, o.channel_id, CASE WHEN l.kind = 'fee' THEN l.label ELSE l.method END AS method, l.gross,
        l.kind IN ('payment', 'sale', 'tax', 'shipping', 'discount') AS incoming,
        CASE WHEN l.kind = 'fee' THEN l.fee - l.gross ELSE l.fee END AS fee
    FROM finance_settlementline l
    LEFT JOIN LATERAL (
        SELECT (array_agg(m.order_id ORDER BY m.id))[1] AS order_id FROM finance_matchside m
        WHERE m.line_id = l.id AND m.live AND m.order_id IS NOT NULL
    ) m ON true
    LEFT JOIN orders_order o ON o.id = m.order_id
    WHERE l.settlement_id = %s AND l.kind NOT IN ('', 'payout', 'ignored', 'conversion', 'transfer')
) each_line
GROUP BY settlement_id, channel_id, method HAVING sum(fee) <> 0 OR bool_or(incoming)
"""
_SQL = """
SELECT s.provider, coalesce(c.name, '') AS channel, t.method, s.currency, sum(t.lines)::bigint AS lines,
    sum(t.gross) AS gross, sum(t.fee) AS fee
FROM finance_settlement s JOIN finance_feetotal t ON t.settlement_id = s.id
LEFT JOIN orders_channel c ON c.id = t.channel_id
WHERE coalesce(s.paid_on, s.imported_at::date) BETWEEN %(first)s AND %(last)s AND s.state <> 'pending'
GROUP BY s.provider, coalesce(c.name, ''), t.method, s.currency
ORDER BY sum(t.fee) DESC, s.provider, channel, method LIMIT %(most)s
"""
