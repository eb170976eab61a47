"""The demo's stores at work: every article has its bin, and orders wait to be picked, fetched and put back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from random import Random

from django.utils import timezone

from config.demo.clock import SetClock
from core import actors, outbox
from core.models import User
from inventory.models import Bin, Item, Location, Placement, Stock
from orders import canonical
from orders.canonical import Buyer, IncomingLine, IncomingOrder
from orders.models import Channel, FulfilmentOrder, ShortRule, StockEffect, StorePolicy
from orders.services import fulfilment, intake, pickup

BUYERS = (
    "Nadia Osei",
    "Tom Birch",
    "Priya Shah",
    "Ewan Clarke",
    "Marta Nowak",
    "Jonas Weber",
    "Aoife Byrne",
    "Li Chen",
)
# Days since each was placed, and how far it got: to pick, ready, or not fetched in time.
STORY = ((0, "open"), (0, "open"), (0, "open"), (0, "open"), (1, "ready"), (2, "ready"), (6, "ready"), (12, "late"))


def make(say: Callable[[str], None]) -> None:
    """Bins for the range, rules of one store, and a shelf of orders to collect there. Safe to repeat."""
    placed = _bins()
    store = Location.objects.filter(kind="STORE", pickup=True).order_by("pk").first()
    if store is None or StorePolicy.objects.exists():
        return
    StorePolicy.objects.create(location=store, keep_days=7, remind_days=2, batch_size=6)
    ShortRule.objects.get_or_create(
        code="NO_TAG",
        defaults={
            "title": "Without its price tag",
            "effect": StockEffect.SET_ASIDE,
            "asks_again": True,
            "position": 45,
        },
    )
    made = sum(_order(store, n, days, fate) for n, (days, fate) in enumerate(STORY))
    pickup.sweep()
    outbox.drain("default")
    say(f"{placed} articles in their bins, {made} orders to collect at {store.name}")


def _bins() -> int:
    made = 0
    items = list(Item.objects.order_by("pk").values_list("pk", flat=True))
    known = set(Placement.objects.values_list("bin__location_id", flat=True).distinct())
    for location in Location.objects.exclude(pk__in=known).order_by("pk"):
        bins = list(Bin.objects.filter(location=location).order_by("walk_order").values_list("pk", flat=True))
        if bins:
            share = max(1, len(items) // len(bins) + 1)
            rows = [Placement(item_id=item, bin_id=bins[n // share]) for n, item in enumerate(items)]
            made += len(Placement.objects.bulk_create(rows, batch_size=2000))
    return made


def _order(store: Location, n: int, days: int, fate: str) -> bool:
    random = Random(f"collect {n}")
    free = Stock.objects.filter(location=store, sellable__gt=3, reserved=0, item__tracking="NONE", item__is_kit=False)
    rows = list(free.select_related("item").order_by("pk")[:2])
    channel = Channel.objects.filter(code="web-uk").first()
    person = User.objects.filter(sites=store.site).first()
    if channel is None or person is None or not rows:
        return False
    lines = tuple(
        IncomingLine(
            ref=str(at), sku=row.item.sku, title=row.item.name, quantity=random.randint(1, 2),
            unit_price=Decimal(random.choice(("24.00", "39.00", "89.00"))),
        )
        for at, row in enumerate(rows, start=1)
    )  # fmt: skip
    clock = SetClock(timezone.now() - timedelta(days=days, minutes=40))
    with clock.in_force():
        incoming = canonical.check(
            IncomingOrder(
                channel_ref=f"collect-{n}", placed_at=clock.moment, currency=channel.currency, lines=lines, version=1,
                total=sum((line.unit_price * line.quantity for line in lines), Decimal(0)),
                payment_state="paid", method="PICKUP", pickup_location_code=store.code,
                tax_included=channel.prices_include_tax, buyer=Buyer(name=BUYERS[n % len(BUYERS)]),
            )
        )  # fmt: skip
        order = intake.place(incoming, channel=channel, actor=actors.SYSTEM)
        outbox.drain("default")
        fulfilment.create(order.order_id)
        job = FulfilmentOrder.objects.filter(order=order.order_id, location=store).first()
        if job is None or fate == "open":
            return job is not None
        who = actors.person(person)
        fulfilment.start_pick(job.pk, actor=who)
        for line in job.lines.select_related("item"):
            fulfilment.pick(job.pk, code=line.item.sku, quantity=line.quantity, actor=who)
        fulfilment.ready(job.pk, shelf=f"R-{n:02}", actor=who)
    return True
