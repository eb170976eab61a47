"""Articles of the demo that aren't just a pile of units: gift boxes made of parts, candles by lot, lamps by serial."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from core import actors
from core.subjects import Subject
from inventory.models import Item, Location, State, Tracking
from inventory.services import kits, movements
from inventory.services.movements import Move, Posting
from orders.canonical import Address, IncomingLine, IncomingOrder, microseconds
from orders.models import Channel
from orders.services import intake

KITS = (
    ("GIFT-WINTER", "Winter gift box", {"BNI-NVY": 1, "SCF-NVY": 1}),
    ("GIFT-TEA", "Tea for two", {"MUG-OAT": 2, "TWL-OAT-HAND": 1}),
)
CANDLE, LAMP = "CND-RESERVE", "LMP-NUMBERED"
TRACKED = (
    (CANDLE, "Reserve candle, spring pour", Tracking.LOT, "28.00"),
    (LAMP, "Numbered ash lamp", Tracking.SERIAL, "240.00"),
)
WAREHOUSE, STORE = "DC-WAKEFIELD", "ST-LEEDS-BRIGGATE"


def make(at: datetime, say: Callable[[str], None]) -> None:
    """Their articles, recipes and first stock as of `at`. Safe to repeat."""
    for sku, name, parts in KITS:
        kit, _ = Item.objects.get_or_create(sku=sku, defaults={"name": name, "attributes": {"family": "Gifts"}})
        kit.refresh_from_db()
        made_of = dict(Item.objects.filter(sku__in=parts).values_list("sku", "pk"))
        kits.define(kit.pk, {made_of[part]: each for part, each in parts.items()}, actor=actors.SYSTEM)
    for sku, name, tracking, price in TRACKED:
        about = {"name": name, "tracking": tracking, "attributes": {"family": "Home"}}
        cost = {"unit_cost": Decimal(price) / 2, "cost_currency": "GBP"}
        Item.objects.get_or_create(sku=sku, defaults=about | cost)
    _receive(at)
    say(f"{len(KITS)} kits, {len(TRACKED)} articles told apart by lot or serial number")


def _receive(at: datetime) -> None:
    item = dict(Item.objects.filter(sku__in=(CANDLE, LAMP)).values_list("sku", "pk"))
    place = dict(Location.objects.filter(code__in=(WAREHOUSE, STORE)).values_list("code", "pk"))
    candle, lamp, warehouse, store = item[CANDLE], item[LAMP], place[WAREHOUSE], place[STORE]
    lamps = tuple(f"AL-{number:04d}" for number in range(1, 13))
    best_by = (at + timedelta(days=540)).date()
    steps = [
        (0, [Move(candle, 60, None, State.SUPPLIER, warehouse, State.SELLABLE, lot="P-0417", expires_on=best_by),
             Move(lamp, 12, None, State.SUPPLIER, warehouse, State.SELLABLE, serials=lamps)]),
        (1, [Move(candle, 24, None, State.SUPPLIER, warehouse, State.QUARANTINED, lot="P-0502")]),
        (2, [Move(lamp, 3, warehouse, State.SELLABLE, store, State.IN_TRANSIT_IN, serials=lamps[:3])]),
        (3, [Move(lamp, 3, store, State.IN_TRANSIT_IN, store, State.SELLABLE, serials=lamps[:3])]),
        (4, [Move(candle, 24, warehouse, State.QUARANTINED, warehouse, State.SELLABLE, lot="P-0502")]),
        (5, [Move(lamp, 1, store, State.SELLABLE, None, State.CUSTOMER, serials=lamps[:1])]),
    ]  # fmt: skip
    movements.post_many(
        [
            Posting(moves, f"demo:units:{n}", Subject("item", str(lamp), LAMP), actors.SYSTEM, at + timedelta(hours=n))
            for n, moves in steps
        ]
    )


def sell(now: datetime, say: Callable[[str], None]) -> None:
    """One order of a kit and a numbered lamp, for somebody to pick. Safe to repeat."""
    line = IncomingLine(ref="1", sku="GIFT-TEA", title="Tea for two", quantity=2, unit_price=Decimal("49.00"))
    lamp = IncomingLine(ref="2", sku=LAMP, title="Numbered ash lamp", quantity=1, unit_price=Decimal("240.00"))
    placed = now - timedelta(hours=1)
    order = IncomingOrder(
        channel_ref="demo-units",
        placed_at=placed,
        currency="GBP",
        tax_included=True,
        lines=(line, lamp),
        total=Decimal("338.00"),
        version=microseconds(placed),
        payment_state="paid",
        ship_to=Address(name="Grace Menon", line1="14 Ashwood Terrace", city="Leeds", postal_code="LS6 2AB", country="GB"),
    )  # fmt: skip
    channel = Channel.objects.get(code="web-uk")
    if not channel.orders.filter(channel_ref="demo-units").exists():
        number = intake.place(order, channel=channel, actor=actors.SYSTEM).number
        say(f"{number} wants a kit and a lamp with a number")
