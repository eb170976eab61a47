"""What being paid costs: fees by provider, channel and method, from the lines of payouts."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import connection

MOST = 200


def by_method(first: date, last: date) -> list[dict[str, Any]]:
    """One row per provider, channel, method and currency: lines, what came in, and what it cost, dearest first.

    The channel is that of the order a line was matched with; fees of no order stand under none.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SQL, {"first": first, "last": last, "most": MOST})
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


_SQL = """
SELECT provider, channel, method, currency, count(*) AS lines, sum(gross) FILTER (WHERE incoming) AS gross,
    sum(fee) AS fee
FROM (
    SELECT s.provider, s.currency, coalesce(c.name, '') AS channel,
        CASE WHEN l.kind = 'fee' THEN l.label ELSE l.method END AS method, l.gross,
        l.kind IN ('payment', 'sale', 'tax', 'shipping', 'discount') AS incoming,
        CASE WHEN l.kind = 'fee' THEN l.fee - l.gross ELSE l.fee END AS fee
    FROM finance_settlement s JOIN finance_settlementline l ON l.settlement_id = s.id
    LEFT JOIN LATERAL (
        SELECT order_id FROM finance_matchside m WHERE m.line_id = l.id AND m.live AND m.order_id IS NOT NULL LIMIT 1
    ) m ON true
    LEFT JOIN orders_order o ON o.id = m.order_id
    LEFT JOIN orders_channel c ON c.id = o.channel_id
    WHERE coalesce(s.paid_on, s.imported_at::date) BETWEEN %(first)s AND %(last)s AND s.state <> 'pending'
        AND l.kind NOT IN ('', 'payout', 'ignored', 'conversion', 'transfer')
) each_line
GROUP BY provider, channel, method, currency HAVING sum(fee) <> 0 OR bool_or(incoming)
ORDER BY sum(fee) DESC, provider, channel, method LIMIT %(most)s
"""
