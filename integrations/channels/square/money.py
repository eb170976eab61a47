"""Square's money: whole numbers of the smallest unit, with their currency beside them. Pure.

A tender of an order and the payment of the same id are one money event; so are a refund and its mark on the order made
for it. Whatever is pending is left until it is done (developer.squareup.com: Money, Tender, Payment, PaymentRefund).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from integrations.channels.marketplaces import word
from integrations.reading import EPOCH, ZERO, Node, shown
from orders import currencies
from orders.canonical import IncomingPayment, PaymentKind

_MOST = 10**15
_PENDING = "pending"
PAYMENTS: dict[str, PaymentKind | str] = {
    "APPROVED": "authorised",
    "PENDING": _PENDING,
    "COMPLETED": "captured",
    "CANCELED": "voided",
    "FAILED": "failed",
}
SOURCES = {
    "CARD": "Card",
    "BANK_ACCOUNT": "Bank account",
    "WALLET": "Wallet",
    "BUY_NOW_PAY_LATER": "Buy now, pay later",
    "SQUARE_ACCOUNT": "Square account",
    "CASH": "Cash",
    "EXTERNAL": "External",
}
TENDERS = {
    "CARD": "Card",
    "CASH": "Cash",
    "THIRD_PARTY_CARD": "Card elsewhere",
    "SQUARE_GIFT_CARD": "Gift card",
    "NO_SALE": "",
    "BANK_ACCOUNT": "Bank account",
    "WALLET": "Wallet",
    "BUY_NOW_PAY_LATER": "Buy now, pay later",
    "SQUARE_ACCOUNT": "Square account",
    "OTHER": "Other",
}
_DETAILS = {
    "AUTHORIZED": "authorised",
    "CAPTURED": "captured",
    "VOIDED": "voided",
    "FAILED": "failed",
    "PENDING": _PENDING,
    "COMPLETED": "captured",
}
REFUNDS = {"PENDING": "", "APPROVED": "refunded", "COMPLETED": "refunded", "REJECTED": "", "FAILED": ""}
# Of a dispute: whether its money was taken back for the time being.
DISPUTES = {
    "INQUIRY_EVIDENCE_REQUIRED": False,
    "INQUIRY_PROCESSING": False,
    "INQUIRY_CLOSED": False,
    "WAITING_THIRD_PARTY": True,
    "EVIDENCE_REQUIRED": True,
    "PROCESSING": True,
    "WON": True,
    "LOST": True,
    "ACCEPTED": True,
}


def currency_of(node: Node, *keys: str) -> str:
    """The currency of the first of these amounts that is there; a fault where none is."""
    for key in keys:
        amount = node.object(key)
        if amount is not None:
            return amount.currency("currency", needed=True)
    node.at(keys[0]).fault("is missing")
    return ""


def signed(node: Node, key: str, currency: str) -> Decimal | None:
    """The amount under the key, below zero too; None where there is none. One in another currency is a fault."""
    money = node.object(key)
    if money is None:
        return None
    said = money.currency("currency", needed=True)
    if said and currency and said != currency:
        money.at("currency").fault(f"is {said} in an order of {currency}")
        return None
    units = money.raw("amount")
    if isinstance(units, str) and units.removeprefix("-").isdigit() and units.isascii():
        units = int(units)
    if isinstance(units, bool) or not isinstance(units, int) or abs(units) > _MOST:
        money.at("amount").fault(f"should be a whole number of the smallest unit, is {shown(units)}")
        return None
    return Decimal(units).scaleb(-currencies.EXPONENTS[said]) if said else None


def amount(node: Node, key: str, currency: str) -> Decimal | None:
    """The same, never below zero."""
    found = signed(node, key, currency)
    if found is not None and found < 0:
        node.at(key).fault(f"should not be negative, is {found}")
        return None
    return found


def needed(node: Node, key: str, currency: str) -> Decimal:
    found = amount(node, key, currency)
    if found is None and node.raw(key) is None:
        node.at(key).fault("is missing")
    return found or ZERO


def tenders(order: Node, currency: str) -> Iterator[IncomingPayment]:
    """What was paid with, as the order lists it. A drawer that was opened without a sale is nothing."""
    for each in order.items("tenders"):
        name = word(each, "type", TENDERS, "a way to pay")
        kind = _of_tender(each)
        paid = needed(each, "amount_money", currency)
        at = each.moment("created_at") or order.moment("closed_at") or order.moment("created_at")
        ref = each.line("payment_id") or each.line("id")
        if not ref:
            each.at("id").fault("is missing")
        if not name or kind == _PENDING or not paid:
            continue
        yield IncomingPayment(ref=ref, kind=kind, amount=paid, currency=currency, at=at or EPOCH, gateway=name)


def _of_tender(tender: Node) -> Any:
    """What became of it: the details of its kind say so; cash has nothing to wait for."""
    kind = tender.text("type", 60).lower()
    details = tender.object(f"{kind}_details") or (tender.object("card_details") if "card" in kind else None)
    if details is None or not details.has("status"):
        return "captured"
    return word(details, "status", _DETAILS, "a state of a tender")


def card_ref(order: Node) -> str:
    """The fingerprint of the card paid with."""
    for each in order.items("tenders"):
        details = each.object("card_details")
        card = details.object("card") if details else None
        if card is not None and (mark := card.line("fingerprint")):
            return mark
    return ""


def payment(doc: Node) -> IncomingPayment | str:
    """A payment as a money event of its order, or why it is none yet."""
    ref = doc.line("id")
    if not ref:
        doc.at("id").fault("is missing")
    kind = word(doc, "status", PAYMENTS, "a state of a payment")
    source = word(doc, "source_type", SOURCES, "a way to pay") if doc.has("source_type") else ""
    currency = currency_of(doc, "total_money", "amount_money")
    total = needed(doc, "total_money" if doc.has("total_money") else "amount_money", currency)
    at = _moment(doc, kind)
    if kind == _PENDING:
        return "a payment that is pending: what becomes of it follows"
    if not total:
        return "a payment of nothing"
    return IncomingPayment(
        ref=ref, kind=kind or "captured", amount=total, currency=currency, at=at or EPOCH, gateway=source or ""
    )


def _moment(doc: Node, kind: str | None) -> Any:
    """When it happened: a till that was offline says when by its own clock, a card by its timeline."""
    offline = doc.object("offline_payment_details")
    details = doc.object("card_details")
    line = details.object("card_payment_timeline") if details else None
    key = {"captured": "captured_at", "authorised": "authorized_at", "voided": "voided_at"}.get(kind or "", "")
    return (
        (offline.moment("client_created_at") if offline else None)
        or (line.moment(key) if line and key else None)
        or doc.moment("created_at", needed=True)
    )


def refund(doc: Node) -> IncomingPayment | str:
    """A refund's money, or why none went back (yet). What came back with it stands on the order made for it."""
    ref = doc.line("id")
    if not ref:
        doc.at("id").fault("is missing")
    kind = word(doc, "status", REFUNDS, "a state of a refund")
    currency = currency_of(doc, "amount_money")
    given = needed(doc, "amount_money", currency)
    at = doc.moment("created_at", needed=True)
    status = doc.text("status", 20).upper()
    if not kind:
        return "a refund that is pending" if status == "PENDING" else "a refund that came to nothing"
    return IncomingPayment(
        ref=ref, kind="refunded", amount=given, currency=currency, at=at or EPOCH, parent_ref=doc.line("payment_id")
    )


def dispute(doc: Node) -> tuple[str, IncomingPayment] | str:
    """The payment disputed and the event, or why it is no event."""
    ref = doc.line("id") or doc.line("dispute_id")
    if not ref:
        doc.at("id").fault("is missing")
    taken = word(doc, "state", DISPUTES, "a state of a dispute")
    currency = currency_of(doc, "amount_money")
    held = needed(doc, "amount_money", currency)
    disputed = doc.object("disputed_payment")
    paid = disputed.line("payment_id") if disputed else ""
    if not paid:
        doc.at("disputed_payment.payment_id").fault("is missing")
    at = doc.moment("created_at") or doc.moment("reported_at", needed=True)
    if taken is False:
        return "an inquiry of a bank's: no money was taken back"
    return paid, IncomingPayment(
        ref=ref, kind="disputed", amount=held, currency=currency, at=at or EPOCH, parent_ref=paid
    )
