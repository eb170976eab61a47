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
    known = node.at(key).explained(word, PAYMENT_STATES, "a payment status")
    return PAYMENT_STATES[known] if known else "unknown"


def payment_kind(node: Node) -> PaymentKind | None:
    """What this transaction did to money, None if nothing (yet). An unknown kind or status is a fault."""
    kind, status = node.text("kind").lower(), node.text("status").lower()
    kind = node.at("kind").explained(kind, {*PAYMENT_KINDS, *NO_MONEY_EVENT}, "a kind of transaction")
    status = kind and node.at("status").explained(status, {DONE, *PENDING, *FAILED}, "a transaction status")
    if not status:
        return None
    if kind in NO_MONEY_EVENT or status in PENDING:
        return None
    return "failed" if status in FAILED else PAYMENT_KINDS[kind]


def restock(node: Node, key: str) -> Restock:
    word = node.text(key).lower() or "legacy_restock"
    return RESTOCKS.get(node.at(key).explained(word, RESTOCKS, "a restock type"), "none")


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
