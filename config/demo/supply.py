"""What the demo's orders wait for: a mill that sends for us, and a winter range that is still on its way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from core.actors import SYSTEM
from core.subjects import Subject
from inventory.models import Item, Location
from inventory.services import inbound, movements
from orders import canonical
from orders.canonical import Address, Buyer, IncomingLine, IncomingOrder
from orders.models import BackOrder, Channel, PartnerLink, PartnerRequest
from orders.services import allocation, backorders, fulfilment, intake, lifecycle, partners, refilling
from orders.services.desk import open_desk

MILL, BLANKET, PARKA = "SUP-CALDER", "CAL-BLANKET", "PARKA-AW-M"
PURCHASE = Subject("purchase", "1", "PO-1 Winter range")
BUYERS = (("Imogen Tate", "York", "YO1 7HH"), ("Callum Reeve", "Bath", "BA1 1LN"), ("Wren Abara", "Leeds", "LS2 7EW"),
          ("Theo Marsh", "Hull", "HU1 3TR"))  # fmt: skip


def make(say: Callable[[str], None]) -> None:
    """A supplier asked for four blankets, and three parkas promised from a delivery that slipped. Made once."""
    if PartnerLink.objects.exists():
        return
    now = timezone.now()
    _drop_shipped(now)
    _waited_for(now)
    say(f"{PartnerRequest.objects.count()} requests to a supplier, {BackOrder.objects.count()} back-orders")


def _drop_shipped(now: datetime) -> None:
    mill = Location.objects.create(
        code=MILL, name="Calder Mill", kind="SUPPLIER", country="GB", lat=53.72, lon=-1.86, time_zone="Europe/London",
        priority=900,
    )  # fmt: skip
    PartnerLink.objects.create(location=mill, account_ref="HV-12", answer_minutes=240)
    blanket = _item(BLANKET, "Wool blanket, Calder stripe", Decimal("31.00"))
    cause = Subject("location", str(mill.pk), mill.code)
    movements.receive(blanket.pk, mill.pk, 24, key=f"demo:{MILL}", cause=cause, actor=SYSTEM)
    asked = [_order(BLANKET, "89.00", n, now - timedelta(hours=6 - n)) for n in range(4)]
    uids: list[UUID] = []
    for order_id in asked:
        fulfilment.create(order_id)
        uids += PartnerRequest.objects.filter(fulfilment__order=order_id).values_list("uid", flat=True)
    if len(uids) < len(asked):  # a hold of the demo's own rules stands
        return
    partners.accept(uids[1], partner_ref="CM-2201", sends_at=now + timedelta(days=2), actor=SYSTEM)
    partners.ship(uids[2], carrier="Evri", tracking_number="H00CM22020", actor=SYSTEM)
    PartnerRequest.objects.filter(uid=uids[0]).update(
        requested_at=now - timedelta(hours=5), answer_by=now - timedelta(hours=1)
    )


def _waited_for(now: datetime) -> None:
    depot = Location.objects.filter(kind="WAREHOUSE").order_by("pk").first()
    if depot is None:
        return
    lines = [inbound.Line(_item(PARKA, "Waxed parka, M", Decimal("74.00")).pk, depot.pk, 40)]
    inbound.expect(PURCHASE, lines, due_at=now + timedelta(days=6), actor=SYSTEM)
    for n in range(3):
        _back_order(_order(PARKA, "189.00", n, now - timedelta(days=1, hours=n)))
    inbound.expect(PURCHASE, lines, due_at=now + timedelta(days=9), actor=SYSTEM)
    refilling.follow_cause(PURCHASE.kind, PURCHASE.uid)


@transaction.atomic
def _back_order(order_id: int) -> None:
    desk = open_desk(order_id, actor=SYSTEM)
    backorders.place(desk, allocation.wants(desk))
    lifecycle.save(desk)


def _item(sku: str, name: str, cost: Decimal) -> Item:
    item, _ = Item.objects.get_or_create(
        sku=sku, defaults={"name": name, "unit_cost": cost, "cost_currency": "GBP", "weight_grams": 1400}
    )
    return item


def _order(sku: str, price: str, n: int, placed_at: datetime) -> int:
    name, city, postal_code = BUYERS[n]
    order = IncomingOrder(
        channel_ref=f"supply-{sku}-{n}", number=f"S-{sku[:3]}{n + 1}", placed_at=placed_at, currency="GBP",
        total=Decimal(price), version=1, payment_state="paid",
        lines=(IncomingLine(ref="1", sku=sku, title="", quantity=1, unit_price=Decimal(price)),),
        buyer=Buyer(name=name, email=f"{name.split()[0].lower()}@example.com"),
        ship_to=Address(name=name, line1=f"{n + 3} Mill Lane", city=city, postal_code=postal_code, country="GB"),
    )  # fmt: skip
    return intake.place(canonical.check(order), channel=Channel.objects.get(code="web-uk"), actor=SYSTEM).order_id
