"""What a shipment of an order is billed at: its share of everything, to the cent. Pure.

Shares are differences of what is billed up to here: whatever the parcels, together they come to the order's figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Item:
    """A line as ordered."""

    ref: str
    ordered: int
    price: Decimal
    discount: Decimal = ZERO
    tax: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Whole:
    """What was granted or charged for the order as a whole."""

    discount: Decimal = ZERO
    shipping: Decimal = ZERO
    other: Decimal = ZERO
    tax: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Billed:
    ref: str
    units: int
    price: Decimal
    discount: Decimal


@dataclass(frozen=True, slots=True)
class Bill:
    lines: tuple[Billed, ...]
    discount: Decimal
    shipping: Decimal
    other: Decimal
    tax: Decimal

    @property
    def total(self) -> Decimal:
        """As whoever reads it adds it up."""
        goods = sum((line.price * line.units - line.discount for line in self.lines), ZERO)
        return _cents(goods - self.discount + self.shipping + self.other + self.tax)


def bill(items: Sequence[Item], whole: Whole, before: Mapping[str, int], now: Mapping[str, int]) -> Bill:
    """The bill of these units, `before` having been billed already."""
    after = {item.ref: before.get(item.ref, 0) + now.get(item.ref, 0) for item in items}
    lines = tuple(
        Billed(
            item.ref, now[item.ref], item.price, _part(item.discount, before.get(item.ref, 0), after[item.ref], item)
        )
        for item in items
        if now.get(item.ref)
    )
    goods = [_goods(items, units) for units in (before, after, {item.ref: item.ordered for item in items})]
    tax = sum((_part(item.tax, before.get(item.ref, 0), after[item.ref], item) for item in items), ZERO)
    first = not any(before.values())
    discount, shipping, other, rest = (
        _of_whole(amount, goods, first=first) for amount in (whole.discount, whole.shipping, whole.other, whole.tax)
    )
    return Bill(lines, discount, shipping, other, tax + rest)


def _part(amount: Decimal, before: int, after: int, item: Item) -> Decimal:
    if not item.ordered:
        return ZERO
    return _cents(amount * after / item.ordered) - _cents(amount * before / item.ordered)


def _goods(items: Sequence[Item], units: Mapping[str, int]) -> Decimal:
    return sum((item.price * units.get(item.ref, 0) for item in items), ZERO)


def _of_whole(amount: Decimal, goods: Sequence[Decimal], *, first: bool) -> Decimal:
    """By the goods' value; of goods worth nothing the first shipment carries it all."""
    before, after, all_of_it = goods
    if not all_of_it:
        return _cents(amount) if first else ZERO
    return _cents(amount * after / all_of_it) - _cents(amount * before / all_of_it)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)
