"""The demo's business customers: what they owe, which of their orders wait, and a note or two."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from core import actors, outbox
from core.models import User
from core.subjects import Subject
from inventory.models import Stock
from inventory.services import movements
from orders import canonical
from orders.canonical import Address, Buyer, IncomingLine, IncomingOrder
from orders.models import Account, Channel
from orders.services import accounts, intake, notes
from orders.services.accounts import Draft

PRICE = Decimal("18.50")
PALLET = 400
BUSINESSES = (
    ("HALDEN", Draft(name="Halden & Daughters Ltd", currency="GBP", credit_limit=Decimal(5_000))),
    ("NORTHRD", Draft(name="North Road Books", currency="GBP", credit_limit=Decimal(800), requires_approval=True)),
    ("QUILL", Draft(name="Quill Stationers", currency="GBP", payment_terms="NET14", on_stop=True)),
    ("FENWICK", Draft(name="Fenwick Hotels", currency="GBP", requires_approval=True, approval_above=Decimal(2_000))),
)
# Who, units, and in how many days it is wanted: credit runs out, a word is wanted, an account is on stop, nobody knows.
STORY = (
    ("HALDEN", 160, 0), ("HALDEN", 150, 0), ("HALDEN", 40, 6), ("NORTHRD", 20, 0), ("QUILL", 12, 0), ("FENWICK", 60, 0),
    ("BRACKEN", 24, 0),
)  # fmt: skip


def make(say: Callable[[str], None]) -> None:
    """Accounts, and orders of theirs that stand where orders of businesses get stuck. Safe to repeat."""
    channel = Channel.objects.filter(code="wholesale").first()
    person = User.objects.filter(groups__name="Finance").first()
    if channel is None or person is None or Account.objects.exists():
        return
    who = actors.person(person)
    for code, draft in BUSINESSES:
        accounts.make(code, draft, actor=who)
    rows = list(
        Stock.objects.filter(sellable__gt=0, item__tracking="NONE", location__kind="WAREHOUSE", location__ships=True)
        .select_related("item")
        .order_by("-sellable", "pk")[: len(STORY)]
    )
    for row in rows:  # businesses buy by the pallet
        movements.receive(
            row.item_id, row.location_id, PALLET, key=f"demo-trade-{row.pk}",
            cause=Subject("delivery", "trade", "Trade range"), actor=who,
        )  # fmt: skip
    placed = [_order(channel, n, *told, rows[n % len(rows)].item.sku) for n, told in enumerate(STORY)] if rows else []
    outbox.drain("default")
    if placed:
        notes.write(placed[1], text="Their buyer rang: the money for March is on its way.", actor=who)
    say(f"{len(BUSINESSES)} business accounts, {len(placed)} orders on terms")


def _order(channel: Channel, n: int, account: str, units: int, wanted_in: int, sku: str) -> int:
    now = timezone.now() - timedelta(hours=len(STORY) - n)
    incoming = canonical.check(
        IncomingOrder(
            channel_ref=f"trade-{n}", placed_at=now, currency=channel.currency, version=1, total=PRICE * units,
            lines=(IncomingLine(ref="1", sku=sku, title=sku, quantity=units, unit_price=PRICE),),
            payment_state="pending", account=account, po_number=f"PO-{4417 + n * 7}",
            requested_ship_on=(now + timedelta(days=wanted_in)).date() if wanted_in else None,
            buyer=Buyer(name=f"Buying office, {account.title()}"),
            ship_to=Address(
                name="Goods in", company=account.title(), line1="2 Dock Street", city="Leeds", postal_code="LS10 1JF",
                country="GB", latitude=53.79, longitude=-1.54,
            ),
        )
    )  # fmt: skip
    return intake.place(incoming, channel=channel, actor=actors.SYSTEM).order_id
