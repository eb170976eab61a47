"""Captured payments that a payout should have had, by its own days and its own providers."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import connection

Gap = tuple[int, str, str, Decimal, str, datetime]
MOST = 200


def unsettled(settlement_id: int) -> list[Gap]:
    """Payments captured strictly between the first and the last of the payout's matched payments, by the same gateways
    and channels and in the same currencies, that stand in no payout: (order, number, ref, amount, currency, when)."""
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
    SELECT gateway, currency, channel_id, min(at) AS first_at, max(at) AS last_at FROM own
    GROUP BY gateway, currency, channel_id HAVING count(*) > 1
)
SELECT o.id, o.number, p.provider_ref, p.amount, p.currency, p.at
FROM span JOIN orders_order o ON o.channel_id = span.channel_id AND o.placed_at > span.first_at - interval '90 days'
    AND o.placed_at <= span.last_at AND NOT o.test
JOIN orders_payment p ON p.order_id = o.id AND p.kind = 'captured' AND p.gateway = span.gateway
    AND p.currency = span.currency AND p.at > span.first_at AND p.at < span.last_at AND p.amount > 0
WHERE NOT EXISTS (SELECT FROM finance_matchside s WHERE s.payment_id = p.id AND s.live)
ORDER BY p.at LIMIT %(most)s
"""
