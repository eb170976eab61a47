"""A sale of any series of tills, once it is taken apart: how it becomes an order, and what came back. Pure.

Lines below zero came back. Which line of which sale they were of isn't said: their units go to be inspected where
they were handed in, and their money goes onto the order of the sale they belong to, where that is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from integrations.channels.lightspeed.figures import kept
from integrations.channels.meaning import Act, GoodsLine, MoveGoods, PlaceOrder, RecordRefund
from integrations.channels.shop_documents import piece
from integrations.reading import ZERO, Node, checked
from orders import currencies
from orders.canonical import (
    Buyer,
    IncomingLine,
    IncomingOrder,
    IncomingPayment,
    IncomingRefund,
    PaymentState,
    microseconds,
)


@dataclass(frozen=True, slots=True)
class Row:
    """A line: what its units cost together before `off`, and the tax, in that or on top of it."""

    ref: str
    sku: str
    title: str
    units: int
    gross: Decimal
    off: Decimal
    tax: Decimal
    goods: bool = True


@dataclass(frozen=True, slots=True)
class Paid:
    ref: str
    amount: Decimal
    at: datetime
    gateway: str


@dataclass(slots=True)
class Sale:
    """`gone` says that its goods were handed over, `voided` that they were taken back or never sold."""

    ref: str
    number: str
    place: str
    at: datetime
    version: datetime
    currency: str
    total: Decimal | None
    rows: Sequence[Row] = ()
    paid: Sequence[Paid] = ()
    tax: Decimal | None = None
    tax_included: bool = False
    tips: Decimal = ZERO
    gone: bool = True
    voided: bool = False
    ships: bool = False
    return_for: str = ""
    buyer: Buyer | None = None
    note: str = ""
    before: list[Act] = field(default_factory=list)  # what is learnt from it first


def acts(doc: Node, sale: Sale) -> list[Act] | str:
    doc.faults.raise_if_any()
    sold = [row for row in sale.rows if row.units > 0]
    back = [row for row in sale.rows if row.units < 0]
    made: list[Act] = []
    if sold:
        made.append(PlaceOrder(_order(sale, sold, back)))
    if back and not sale.voided:
        made += _returned(sale, back, alone=not sold)
    if not made:
        return "it sells nothing and nothing came back"
    return [*sale.before, *made]


def _worth(row: Row, *, tax_included: bool) -> Decimal:
    return row.gross - row.off + (ZERO if tax_included else row.tax)


def _order(sale: Sale, sold: list[Row], back: list[Row]) -> IncomingOrder:
    tax = sale.tax if sale.tax is not None else sum((row.tax for row in sale.rows), ZERO)
    tax -= sum((row.tax for row in back), ZERO)
    total = sale.total
    if total is not None:  # what came back was taken off it
        total -= sum((_worth(row, tax_included=sale.tax_included) for row in back), ZERO)
        total = currencies.rounded(total, sale.currency)
    lines = tuple(_line(sale, row) for row in sold)
    of_lines = sum((line.tax_total or ZERO for line in lines), ZERO)
    if currencies.rounded(of_lines, sale.currency) != currencies.rounded(tax, sale.currency):
        lines = tuple(_without_tax(line) for line in lines)  # rounded apart: the sale's own figure counts
    return checked(
        IncomingOrder(
            channel_ref=sale.ref,
            number=sale.number,
            placed_at=sale.at,
            version=microseconds(sale.version),
            currency=sale.currency,
            status="cancelled" if sale.voided else "open",
            cancelled_at=sale.version if sale.voided else None,
            lines=lines,
            total=total,
            discount_total=sum((line.discount_total or ZERO for line in lines), ZERO),
            tax_total=currencies.rounded(tax, sale.currency) if tax > 0 else kept(max(tax, ZERO)),
            tax_included=sale.tax_included,
            other_total=sale.tips or None,
            payment_state=_payment_state(sale),
            payments=tuple(_payment(sale, each) for each in sale.paid if each.amount > 0),
            buyer=sale.buyer,
            note=sale.note,
            method="SHIP" if sale.ships else "PICKUP",
            pickup_location_code=None if sale.ships else sale.place,
        )
    )


def _line(sale: Sale, row: Row) -> IncomingLine:
    price = piece(row.gross, row.units)
    return IncomingLine(
        ref=row.ref,
        sku=row.sku,
        title=row.title[:255],
        quantity=row.units,
        unit_price=price,
        discount_total=kept(row.off + price * row.units - row.gross),
        tax_total=kept(row.tax),
        requires_shipping=row.goods,
        fulfilled_elsewhere=row.units if sale.gone and not sale.voided else 0,
        cancelled_quantity=row.units if sale.voided else 0,
    )


def _without_tax(line: IncomingLine) -> IncomingLine:
    return replace(line, tax_total=None)


def _payment(sale: Sale, paid: Paid) -> IncomingPayment:
    return IncomingPayment(
        ref=paid.ref, kind="captured", amount=kept(paid.amount), currency=sale.currency, at=paid.at,
        gateway=paid.gateway[:255],
    )  # fmt: skip


def _payment_state(sale: Sale) -> PaymentState:
    if sale.voided:
        return "voided"
    paid = sum((each.amount for each in sale.paid), ZERO)
    if sale.total is not None and currencies.rounded(paid, sale.currency) >= sale.total:
        return "paid"
    return "partially_paid" if paid > 0 else "pending"


def _returned(sale: Sale, back: list[Row], *, alone: bool) -> list[Act]:
    goods = tuple(
        GoodsLine(sku=row.sku, quantity=-row.units, kind="return", note=row.title)
        for row in back
        if row.sku and row.goods
    )
    made: list[Act] = [MoveGoods(ref=sale.ref, at=sale.at, lines=goods, store=sale.place)] if goods else []
    if not sale.return_for:
        return made
    amount = -sum((_worth(row, tax_included=sale.tax_included) for row in back), ZERO)
    given = tuple(
        IncomingPayment(
            ref=each.ref, kind="refunded", amount=kept(-each.amount), currency=sale.currency, at=each.at,
            gateway=each.gateway[:255],
        )
        for each in sale.paid
        if alone and each.amount < 0
    )  # fmt: skip
    refund = IncomingRefund(
        ref=sale.ref, order_ref=sale.return_for, at=sale.at, currency=sale.currency, payments=given,
        amount=currencies.rounded(amount, sale.currency), note=sale.note,
    )  # fmt: skip
    return [*made, RecordRefund(checked(refund))]
