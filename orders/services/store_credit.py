"""Store credit and gift cards: opened, filled, spent. The balance is the database's own sum of the entries."""

from __future__ import annotations

import secrets
from datetime import datetime
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils import timezone

from core import events
from core.actors import Actor
from core.errors import Invalid, Problem, Refusal
from core.subjects import Subject
from inventory.services.locking import retrying
from orders import currencies
from orders import events as facts
from orders.models import Channel, CreditKind, Order, StoreCredit, StoreCreditEntry

# Without the letters and digits people take for each other when they read one out.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


def of_customer(channel: Channel, holder: str, currency: str) -> StoreCredit:
    """The customer's credit in that currency, opened where there is none. Must run inside a transaction."""
    wanted = {"channel": channel, "holder": holder.strip().lower()[:255], "currency": currency}
    if not wanted["holder"]:
        raise Refusal("nobody_to_credit", "Nobody knows the customer's e-mail address: open a gift card instead.")
    found = StoreCredit.objects.filter(kind=CreditKind.CREDIT, **wanted).first()
    if found is not None:
        return found
    try:
        with transaction.atomic():
            return StoreCredit.objects.create(kind=CreditKind.CREDIT, code=new_code(), **wanted)
    except IntegrityError:  # somebody opened it a moment ago
        return StoreCredit.objects.get(kind=CreditKind.CREDIT, **wanted)


def open_card(channel: Channel, currency: str, *, expires_at: datetime | None = None) -> StoreCredit:
    """A gift card for whoever has it."""
    return StoreCredit.objects.create(
        kind=CreditKind.GIFT_CARD, code=new_code(), channel=channel, currency=currency, expires_at=expires_at
    )


def give(
    credit_id: int, amount: Decimal, *, key: str, why: str, actor: Actor, order: Order | None = None
) -> StoreCreditEntry:
    """Put money on it, once per key. Invalid for an amount its currency doesn't know."""
    return _enter(credit_id, _sane(credit_id, amount), key=key, why=why, actor=actor, order=order)


def spend(
    credit_id: int, amount: Decimal, *, key: str, why: str, actor: Actor, order: Order | None = None
) -> StoreCreditEntry:
    """Take money off it, once per key. Refusal("not_enough_credit") with what is left, ("credit_expired")."""
    return _enter(credit_id, -_sane(credit_id, amount), key=key, why=why, actor=actor, order=order)


def _sane(credit_id: int, amount: Decimal) -> Decimal:
    currency = StoreCredit.objects.values_list("currency", flat=True).get(pk=credit_id)
    if not amount.is_finite() or amount <= 0 or amount != currencies.rounded(amount, currency):
        raise Invalid([Problem("amount", "amount", f"More than nothing, to the smallest unit of {currency}.")])
    return amount


def _enter(
    credit_id: int, amount: Decimal, *, key: str, why: str, actor: Actor, order: Order | None
) -> StoreCreditEntry:
    def work() -> StoreCreditEntry:
        credit = StoreCredit.objects.select_for_update(no_key=True).filter(pk=credit_id).first()
        if credit is None:
            raise Refusal("not_found", "No such store credit.", status=404)
        known = StoreCreditEntry.objects.filter(key=key).first()
        if known is not None:
            if (known.credit_id, known.amount) != (credit_id, amount):
                raise Refusal("key_used", "This key stands for another entry.", key=key)
            return known
        if amount < 0 and credit.expires_at is not None and credit.expires_at <= timezone.now():
            raise Refusal("credit_expired", f"{credit.code} expired.", expired_at=credit.expires_at.isoformat())
        if credit.balance + amount < 0:
            raise Refusal(
                "not_enough_credit", f"{credit.code} holds {credit.balance} {credit.currency}.",
                balance=str(credit.balance), asked=str(-amount), currency=credit.currency,
            )  # fmt: skip
        entry = StoreCreditEntry.objects.create(
            credit=credit, order=order, amount=amount, key=key, why=why[:255], actor_label=actor.label[:200]
        )
        entry.refresh_from_db(fields=["balance_after"])
        events.record(
            facts.CREDIT_CHANGED, credit.subject, actor=actor,
            data={
                "amount": str(amount), "balance": str(entry.balance_after), "currency": credit.currency,
                "why": why[:255],
            },
            related=[(Subject("order", str(order.pk), order.number), "order")] if order else (),
        )  # fmt: skip
        return entry

    return retrying(work)


def new_code() -> str:
    """One nobody can guess: sixteen characters in groups of four."""
    text = "".join(secrets.choice(ALPHABET) for _ in range(16))
    return "-".join(text[n : n + 4] for n in range(0, 16, 4))
