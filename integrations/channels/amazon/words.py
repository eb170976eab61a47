"""What both forms of Amazon's orders mean by their states, and how their figures make an order's. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from integrations.channels import marketplaces
from integrations.channels.marketplaces import added
from integrations.reading import ZERO, Node
from orders.canonical import IncomingLine

OPEN, PENDING, CANCELLED, UNFULFILLABLE = "open", "pending", "cancelled", "unfulfillable"

_REASONS = {
    PENDING: "the order is pending: Amazon has not let it go yet and gives no prices or address; it comes again then",
    UNFULFILLABLE: "the order is Amazon's to fulfil and can't be",
}
_FBA = "fulfilled by Amazon from its own warehouse: nothing of ours is to be sent"

# Marketplaces that put the tax on top of the price at the checkout; everywhere else prices hold it.
_TAX_ON_TOP = {"ATVPDKIKX0DER", "A2EUQ1WTGCTBG2"}  # United States, Canada


def reason(state: str, fulfilled_by: str) -> str:
    """Why an order in this state asks for nothing; empty where it asks for something."""
    return _FBA if fulfilled_by == "amazon" else _REASONS.get(state, "")


def taxed_prices(marketplace: str) -> bool:
    return marketplace not in _TAX_ON_TOP


@dataclass(frozen=True, slots=True)
class Money:
    """The sums of an order as its items state them."""

    total: Decimal | None
    goods: Decimal | None
    discounts: Decimal | None = None
    shipping: Decimal | None = None
    shipping_tax: Decimal | None = None
    tax: Decimal | None = None  # of the goods
    other: Decimal | None = None
    other_tax: Decimal | None = None


def figures(lines: Sequence[IncomingLine], money: Money, currency: str, *, usually: bool) -> dict[str, Any]:
    """The money of the order. The tax of gift wrapping is counted with shipping's, being no line's."""
    aside = added([money.shipping_tax, money.other_tax])
    tax = added([money.tax, aside])
    goods = sum((line.unit_price * line.quantity for line in lines), ZERO)
    before = goods - (money.discounts or ZERO) + (money.shipping or ZERO) + (money.other or ZERO)
    return {
        "total": money.total,
        "subtotal": money.goods,
        "discount_total": money.discounts,
        "shipping_total": money.shipping,
        "shipping_tax_total": aside,
        "tax_total": tax,
        "other_total": money.other,
        "tax_included": marketplaces.holds_tax(
            total=money.total, before_tax=before, tax=tax or ZERO, currency=currency, usually=usually
        ),
    }


def facilitated(model: str) -> bool:
    """Whether this is the model of a marketplace that collects the tax itself: spelt in two ways."""
    return model.replace("_", "").upper() == "MARKETPLACEFACILITATOR"


def flag(node: Node, key: str) -> bool:
    """True or false, which Amazon also sends as the words."""
    said = node.raw(key)
    if isinstance(said, str) and said.lower() in {"true", "false"}:
        return said.lower() == "true"
    return node.flag(key)
