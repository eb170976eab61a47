"""How an item of Adyen's names a payment and its money. Pure."""

from __future__ import annotations

from integrations.payments import minor
from integrations.payments.adyen.client import GATEWAY
from integrations.reading import Node, checked_payment
from orders.canonical import IncomingPayment, PaymentKind


def payment_of(item: Node, kind: PaymentKind) -> IncomingPayment | None:
    """The money event an item tells of; None and a fault where it doesn't say enough."""
    amount = item.object("amount")
    units = amount.minor("value") if amount else None
    currency = amount.currency("currency", needed=True) if amount else ""
    ref, at = item.line("pspReference"), item.moment("eventDate", needed=True)
    if units is None or not currency or not ref or at is None:
        item.fault("names no pspReference, amount or eventDate")
        return None
    return checked_payment(
        IncomingPayment(
            ref=ref, kind=kind, amount=minor.from_minor(units, currency, minor.ADYEN), currency=currency, at=at,
            gateway=GATEWAY, parent_ref=item.line("originalReference"),
        )
    )  # fmt: skip
