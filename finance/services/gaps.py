"""Captured payments that a payout should have had, by its own days and its own providers."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import connection

Gap = tuple[int, str, str, Decimal, str, datetime]
MOST = 200


def unsettled(settlement_id: int) -> list[Gap]:
    """Payments that stand in no payout though others of their days do: (order, number, ref, amount, currency, when).

    Of the same gateways, channels and currencies as the payout's own, captured or refunded from five days before the
    first of these to the last of them, or to five days before it was paid: by then every provider pays out.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SQL, {"id": settlement_id, "most": MOST})
        return cursor.fetchall()


_SQL = """
WITH own AS (
    SELECT p.at, p.gateway, p.currency, o.channel_id FROM finance_settlementline l
    JOIN finance_matchside s ON s.line_id = l.id AND s.live
    JOIN orders_payment p ON p.id = s.payment_id AND p.kind = 'captured'
    JOIN orders_order o ON o.id = p.order_id
    WHERE l.settlement_id = %(id)s
), span AS (
    SELECT gateway, currency, channel_id, min(at) - interval '5 days' AS first_at,
        greatest(max(at), (
            SELECT least(ends_at, paid_on - interval '5 days') FROM finance_settlement
            WHERE id = %(id)s AND paid_on IS NOT NULL
        )) AS last_at
    FROM own GROUP BY gateway, currency, channel_id HAVING count(*) > 1
)
SELECT o.id, o.number, p.provider_ref, p.amount, p.currency, p.at
FROM span JOIN orders_order o ON o.channel_id = span.channel_id AND o.placed_at > span.first_at - interval '90 days'
    AND NOT o.test
JOIN orders_payment p ON p.order_id = o.id AND p.kind IN ('captured', 'refunded') AND p.gateway = span.gateway
    AND p.currency = span.currency AND p.at BETWEEN span.first_at AND span.last_at AND p.amount > 0
WHERE NOT EXISTS (SELECT FROM finance_matchside s WHERE s.payment_id = p.id AND s.live)
ORDER BY p.at LIMIT %(most)s
"""
