"""The demo's rules of holds and its wholesale price list, with orders they stop."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from core import actors, outbox
from core.models import User
from inventory.models import Stock
from orders import canonical
from orders.canonical import Address, Buyer, IncomingLine, IncomingOrder
from orders.models import Channel, HoldRule
from orders.services import hold_rules, intake, prices
from orders.services.hold_rules import Draft
from orders.services.prices import Price

LISTED = Decimal("18.50")
RULES = (
    Draft(
        "large-order", "A large order to look at", "FRAUD", "INTAKE",
        tests=[{"test": "total_over", "amount": "1500.00", "currency": "GBP"},
               {"test": "among", "what": "channel", "codes": ["web-uk"]}],
        minutes=120, note="Ring the buyer before it leaves.",
    ),
    Draft(
        "paid-elsewhere", "Billed to another country", "FRAUD", "INTAKE",
        tests=[{"test": "addresses_differ", "by": "country"}], then="proof-of-address",
    ),
    Draft("proof-of-address", "Proof of address wanted", "ADDRESS", "RULE", note="Ask for a utility bill."),
    Draft("off-list", "Not the listed price", "PRICE", "INTAKE", tests=[{"test": "price_off"}], minutes=480),
    Draft("asked-to-wait", "The customer asked us to wait", "MANUAL", "PERSON", minutes=2880),
)  # fmt: skip
# Units, price and billing country of each: as listed, below the list, and billed abroad.
STORY = ((6, "18.50", "GB"), (4, "15.00", "GB"), (2, "18.50", "IE"))


def make(say: Callable[[str], None]) -> None:
    """Rules, prices, and three orders that meet them. Safe to repeat."""
    channel = Channel.objects.filter(code="wholesale").first()
    person = User.objects.filter(groups__name="Integration").first()
    if channel is None or person is None or HoldRule.objects.filter(code=RULES[0].code).exists():
        return
    who = actors.person(person)
    for rule in sorted(RULES, key=lambda each: bool(each.then)):
        hold_rules.save(rule, actor=who, new=True)
    rows = Stock.objects.filter(
        sellable__gt=20, item__tracking="NONE", location__kind="WAREHOUSE", location__ships=True
    ).select_related("item")
    skus = sorted({row.item.sku for row in rows.order_by("-sellable", "pk")[:40]})
    if not skus:
        return
    with transaction.atomic():
        prices.set_(channel, [Price(sku, LISTED, Decimal(5)) for sku in skus], valid_from=timezone.now(), actor=who)
    for n, (units, price, country) in enumerate(STORY):
        intake.place(_order(n, skus[n % len(skus)], units, Decimal(price), country), channel=channel, actor=who)
    outbox.drain("default")
    say(f"{len(RULES)} rules of holds, a wholesale price list of {len(skus)} articles")


def _order(n: int, sku: str, units: int, price: Decimal, country: str) -> IncomingOrder:
    here = Address(
        name="Orchard House", line1=f"{n + 3} Mill Lane", city="York", postal_code="YO1 7EP", country="GB"
    )  # fmt: skip
    billed = here if country == "GB" else Address(
        name="Orchard House", line1="4 Grafton Street", city="Dublin", postal_code="D02 VF65", country=country
    )  # fmt: skip
    return canonical.check(
        IncomingOrder(
            channel_ref=f"price-{n}", number=f"PL-{n + 1}", placed_at=timezone.now(), currency="GBP",
            lines=(IncomingLine(ref="1", sku=sku, title=sku, quantity=units, unit_price=price),), total=units * price,
            version=1, payment_state="paid", buyer=Buyer(name="Orchard House", email=f"orchard{n}@example.com"),
            ship_to=here, bill_to=billed,
        )
    )  # fmt: skip
