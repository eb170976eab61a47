"""Authorisations that end soon: found by their own moment, or by what the route of their gateway reckons with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction

from core import events
from core.actors import Actor
from core.models import Event
from core.subjects import Subject
from exceptions.services import cases
from orders import events as facts

REASON = "orders.authorisation_expires"
SWEPT = 5_000


@dataclass(frozen=True, slots=True)
class Expiring:
    """What is held of one order, and until when."""

    order_id: int
    number: str
    ref: str
    amount: Decimal
    currency: str
    ends_at: datetime
    warned_at: datetime


# What is wholly captured, or let go of, holds nothing; a channel's own route comes before its general one.
_SOON = """
SELECT o.id, o.number, p.provider_ref, p.amount - taken.amount, p.currency, ends.at, ends.at - way.warn
FROM orders_payment p
JOIN orders_order o ON o.id = p.order_id AND o.status IN ('RECEIVED', 'ACCEPTED') AND NOT o.test
LEFT JOIN LATERAL (
    SELECT holds_days, warn_hours FROM orders_paymentroute
    WHERE channel_id = o.channel_id AND gateway IN (p.gateway, '') ORDER BY gateway DESC LIMIT 1
) route ON true
CROSS JOIN LATERAL (
    SELECT make_interval(days => coalesce(route.holds_days, 7)) AS holds,
        make_interval(hours => coalesce(route.warn_hours, 48)) AS warn
) way
CROSS JOIN LATERAL (SELECT coalesce(p.expires_at, p.at + way.holds) AS at) ends
CROSS JOIN LATERAL (
    SELECT coalesce(sum(c.amount), 0) AS amount FROM orders_payment c
    WHERE c.order_id = p.order_id AND c.kind = 'captured' AND c.at >= p.at
) taken
WHERE p.kind = 'authorised' AND p.at > statement_timestamp() - interval '400 days' {of_order}
    AND ends.at - way.warn <= statement_timestamp() AND taken.amount < p.amount
    AND NOT EXISTS (
        SELECT FROM orders_payment v WHERE v.order_id = p.order_id AND v.kind = 'voided' AND v.at >= p.at
    )
ORDER BY ends.at, p.id LIMIT {limit}
"""


def soon(order_id: int | None = None) -> list[Expiring]:
    """Those whose warning is due, the first to end first; of one order where it is named."""
    query = _SOON.format(of_order="" if order_id is None else "AND p.order_id = %s", limit=SWEPT)
    with connection.cursor() as cursor:
        cursor.execute(query, [] if order_id is None else [order_id])
        return [Expiring(*row) for row in cursor.fetchall()]


def warn(*, actor: Actor) -> int:
    """Tell of each once, and open its case. For a timer; returns how many were told of."""
    told = 0
    for each in soon():
        subject = Subject("order", str(each.order_id), each.number)
        known = Event.objects.filter(type=facts.PAYMENT_EXPIRING, subject_kind="order", subject_uid=str(each.order_id))
        if known.filter(data__ref=each.ref).exists():
            continue
        data = {
            "ref": each.ref, "amount": str(each.amount), "currency": each.currency,
            "expires_at": each.ends_at.isoformat(),
        }  # fmt: skip
        with transaction.atomic():
            events.record(facts.PAYMENT_EXPIRING, subject, actor=actor, data=data)
            cases.open_(
                REASON, subject, actor=actor, value=each.amount, currency=each.currency, started_at=each.warned_at,
                summary=f"The payment is authorised until {each.ends_at:%d %b %H:%M} UTC and not captured.",
            )  # fmt: skip
        told += 1
    return told
