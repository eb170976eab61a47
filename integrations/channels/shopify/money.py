"""Figures and words both of Shopify's formats share. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from integrations.reading import ZERO, Node
from orders.canonical import IncomingPayment, PaymentKind, PaymentState, Restock

PAYMENT_STATES: dict[str, PaymentState] = {
    "pending": "pending",
    "authorized": "authorised",
    "partially_paid": "partially_paid",
    "paid": "paid",
    "partially_refunded": "partially_refunded",
    "refunded": "refunded",
    "voided": "voided",
    "expired": "voided",  # the authorisation lapsed: like a void, nothing can be captured on it any more
}

# Kinds of a transaction that move money, and the two that only suggest or hand out change.
PAYMENT_KINDS: dict[str, PaymentKind] = {
    "authorization": "authorised",
    "emv_authorization": "authorised",
    "sale": "captured",
    "capture": "captured",
    "void": "voided",
    "refund": "refunded",
}
NO_MONEY_EVENT = {"suggested_refund", "change"}
DONE, PENDING, FAILED = "success", {"pending", "awaiting_response"}, {"failure", "error"}

# "legacy_restock" was put back without saying whether it had left: its money counts, its units don't move.
RESTOCKS: dict[str, Restock] = {"cancel": "cancel", "return": "return", "no_restock": "none", "legacy_restock": "none"}


def payment_state(node: Node, key: str) -> PaymentState:
    word = node.text(key).lower()
    if not word:
        return "unknown"
    if word not in PAYMENT_STATES:
        node.at(key).fault(f"is a payment status Backroom has no word for: {word[:40]!r}")
        return "unknown"
    return PAYMENT_STATES[word]


def payment_kind(node: Node) -> PaymentKind | None:
    """What this transaction did to money, None if nothing (yet). An unknown kind or status is a fault."""
    kind, status = node.text("kind").lower(), node.text("status").lower()
    if kind not in PAYMENT_KINDS and kind not in NO_MONEY_EVENT:
        node.at("kind").fault(f"is a kind of transaction Backroom has no word for: {kind[:40]!r}")
        return None
    if status not in {DONE, *PENDING, *FAILED}:
        node.at("status").fault(f"is a transaction status Backroom has no word for: {status[:40]!r}")
        return None
    if kind in NO_MONEY_EVENT or status in PENDING:
        return None
    return "failed" if status in FAILED else PAYMENT_KINDS[kind]


def restock(node: Node, key: str) -> Restock:
    word = node.text(key).lower() or "legacy_restock"
    if word not in RESTOCKS:
        node.at(key).fault(f"is a restock type Backroom has no word for: {word[:40]!r}")
    return RESTOCKS.get(word, "none")


def refunded(payments: Iterable[IncomingPayment]) -> Decimal:
    return sum((payment.amount for payment in payments if payment.kind == "refunded"), ZERO)


def added(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum of what was stated, None when nothing was."""
    stated = [amount for amount in amounts if amount is not None]
    return sum(stated, ZERO) if stated else None


def country(node: Node, *keys: str) -> str:
    """The two-letter code: from its own key, or from `country` where that already is one."""
    for key in keys:
        word = node.text(key, 40).upper()
        if len(word) == 2 and word.isascii() and word.isalpha():
            return word
        if word and key != keys[-1]:
            node.at(key).fault(f"should be a two-letter country code, is {word!r}")
            return ""
    return ""
