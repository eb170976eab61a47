"""What an exchange is worth on both sides, and what is left to pay: even, up or down. Pure; money in one currency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

EVEN, UP, DOWN = "EVEN", "UP", "DOWN"
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Given:
    """Units that come back, at what the customer paid for one, tax included."""

    quantity: int
    unit_value: Decimal


@dataclass(frozen=True, slots=True)
class Wanted:
    """Units that go out instead, at their price, tax included; `tax_rate` is the share of tax in the price."""

    quantity: int
    unit_price: Decimal
    tax_share: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Sum:
    credit: Decimal
    worth: Decimal

    @property
    def kind(self) -> str:
        return EVEN if self.worth == self.credit else UP if self.worth > self.credit else DOWN

    @property
    def to_pay(self) -> Decimal:
        return max(self.worth - self.credit, ZERO)

    @property
    def to_refund(self) -> Decimal:
        return max(self.credit - self.worth, ZERO)

    @property
    def moved(self) -> Decimal:
        """What of the first order's money pays for the second."""
        return min(self.credit, self.worth)


def add_up(given: Sequence[Given], wanted: Sequence[Wanted], exponent: int, most: Decimal | None = None) -> Sum:
    """Both sides, rounded half up to the currency's smallest unit; the credit is never more than `most`, what the
    first order still holds."""
    credit = rounded(sum((each.unit_value * each.quantity for each in given), ZERO), exponent)
    worth = sum((rounded(each.unit_price, exponent) * each.quantity for each in wanted), ZERO)
    return Sum(credit if most is None else max(min(credit, most), ZERO), worth)


def rounded(amount: Decimal, exponent: int) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-exponent), ROUND_HALF_UP)
