"""Money events and refunds of an order: each counts once by its reference, whichever message brought it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orders import events as facts
from orders.canonical import IncomingPayment, IncomingRefund
from orders.models import Payment, Refund
from orders.services.desk import Desk


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
    every = {**_by_key(payments, refunds)}
    if every:
        known = Payment.objects.filter(order=desk.order).values_list("provider_ref", "kind")
        for key in known:
            every.pop(key, None)
    fresh = {refund.ref: refund for refund in refunds}
    if fresh:
        for ref in Refund.objects.filter(order=desk.order, ref__in=list(fresh)).values_list("ref", flat=True):
            fresh.pop(ref)
    new_payments, new_refunds = _note(desk, list(every.values()), list(fresh.values()))
    if new_payments:
        Payment.objects.bulk_create(new_payments)
    if new_refunds:
        Refund.objects.bulk_create(new_refunds)
    return bool(new_refunds)


def note(
    desk: Desk, payments: Sequence[IncomingPayment], refunds: Sequence[IncomingRefund]
) -> tuple[list[Payment], list[Refund]]:
    """The rows of a new order's money events, unsaved, with their facts noted."""
    distinct = {refund.ref: refund for refund in refunds}
    return _note(desk, list(_by_key(payments, refunds).values()), list(distinct.values()))


def _by_key(
    payments: Sequence[IncomingPayment], refunds: Sequence[IncomingRefund]
) -> dict[tuple[str, str], IncomingPayment]:
    every = [*payments, *(payment for refund in refunds for payment in refund.payments)]
    return {(payment.ref, payment.kind): payment for payment in every}


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
