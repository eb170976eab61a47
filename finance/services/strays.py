"""Payments in a currency that is neither the shop's nor the buyer's: no rate says what they are worth in the ledger.

They are never dropped in silence: the order's case names each, until its channel says in which currency it was paid.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import F

from core.actors import SYSTEM
from core.formats import money
from core.subjects import Subject
from exceptions.services import cases
from finance.ledger import BACK, IN, TAKEN
from orders.models import Order, Payment

REASON = "finance.payment_in_third_currency"
MOVING = (*IN, *BACK, *TAKEN)


def of_order(order: Order) -> list[Payment]:
    """The order's payments that moved money and that its ledger can't count."""
    return among(order, Payment.objects.filter(order=order).order_by("at", "pk"))


def among(order: Order, payments: Iterable[Payment]) -> list[Payment]:
    seen = ((order.figures or {}).get("presentment") or {}).get("currency")
    known = {order.currency, seen}
    return [row for row in payments if row.kind in MOVING and row.amount > 0 and row.currency not in known]


def suspected() -> Any:
    """Orders with a payment in another currency than their own: few, and looked at one by one."""
    rows = Payment.objects.filter(kind__in=MOVING, amount__gt=0).exclude(currency=F("order__currency"))
    return rows.order_by("order_id").values_list("order_id", flat=True).distinct()


def words(order: Order, rows: list[Payment]) -> str:
    sums = ", ".join(f"{row.get_kind_display().lower()} {money(row.amount, row.currency)}" for row in rows[:5])
    return f"An order in {order.currency}: {sums} can't be counted."


def tell(order: Order, payments: Iterable[Payment]) -> None:
    """Open the order's case where it has such payments; it clears itself by its predicate."""
    if rows := among(order, payments):
        cases.open_(
            REASON, Subject("order", str(order.pk), order.number), summary=words(order, rows), value=rows[0].amount,
            currency=rows[0].currency, actor=SYSTEM,
        )  # fmt: skip
