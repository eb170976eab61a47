"""How Stripe writes amounts, moments and payments. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from integrations.payments import minor
from integrations.payments.stripe.client import GATEWAY
from integrations.reading import Node
from orders.canonical import IncomingPayment, PaymentKind

__all__ = ["GATEWAY", "amount_of", "payment_of", "upper", "when"]


def payment_of(
    node: Node,
    kind: PaymentKind,
    ref: str,
    money: tuple[Decimal, str] | None,
    at: datetime,
    *,
    parent: str = "",
    expires_at: datetime | None = None,
) -> IncomingPayment | None:
    if money is None or not ref:
        node.fault("names no reference, amount or currency")
        return None
    return IncomingPayment(
        ref=ref, kind=kind, amount=money[0], currency=money[1], at=at, gateway=GATEWAY, parent_ref=parent,
        expires_at=expires_at,
    )  # fmt: skip


def amount_of(node: Node, key: str) -> tuple[Decimal, str] | None:
    units, currency = node.minor(key), upper(node)
    return (minor.from_minor(units, currency, minor.STRIPE), currency) if units is not None and currency else None


def upper(node: Node) -> str:
    """Stripe writes currencies in small letters."""
    word = node.line("currency").upper()
    return word if len(word) == 3 and word.isascii() and word.isalpha() else ""


def when(epoch: Any) -> datetime | None:
    if not isinstance(epoch, int) or isinstance(epoch, bool) or not 0 < epoch < 32_503_680_000:
        return None
    return datetime.fromtimestamp(epoch, UTC)
