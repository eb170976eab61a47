"""Money events and refunds of an order: each counts once by its reference, whichever message brought it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db import connection

from orders import events as facts
from orders.canonical import IncomingPayment, IncomingRefund
from orders.models import Payment, PaymentDisagreement, Refund
from orders.services.desk import Desk

REFUND = "refund"  # beside the kinds of payments
Key = tuple[str, str]
Sum = tuple[Decimal | None, str]
_Payments = list[tuple[Key, IncomingPayment]]
_Refunds = list[tuple[Key, IncomingRefund]]


def refundable(order_id: int, currency: str) -> Decimal:
    """What may still go back: captured less refunded, less what is under way, less what a bank withholds.

    The database's own sum, which its trigger asks too.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT orders_refundable(%s, %s)", [order_id, currency])
        return Decimal(cursor.fetchone()[0])


def refunded(refunds: Sequence[IncomingRefund]) -> dict[str, int]:
    """Per line ref, the units that these refunds took off before they left."""
    units: dict[str, int] = {}
    for refund in refunds:
        for line in refund.lines:
            if line.restock == "cancel":
                units[line.line_ref] = units.get(line.line_ref, 0) + line.quantity
    return units


def add(desk: Desk, payments: Sequence[IncomingPayment], refunds: Sequence[IncomingRefund]) -> bool:
    """Write the money events and refunds not known yet; says whether any refund was new. Needs the order's lock."""
    told, given_back = _told(payments, refunds)
    known: dict[Key, Sum] = {}
    if told:
        rows = Payment.objects.filter(order=desk.order).values_list("provider_ref", "kind", "amount", "currency")
        known = {(ref, kind): (amount, currency) for ref, kind, amount, currency in rows}
    if given_back:
        rows = Refund.objects.filter(order=desk.order).values_list("ref", "amount", "currency")
        known |= {(ref, REFUND): (amount, currency) for ref, amount, currency in rows}
    every, fresh = _settle(desk, told, given_back, known)
    new_payments, new_refunds = _note(desk, every, fresh)
    if new_payments:
        Payment.objects.bulk_create(new_payments)
    if new_refunds:
        Refund.objects.bulk_create(new_refunds)
    return bool(new_refunds)


def note(
    desk: Desk, payments: Sequence[IncomingPayment], refunds: Sequence[IncomingRefund]
) -> tuple[list[Payment], list[Refund]]:
    """The rows of a new order's money events, unsaved, with their facts noted."""
    return _note(desk, *_settle(desk, *_told(payments, refunds), {}))


def _told(payments: Sequence[IncomingPayment], refunds: Sequence[IncomingRefund]) -> tuple[_Payments, _Refunds]:
    every = [*payments, *(payment for refund in refunds for payment in refund.payments)]
    return [((payment.ref, payment.kind), payment) for payment in every], [((r.ref, REFUND), r) for r in refunds]


def _settle(
    desk: Desk, payments: _Payments, refunds: _Refunds, known: dict[Key, Sum]
) -> tuple[list[IncomingPayment], list[IncomingRefund]]:
    """Those told for the first time. What is told again with another amount doesn't count: a person judges it."""
    new_payments = [payment for key, payment in payments if _first(desk, key, payment, known)]
    new_refunds = [refund for key, refund in refunds if _first(desk, key, refund, known)]
    if desk.disputed:
        words = "; ".join(str(row) for row in desk.disputed)
        desk.case("orders.payment_disagrees", summary=words[:255], currency=desk.order.currency)
    return new_payments, new_refunds


def _first(desk: Desk, key: Key, event: IncomingPayment | IncomingRefund, known: dict[Key, Sum]) -> bool:
    said = (event.amount, event.currency)
    if key not in known:
        known[key] = said
        return True
    amount, currency = known[key]
    if amount is not None and event.amount is not None and said != (amount, currency):
        _dispute(desk, key, (amount, currency), (event.amount, event.currency))
    return False


def _dispute(desk: Desk, key: Key, first: tuple[Decimal, str], said: tuple[Decimal, str]) -> None:
    """Once for each amount told; a repeat of what waits for a person, or was judged by one, adds nothing."""
    row = PaymentDisagreement(
        order_id=desk.order.pk,
        ref=key[0],
        kind=key[1],
        amount=first[0],
        currency=first[1],
        said_amount=said[0],
        said_currency=said[1],
    )
    names = ("order_id", "ref", "kind", "said_amount", "said_currency")
    if not PaymentDisagreement.objects.filter(**{name: getattr(row, name) for name in names}).exists():
        desk.disputed.append(row)


def _note(
    desk: Desk, payments: Sequence[IncomingPayment], refunds: Sequence[IncomingRefund]
) -> tuple[list[Payment], list[Refund]]:
    for payment in payments:
        told: dict[str, Any] = {"ref": payment.ref, "kind": payment.kind, "amount": str(payment.amount)}
        desk.note(facts.PAID, told | {"currency": payment.currency, "gateway": payment.gateway})
    for refund in refunds:
        amount = str(refund.amount) if refund.amount is not None else None
        desk.note(facts.REFUNDED, {"ref": refund.ref, "amount": amount, "currency": refund.currency})
    return [_payment(desk, payment) for payment in payments], [_refund(desk, refund) for refund in refunds]


def _payment(desk: Desk, payment: IncomingPayment) -> Payment:
    return Payment(
        order_id=desk.order.pk,
        provider_ref=payment.ref,
        kind=payment.kind,
        amount=payment.amount,
        currency=payment.currency,
        at=payment.at,
        gateway=payment.gateway,
        parent_ref=payment.parent_ref,
        expires_at=payment.expires_at,
    )


def _refund(desk: Desk, refund: IncomingRefund) -> Refund:
    return Refund(
        order_id=desk.order.pk,
        ref=refund.ref,
        at=refund.at,
        currency=refund.currency,
        amount=refund.amount,
        shipping_amount=refund.shipping_amount,
        note=refund.note,
        lines=[
            {
                "line_ref": line.line_ref,
                "quantity": line.quantity,
                "restock": line.restock,
                "amount": str(line.amount) if line.amount is not None else None,
                "tax": str(line.tax) if line.tax is not None else None,
            }
            for line in refund.lines
        ],
    )
