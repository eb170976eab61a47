"""The two sides of every kind of posting, before they have accounts. Pure; balanced by construction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from finance.chart import Side, side
from finance.documents import Amounts, minor_unit
from finance.ledger import shares

ZERO = Decimal(0)
Name = tuple[str, str]  # a promotion's name, and at whose cost it is


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger knows beyond a document: names of discounts and the marketplace's part of the tax, as weights.

    Keys are line refs; "shipping" and "order" stand for discounts on those, "" for shipping's tax.
    """

    discounts: Mapping[str, Mapping[Name, Decimal]] = field(default_factory=dict)
    marketplace: Mapping[str, Decimal] = field(default_factory=dict)  # the part of one


def of_sale(amounts: Amounts, known: Known = Known(), *, returned: bool = False) -> list[Side]:
    """What the channel owes us against what it is made of. A return's goods are booked as returns, not as sales."""
    made = [side("receivable", amounts.total)]
    tax = "included" if amounts.tax_included else "added"
    for line in amounts.lines:
        included = line.tax if amounts.tax_included else ZERO
        role = "gift_cards" if line.gift_card else "returns" if returned else "sales"
        made.append(side(role, included - line.gross, sku=line.sku))
        made += _discount(line.discount, known.discounts.get(line.ref, {}), amounts.currency)
        made += _tax(line.tax, known.marketplace.get(line.ref, ZERO), tax, amounts.currency)
    included = amounts.shipping_tax if amounts.tax_included else ZERO
    made.append(side("shipping", included - amounts.shipping))
    made += _tax(amounts.shipping_tax, known.marketplace.get("", ZERO), tax, amounts.currency)
    made += _discount(amounts.shipping_discount, known.discounts.get("shipping", {}), amounts.currency)
    made += _discount(amounts.order_discount, known.discounts.get("order", {}), amounts.currency)
    made.append(side("return_fees" if returned else "other_charges", -amounts.other))
    made.append(side("adjustments", -amounts.adjustment))
    return [each for each in made if each.debit or each.credit]


def _discount(amount: Decimal, names: Mapping[Name, Decimal], currency: str) -> list[Side]:
    weights = {f"{name}\0{funder}": weight for (name, funder), weight in names.items() if weight} or {
        "\0merchant": Decimal(1)
    }
    parts = shares(abs(amount), weights, minor_unit(currency))
    sign = 1 if amount >= 0 else -1
    return [
        side(
            "discounts",
            sign * part,
            key.partition("\0")[0],
            code=key.partition("\0")[0],
            funded_by=key.partition("\0")[2],
        )
        for key, part in parts.items()
    ]


def _tax(tax: Decimal, theirs: Decimal, how: str, currency: str) -> list[Side]:
    part = (tax * theirs).quantize(minor_unit(currency))
    return [
        side("tax_collected", part - tax, tax=how, collected_by="merchant"),
        side("tax_marketplace", -part, tax=how, collected_by="marketplace"),
    ]


def deferred(amount: Decimal) -> list[Side]:
    """Paid before it left; below zero: it left."""
    return [side("receivable", amount), side("deferred", -amount)]


def gift_card(amount: Decimal, *, role: str = "gift_cards") -> list[Side]:
    """A gift card, or store credit, pays for goods: the channel owes us that much less."""
    return [side(role, amount), side("receivable", -amount)]


OF_PARTS = {
    "payout": "bank", "fees": "provider_fees", "other": "adjustments", "written_off": "write_offs",
    "conversion": "conversion",
}  # fmt: skip


def payout(parts: Mapping[str, Decimal], provider: str) -> list[Side]:
    """One entity's leg of a payout: what reached, or is to reach, the bank, what was kept, and what other entities and
    currencies have of it; the rest was owed to us. `parts` are debits by name, `intercompany:<entity>` among them."""
    made = [_of_part(part, amount, provider) for part, amount in parts.items()]
    made.append(side("receivable", -sum(parts.values(), ZERO), provider=provider))
    return [each for each in made if each.debit or each.credit]


def _of_part(part: str, amount: Decimal, provider: str) -> Side:
    name, _, other = part.partition(":")
    if name == "intercompany":
        return side("intercompany", amount, other, provider=provider, entity=other)
    if name == "exchange":
        return side("exchange", amount, provider=provider, exchange="loss" if amount > 0 else "gain")
    return side(OF_PARTS[name], amount, provider=provider)


def chargeback(amount: Decimal) -> list[Side]:
    """The bank took a payment back; below zero: it gave it back again."""
    return [side("chargebacks", amount), side("receivable", -amount)]


def two(role: str, amount: Decimal, reason: str) -> list[Side]:
    """A difference between us and a channel or provider, booked openly."""
    return [side(role, -amount, reason=reason), side("receivable", amount)]
