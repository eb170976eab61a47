"""Keeping the money ledger in step with what was posted."""

from __future__ import annotations

from decimal import Decimal

from django.db.models import Sum

from finance import documents
from finance.documents import Amounts
from finance.models import OF_SALES, Charge, ChargeKind, Posting, Status


def follow(order_id: int, *, cause: str) -> None:
    """Bring the ledger to what the order's postings say by adding what is missing. Safe to repeat.

    `cause` names the change in the rows it adds. The caller holds the order's lock.
    """
    target: dict[str, Decimal] = {}
    currency = ""
    for posting in Posting.objects.filter(order_id=order_id, kind__in=OF_SALES).exclude(status=Status.REVERSED):
        currency = posting.currency
        for kind, amount in _parts(documents.amounts_of(posting.document)).items():
            target[kind] = target.get(kind, Decimal(0)) + amount
    booked = dict(
        Charge.objects.filter(order_id=order_id, kind__in=list(target)).values_list("kind").annotate(Sum("amount"))
    )
    Charge.objects.bulk_create(
        Charge(order_id=order_id, kind=kind, amount=due, currency=currency, key=f"{cause}:{kind}")
        for kind, wanted in target.items()
        if (due := wanted - booked.get(kind, Decimal(0)))
    )


def _parts(amounts: Amounts) -> dict[str, Decimal]:
    """The sums per kind; together they are the document's total, so tax inside a price is taken out of the price."""
    included = amounts.tax_included
    return {
        ChargeKind.SALE: sum((a.gross - (a.tax if included else 0) for a in amounts.lines), Decimal(0)),
        ChargeKind.SHIPPING: amounts.shipping - (amounts.shipping_tax if included else 0),
        ChargeKind.DISCOUNT: -sum((a.discount for a in amounts.lines), Decimal(0))
        - amounts.shipping_discount
        - amounts.order_discount,
        ChargeKind.TAX: amounts.tax,
        ChargeKind.FEE: amounts.other,
        ChargeKind.ADJUSTMENT: amounts.adjustment,
    }
