"""What a shipped order is worth, as a balanced document: values in, values out, no database.

An order's figures become *amounts* (units and money per line, shipping, other charges), amounts minus what was posted
before become the *document* a posting carries, and the document becomes double-entry lines that always balance. Money
is exact: every share of a partly delivered line is rounded to the currency's minor unit, and whatever the channel's own
figures leave over is booked openly as an adjustment, never hidden in a price.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from core.formats import exponent

ZERO = Decimal(0)
FORMAT = "sale.1"

RECEIVABLE = "receivable"
SALES, GIFT_CARDS, SHIPPING, OTHER = "sales", "gift_cards", "shipping", "other_charges"
DISCOUNTS, TAX, ADJUSTMENTS = "discounts", "tax_collected", "adjustments"
ACCOUNTS = {
    RECEIVABLE: "Owed by the channel",
    SALES: "Sales",
    GIFT_CARDS: "Gift cards outstanding",
    SHIPPING: "Shipping charged",
    OTHER: "Tips, duties and fees",
    DISCOUNTS: "Discounts given",
    TAX: "Tax collected",
    ADJUSTMENTS: "Differences in the channel's figures",
}


@dataclass(frozen=True, slots=True)
class LineFigures:
    """One order line as the order keeps it; money is for the `ordered` units."""

    ref: str
    sku: str
    title: str
    ordered: int
    fulfilled: int
    unit_price: Decimal
    discount: Decimal
    tax: Decimal
    gift_card: bool = False


@dataclass(frozen=True, slots=True)
class OrderFigures:
    """An order's money as the channel states it. `total` None means the channel didn't say."""

    currency: str
    tax_included: bool
    discount: Decimal
    shipping: Decimal
    tax: Decimal
    other: Decimal
    total: Decimal | None
    lines: tuple[LineFigures, ...]

    @property
    def delivered_in_full(self) -> bool:
        return all(line.fulfilled == line.ordered for line in self.lines)


@dataclass(frozen=True, slots=True)
class Amount:
    """Units and money of one line. `gross` is before discount, and holds the tax where prices include it."""

    ref: str
    sku: str
    title: str
    quantity: int
    gross: Decimal
    discount: Decimal
    tax: Decimal
    gift_card: bool = False


@dataclass(frozen=True, slots=True)
class Amounts:
    """What has been delivered so far, or the part of it not posted yet."""

    currency: str
    tax_included: bool
    lines: tuple[Amount, ...]
    shipping: Decimal = ZERO
    shipping_discount: Decimal = ZERO
    shipping_tax: Decimal = ZERO
    order_discount: Decimal = ZERO  # discounts the channel gave without saying on which line
    other: Decimal = ZERO
    adjustment: Decimal = ZERO  # what makes the parts add up to the total the buyer was charged

    @property
    def tax(self) -> Decimal:
        return sum((line.tax for line in self.lines), self.shipping_tax)

    @property
    def total(self) -> Decimal:
        parts = sum((line.gross - line.discount for line in self.lines), ZERO)
        parts += self.shipping - self.shipping_discount - self.order_discount + self.other + self.adjustment
        return parts if self.tax_included else parts + self.tax

    @property
    def units(self) -> int:
        return sum(line.quantity for line in self.lines)

    @property
    def empty(self) -> bool:
        """Whether there is nothing in it to post."""
        return not self.lines and not any(getattr(self, name) for name in _PARTS)


def delivered(order: OrderFigures) -> Amounts:
    """The money of the units that have left.

    Shipping and other charges are due once anything has left. Tax beyond the lines' own is shipping's. A discount
    beyond the lines' own is shipping's first, then the order's. Only a fully delivered order can be held against the
    channel's total; a difference, and what is less than the currency's smallest coin, becomes the adjustment.
    """
    step = minor_unit(order.currency)
    lines = tuple(_share(line, step) for line in order.lines if line.fulfilled)
    if not lines:
        return Amounts(order.currency, order.tax_included, ())
    share = _fraction(order)
    beyond = max(ZERO, order.discount - sum((line.discount for line in order.lines), ZERO))
    shipping_discount = min(beyond, order.shipping)
    shipping_tax = max(ZERO, order.tax - sum((line.tax for line in order.lines), ZERO))
    made = Amounts(
        currency=order.currency,
        tax_included=order.tax_included,
        lines=lines,
        shipping=order.shipping,
        shipping_discount=shipping_discount,
        shipping_tax=shipping_tax,
        order_discount=_round((beyond - shipping_discount) * share, step),
        other=order.other,
    )
    stated = order.total if order.total is not None and order.delivered_in_full else made.total
    return replace(made, adjustment=_round(stated, step) - made.total)


def minor_unit(currency: str) -> Decimal:
    return Decimal(1).scaleb(-exponent(currency))


def _share(line: LineFigures, step: Decimal) -> Amount:
    gross = line.unit_price * line.fulfilled
    if line.fulfilled == line.ordered:
        discount, tax = line.discount, line.tax
    else:
        part = Decimal(line.fulfilled) / line.ordered
        discount, tax = _round(line.discount * part, step), _round(line.tax * part, step)
    return Amount(line.ref, line.sku, line.title, line.fulfilled, gross, discount, tax, line.gift_card)


def _fraction(order: OrderFigures) -> Decimal:
    """How much of the ordered goods' value has left."""
    whole = sum((line.unit_price * line.ordered for line in order.lines), ZERO)
    part = sum((line.unit_price * line.fulfilled for line in order.lines), ZERO)
    return part / whole if whole else Decimal(1)


def _round(value: Decimal, step: Decimal) -> Decimal:
    return value.quantize(step, ROUND_HALF_EVEN)


def rounded(value: Decimal, currency: str) -> Decimal:
    """To the currency's smallest coin, half to even: the books' one rule of rounding."""
    return _round(value, minor_unit(currency))


def remaining(now: Amounts, before: Iterable[Amounts]) -> Amounts:
    """What is delivered by now and in no earlier posting, together with what was corrected since; `empty` if nothing.

    A line of which no more units left but whose money changed has a quantity of zero. Below zero is what was posted and
    isn't true any more.
    """
    earlier = list(before)
    if not earlier:
        return now
    lines = {line.ref: line for line in now.lines}
    for each in (line for amounts in earlier for line in amounts.lines):
        known = lines.get(each.ref) or replace(each, quantity=0, gross=ZERO, discount=ZERO, tax=ZERO)
        lines[each.ref] = replace(
            known,
            quantity=known.quantity - each.quantity,
            gross=known.gross - each.gross,
            discount=known.discount - each.discount,
            tax=known.tax - each.tax,
        )
    left = tuple(line for line in lines.values() if line.quantity or line.gross or line.discount or line.tax)
    rest = {name: getattr(now, name) - sum((getattr(each, name) for each in earlier), ZERO) for name in _PARTS}
    return Amounts(now.currency, now.tax_included, left, **rest)


def negated(amounts: Amounts) -> Amounts:
    """The same taken back."""
    lines = tuple(
        replace(line, quantity=-line.quantity, gross=-line.gross, discount=-line.discount, tax=-line.tax)
        for line in amounts.lines
    )
    return replace(amounts, lines=lines, **{name: -getattr(amounts, name) for name in _PARTS})


@dataclass(frozen=True, slots=True)
class Entry:
    """One side of the books."""

    account: str
    debit: Decimal = ZERO
    credit: Decimal = ZERO
    note: str = ""


def entries(amounts: Amounts) -> list[Entry]:
    """The document in double entry: what the channel owes us against what it is made of. Balanced by construction."""
    net: dict[str, Decimal] = {}

    def add(account: str, value: Decimal) -> None:
        net[account] = net.get(account, ZERO) + value

    for line in amounts.lines:
        included = line.tax if amounts.tax_included else ZERO
        add(GIFT_CARDS if line.gift_card else SALES, line.gross - included)
        add(DISCOUNTS, -line.discount)
        add(TAX, line.tax)
    included = amounts.shipping_tax if amounts.tax_included else ZERO
    add(SHIPPING, amounts.shipping - included)
    add(TAX, amounts.shipping_tax)
    add(DISCOUNTS, -amounts.shipping_discount - amounts.order_discount)
    add(OTHER, amounts.other)
    add(ADJUSTMENTS, amounts.adjustment)

    made = [_entry(RECEIVABLE, amounts.total)]
    made += [_entry(account, -net[account]) for account in ACCOUNTS if net.get(account)]
    return [entry for entry in made if entry.debit or entry.credit]


def _entry(account: str, debit: Decimal) -> Entry:
    return Entry(account, debit=debit) if debit >= 0 else Entry(account, credit=-debit)


@dataclass(frozen=True, slots=True)
class Heading:
    """Everything a document says beside its money."""

    reference: str
    key: str
    order: str
    channel: str
    channel_ref: str
    placed_at: str
    shipped_at: str
    booked_on: str  # the day the last unit left, as the channel's calendar has it
    location: str = ""
    buyer: Mapping[str, str] = field(default_factory=dict)
    ship_to: Mapping[str, Any] | None = None
    bill_to: Mapping[str, Any] | None = None


def document(heading: Heading, amounts: Amounts) -> dict[str, Any]:
    """The JSON a posting carries to the ERP. Amounts are decimal strings; `amounts_of` reads them back."""
    return document_of(asdict(heading), amounts)


def document_of(heading: Mapping[str, Any], amounts: Amounts) -> dict[str, Any]:
    """The same from a heading that is a document already."""
    return {
        "format": FORMAT,
        **heading,
        "currency": amounts.currency,
        "tax_included": amounts.tax_included,
        "lines": [
            {
                "ref": line.ref,
                "sku": line.sku,
                "title": line.title,
                "quantity": line.quantity,
                "gross": text(line.gross),
                "discount": text(line.discount),
                "tax": text(line.tax),
                "gift_card": line.gift_card,
            }
            for line in amounts.lines
        ],
        **{name: text(getattr(amounts, name)) for name in _PARTS},
        "tax": text(amounts.tax),
        "total": text(amounts.total),
    }


_PARTS = ("shipping", "shipping_discount", "shipping_tax", "order_discount", "other", "adjustment")


def is_sale(made: Mapping[str, Any]) -> bool:
    """Whether a document is of goods and their money; others are journals and receipts."""
    return made.get("format", FORMAT) == FORMAT


def amounts_of(made: Mapping[str, Any]) -> Amounts:
    """The money of a stored document."""
    return Amounts(
        currency=made["currency"],
        tax_included=made["tax_included"],
        lines=tuple(
            Amount(
                line["ref"],
                line["sku"],
                line["title"],
                line["quantity"],
                Decimal(line["gross"]),
                Decimal(line["discount"]),
                Decimal(line["tax"]),
                line["gift_card"],
            )
            for line in made["lines"]
        ),
        **{name: Decimal(made[name]) for name in _PARTS},
    )


def text(value: Decimal) -> str:
    """A decimal as short as it can be said: 12.5000 is 12.5, 100 is 100."""
    plain = f"{value:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain
