"""Orders that left, and returns of them, as the bench meets them."""

from __future__ import annotations

from decimal import Decimal
from itertools import count
from typing import Any
from uuid import uuid4

from django.utils import timezone

from core.actors import Actor
from inventory.models import Item, Location, Stock
from orders.models import Order, OrderLine
from returns.models import OnBench, ReturnLine, ReturnRequest
from returns.services import receiving
from returns.services.receiving import Found
from tests.factories.inventory import ItemFactory, LocationFactory
from tests.factories.orders import incoming_line, place

ANNA = Actor("PERSON", "71", "Anna Bench")
BEN = Actor("PERSON", "72", "Ben Bench")
_refs = count(1)


def sold(*wanted: tuple[Item, int], price: str = "40.00", **fields: Any) -> Order:
    """An order whose units left elsewhere, so that they can come back."""
    lines = [incoming_line(item.sku, units, price, fulfilled_elsewhere=units) for item, units in wanted]
    return place(*lines, channel_ref=f"sold-{next(_refs)}", **fields)


def approved(
    order: Order | None, *wanted: tuple[Item, int], at: Location | None = None, **fields: Any
) -> ReturnRequest:
    """An approved return of these units; of the order's lines where there is one."""
    ref = next(_refs)
    rma = ReturnRequest.objects.create(
        number=f"RMA-9{ref:05}", uid=uuid4(), kind="SERVICE", order=order, channel=order.channel if order else None,
        location=at, proof="ORDER" if order else "NONE", currency="GBP", approved_at=timezone.now(),
        rule="window", **fields,
    )  # fmt: skip
    bought = {line.item_id: line for line in OrderLine.objects.filter(order=order)} if order else {}
    for n, (item, units) in enumerate(wanted, 1):
        ReturnLine.objects.create(
            request=rma, position=n, item=item, sku=item.sku, title=item.name, quantity=units,
            order_line=bought.get(item.pk), unit_value=Decimal(40),
        )  # fmt: skip
    return rma


def came_back(units: int = 2, *, at: Location | None = None, item: Item | None = None, **fields: Any) -> ReturnRequest:
    """A return of `units` of one article, received at a place and not looked at yet."""
    item, at = item or ItemFactory(), at or LocationFactory(returns=True)
    rma = approved(sold((item, units)), (item, units), at=at, **fields)
    receiving.receive(rma.pk, Found(item.sku, units), location_id=at.pk, key=f"in:{rma.pk}", actor=ANNA)
    return rma


def bench_of(rma: ReturnRequest) -> OnBench:
    return OnBench.objects.select_related("line", "location").filter(line__request=rma).latest("pk")


def units(item: Item, place: Location) -> dict[str, int]:
    """What the books have of an article at a place, without what is nothing."""
    row = Stock.objects.filter(item=item, location=place).first()
    names = ("sellable", "damaged", "quarantined", "awaiting_inspection")
    return {name: getattr(row, name) for name in names if row and getattr(row, name)}
