"""Channels, canonical orders as a partner would send them, and placed orders."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import factory
from factory.django import DjangoModelFactory

from core.actors import SYSTEM
from orders import canonical
from orders.canonical import Address, IncomingLine, IncomingOrder
from orders.models import Channel, Order
from orders.services import intake

PLACED_AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
LEEDS = Address(
    name="Nadia Osei",
    line1="4 Park Row",
    city="Leeds",
    postal_code="LS1 5HD",
    country="GB",
    latitude=53.8,
    longitude=-1.55,
)


class ChannelFactory(DjangoModelFactory):
    class Meta:
        model = Channel
        django_get_or_create = ("code",)

    code = "webshop"
    name = factory.LazyAttribute(lambda o: o.code.title())
    currency = "GBP"


def incoming_line(sku: str = "SKU-1", quantity: int = 1, price: str = "10.00", **fields: Any) -> IncomingLine:
    return IncomingLine(
        **{"ref": f"line-{sku or 'none'}", "sku": sku, "title": f"Article {sku}", "quantity": quantity}
        | {"unit_price": Decimal(price)}
        | fields
    )


def incoming(*lines: IncomingLine, **fields: Any) -> IncomingOrder:
    """A canonical order whose totals agree, unless `fields` say otherwise."""
    lines = lines or (incoming_line(),)
    goods = sum((line.unit_price * line.quantity for line in lines), Decimal(0))
    order = IncomingOrder(
        **{
            "channel_ref": "1001",
            "placed_at": PLACED_AT,
            "currency": "GBP",
            "lines": lines,
            "total": goods,
            "version": 1,
            "payment_state": "paid",
            "ship_to": LEEDS,
        }
        | fields
    )
    return canonical.check(order)


def place(*lines: IncomingLine, channel: Channel | None = None, **fields: Any) -> Order:
    """Send an order in and return what became of it."""
    placed = intake.place(incoming(*lines, **fields), channel=channel or ChannelFactory(), actor=SYSTEM)
    return Order.objects.get(pk=placed.order_id)
