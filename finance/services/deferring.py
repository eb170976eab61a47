"""Revenue that isn't earned yet: what was paid before it left, and what gift cards and store credit pay for."""

from __future__ import annotations

from decimal import Decimal

from django.db.models import Sum
from django.utils import timezone

from core.actors import SYSTEM, Actor
from finance import sides
from finance.models import GONE, OF_ORDERS, OF_SALES, Kind, OrderMoney, Posting
from finance.services import entities, making
from finance.services.making import LETTERS
from orders.models import Order, Payment

ZERO = Decimal(0)
CARDS = {"gift_card": "gift_cards", "store_credit": "store_credit"}


def follow(order: Order, *, actor: Actor = SYSTEM) -> list[Posting]:
    """Where the books defer: defer what is paid beyond what was invoiced, release what was invoiced since. In all:
    what cards and store credit paid for, where they don't defer once something of the order is invoiced.

    Safe to repeat: each writes only what is missing. Needs the order's lock.
    """
    if order.test:
        return []
    defers = entities.of(order).defers
    made = [_deferred(order, actor)] if defers else []
    if defers or order.postings.filter(kind__in=OF_SALES).exclude(status__in=GONE).exists():
        made += [_card(order, gateway, role, actor) for gateway, role in CARDS.items()]
    return [each for each in made if each is not None]


def _deferred(order: Order, actor: Actor) -> Posting | None:
    money = OrderMoney.objects.filter(order=order).first()
    if money is None:
        return None
    wanted = max(ZERO, money.paid - _sum(order, OF_ORDERS))
    return _write(order, Kind.DEFERRED, wanted - _sum(order, (Kind.DEFERRED,)), actor)


def _card(order: Order, gateway: str, role: str, actor: Actor) -> Posting | None:
    """The channel's debt is smaller by what a card paid: that money came when the card was sold."""
    rows = Payment.objects.filter(
        order=order, gateway__in=(gateway, gateway.replace("_", " ")), currency=order.currency
    )
    signs = {"captured": 1, "refunded": -1}
    paid = sum((signs.get(row.kind, 0) * row.amount for row in rows), ZERO)
    booked = Posting.objects.filter(order=order, kind=Kind.GIFT_CARD, cause_kind=gateway).exclude(status__in=GONE)
    missing = paid - (booked.aggregate(sum=Sum("total"))["sum"] or ZERO)
    return _write(order, Kind.GIFT_CARD, missing, actor, cause=gateway, role=role)


def _sum(order: Order, kinds: tuple[str, ...]) -> Decimal:
    rows = Posting.objects.filter(order=order, kind__in=kinds).exclude(status__in=GONE)
    return rows.aggregate(sum=Sum("total"))["sum"] or ZERO


def _write(
    order: Order, kind: Kind, amount: Decimal, actor: Actor, *, cause: str = "", role: str = ""
) -> Posting | None:
    if not amount:
        return None
    sequence, reference = making.next_reference(order, (kind,), LETTERS[kind])
    entity = entities.of(order)
    if kind == Kind.DEFERRED:
        why = "Paid before it left" if amount > 0 else "Paid before, and left since"
        both = sides.deferred(amount)
    else:
        why = "Paid with a gift card" if role == "gift_cards" else "Paid with store credit"
        both = sides.gift_card(amount, role=role)
    return making.make(
        kind, key=f"{kind.lower()}:{reference}", reference=reference, entity=entity, currency=order.currency,
        total=amount, day=entities.local_day(entity, timezone.now()), sides=both, order=order, sequence=sequence,
        cause=making.Cause(cause, str(order.pk) if cause else ""), note=why, actor=actor,
        document=making.journal(reference, currency=order.currency, total=amount, why=why, order=order),
    )  # fmt: skip
