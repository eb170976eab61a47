"""What cases about orders and about work touch: units that wait, money, the promise, and how much the customer matters.

The customer's tier is worked out, nobody sets it: 3 a business that buys on terms, 2 ten orders or more within a year,
1 three or more, 0 anybody else.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from exceptions.reasons import Impact
from orders.models import FulfilmentLine, FulfilmentOrder, Order, OrderLine

YEAR = timedelta(days=365)
LOYAL, REGULAR = 10, 3


def of_order(uid: str) -> Impact | None:
    """Units still to be delivered, and the whole order's money: the customer waits for all of it."""
    order = Order.objects.select_related("account").filter(pk=uid).first()
    if order is None:
        return None
    lines = OrderLine.objects.filter(order_id=uid).values_list("open", "allocated", "backordered")
    return Impact(
        units=sum(map(sum, lines)), value=order.total, currency=order.currency, promise_by=order.promise_by,
        tier=tier(order),
    )  # fmt: skip


def of_left(uid: str) -> Impact | None:
    """Units that are on their way to somebody who doesn't want them, and the order's money."""
    found = of_order(uid)
    lines = OrderLine.objects.filter(order_id=uid).values_list("shipped_here", "returned")
    return replace(found, units=sum(max(0, shipped - back) for shipped, back in lines)) if found else None


def of_money(uid: str) -> Impact | None:
    """No units wait, and the reason says which money is in question: only the customer matters."""
    order = Order.objects.select_related("account").filter(pk=uid).first()
    return Impact(tier=tier(order)) if order else None


def of_work(uid: str) -> Impact | None:
    """What this node's share of the order is: its units at their prices."""
    work = FulfilmentOrder.objects.select_related("order__account").filter(pk=uid).first()
    if work is None:
        return None
    lines = list(FulfilmentLine.objects.filter(fulfilment=work.pk).values_list("quantity", "order_line__unit_price"))
    value = sum((units * price for units, price in lines), Decimal())
    return Impact(
        units=sum(units for units, _ in lines), value=value, currency=work.order.currency,
        promise_by=work.order.promise_by, tier=tier(work.order),
    )  # fmt: skip


def of_picked(uid: str) -> Impact | None:
    """Units in nobody's place; the customer doesn't wait for them any more."""
    found = of_work(uid)
    return Impact(units=found.units) if found else None


def tier(order: Order) -> int:
    """How much its customer matters, 0 to 3, from what they buy."""
    if order.account is not None and order.account.payment_terms != "PREPAID":
        return 3
    if not order.buyer_email:
        return 0
    bought = Order.objects.filter(
        buyer_email=order.buyer_email, channel=order.channel_id, placed_at__gte=timezone.now() - YEAR, test=False
    )
    count = bought.order_by()[:LOYAL].count()
    return 2 if count >= LOYAL else 1 if count >= REGULAR else 0
