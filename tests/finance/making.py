"""Orders that have shipped, straight into the tables: how they got there is the orders app's own business."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from core import actors, events
from core.subjects import Subject
from inventory.models import Item
from orders import events as order_facts
from orders.models import Channel, Order, OrderLine, OrderStatus

_numbers = itertools.count(200_001)
COUNTERS = ("open", "allocated", "backordered", "fulfilled", "cancelled")


def channel(code: str = "webshop", **more: Any) -> Channel:
    return Channel.objects.get_or_create(code=code, defaults={"name": code.title(), "currency": "USD", **more})[0]


def order(
    *lines: dict[str, Any], number: str | None = None, currency: str = "USD", shipping: str = "0", **more: Any
) -> Order:
    """An order of `{"sku", "ordered", "price", …}` lines, all shipped unless a line says where its units are."""
    number = number or str(next(_numbers))
    made = Order.objects.create(
        number=number,
        channel=more.pop("channel", None) or channel(),
        channel_ref=number,
        channel_number=f"#{number}",
        status=more.pop("status", OrderStatus.COMPLETED),
        source_version=1,
        source_digest=b"0" * 32,
        placed_at=timezone.now(),
        currency=currency,
        shipping_total=Decimal(shipping),
        buyer_name=more.pop("buyer_name", "Ada Buyer"),
        buyer_email=more.pop("buyer_email", "ada@example.com"),
        **more,
    )
    for n, given in enumerate(lines or ({},), start=1):
        line(made, n, **given)
    settle(made)
    return made


def line(of: Order, n: int, *, sku: str = "TEE-NVY-M", ordered: int = 1, price: str = "10", **more: Any) -> OrderLine:
    counters = {name: more.pop(name) for name in COUNTERS if name in more} or {"fulfilled": ordered}
    known = more.pop("known", True)
    return OrderLine.objects.create(
        order=of,
        ref=str(n),
        position=n,
        item=Item.objects.get_or_create(sku=sku, defaults={"name": sku})[0] if known else None,
        sku=sku,
        title=more.pop("title", f"Article {sku}"),
        ordered=ordered,
        shipped_here=more.pop("shipped_here", counters.get("fulfilled", 0)),
        unit_price=Decimal(price),
        discount_total=Decimal(more.pop("discount", "0")),
        tax_total=Decimal(more.pop("tax", "0")),
        **counters,
        **more,
    )


def settle(made: Order, *, total: str | None = None) -> None:
    """Make the order's own figures say what its lines do (or `total`, where they shall disagree)."""
    lines = list(made.lines.all())
    made.subtotal = sum((one.unit_price * one.ordered for one in lines), Decimal(0))
    made.discount_total = sum((one.discount_total for one in lines), Decimal(0))
    made.tax_total = sum((one.tax_total for one in lines), Decimal(0))
    tax = Decimal(0) if made.tax_included else made.tax_total
    made.total = (
        Decimal(total) if total else made.subtotal - made.discount_total + tax + made.shipping_total + made.other_total
    )
    made.save()


@transaction.atomic
def complete(made: Order) -> None:
    """Tell that everything has left, as the orders app does."""
    events.record(order_facts.COMPLETED, Subject("order", str(made.pk), made.number), actor=actors.SYSTEM, data={})
