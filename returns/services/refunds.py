"""Deciding how much goes back, having it approved, and paying it: each cause once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.actors import Actor
from orders.services.instructions import ToTender
from returns.models import RefundDecision


@dataclass(frozen=True, slots=True)
class Line:
    """Units of a line that are refunded: of a return (its line's id) or of an order. `amount` instead of what they are
    worth, where part of it was agreed; `fee` is kept back (restocking, wear)."""

    line: int
    quantity: int
    amount: Decimal | None = None
    fee: Decimal = Decimal(0)


def decide(
    return_id: int,
    lines: Sequence[Line],
    *,
    cause: str,
    actor: Actor,
    to: str | None = None,
    shipping: Decimal | None = None,
    tenders: Sequence[ToTender] | None = None,
    why: str = "",
) -> RefundDecision:
    """Refund these units of a return, once per cause; above the limit it waits for somebody else's word.

    `to`, `shipping` and the return's own fee are what the return says where nothing else is given.
    """
    raise NotImplementedError


def decide_for_order(
    order_id: int,
    lines: Sequence[Line],
    *,
    cause: str,
    actor: Actor,
    to: str = "ORIGINAL",
    shipping: Decimal = Decimal(0),
    tenders: Sequence[ToTender] | None = None,
    why: str = "",
) -> RefundDecision:
    """The same without a return: goodwill, money that is due, carriage alone. Lines are the order's."""
    raise NotImplementedError
