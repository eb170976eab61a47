"""What one invoice of a sales file means: an order that has left, goods that came back, stock put right. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from integrations.channels.meaning import Act, GoodsLine, Meaning, MoveGoods, PlaceOrder, ignored
from integrations.failures import FailureClass, Fault, Unreadable
from integrations.files.sales import reading
from integrations.files.sales.mapping import DISCOUNT, GIFT_CARD, OTHER, SHIPPING, SalesMapping
from integrations.files.sales.reading import ADJUSTMENT, CHARGE, NOTHING, RETURN, SALE, Invoice, Row
from integrations.reading import checked
from orders import canonical
from orders.canonical import Buyer, IncomingLine, IncomingOrder

VERSION = "sales/1"
TOPIC, AGAIN = "sales", "sales/again"  # "sales/2": the second piece of an invoice whose rows don't stand together
NO_PRICE = Decimal(0)


def understand(topic: str, body: bytes, mapping: SalesMapping) -> Meaning:
    """The acts of one invoice, or why there are none. Raises Unreadable."""
    invoice = reading.read(body, mapping)
    if topic == AGAIN:
        words = f"invoice {invoice.number} came before with other rows; nothing tells which of the two is right"
        raise Unreadable(FailureClass.CONFLICT, Fault("", words))
    ref = ref_of(invoice, topic)
    acts: list[Act] = []
    if invoice.of(SALE):
        acts += [PlaceOrder(order) for order in _orders(invoice, topic, mapping)]
    moved = [_goods(row, mapping) for row in invoice.of(RETURN, ADJUSTMENT)]
    if moved:
        acts.append(MoveGoods(ref=ref, at=invoice.at, lines=tuple(moved), store=invoice.store))
    if not acts:
        reasons = dict.fromkeys(row.words for row in invoice.of(NOTHING))
        return ignored("; ".join(reasons))
    return Meaning(acts=tuple(acts))


def ref_of(invoice: Invoice, topic: str) -> str:
    """What the invoice, or this piece of it, is called at its channel."""
    return invoice.number + (f"~{topic.removeprefix('sales/')}" if topic.startswith("sales/") else "")


def refs(invoice: Invoice, topic: str) -> list[str]:
    """The channel's refs of the orders this invoice makes: several where it is longer than an order may be."""
    ref, orders = ref_of(invoice, topic), -(-len(invoice.of(SALE)) // canonical.MAX_LINES)
    return [ref if n == 0 else f"{ref}+{n + 1}" for n in range(orders)]


def _orders(invoice: Invoice, topic: str, mapping: SalesMapping) -> list[IncomingOrder]:
    """The invoice's charges go with its first order."""
    goods, charges = invoice.of(SALE), invoice.of(CHARGE)
    return [
        _order(
            ref,
            invoice,
            goods[n * canonical.MAX_LINES : (n + 1) * canonical.MAX_LINES],
            charges if n == 0 else [],
            mapping,
        )
        for n, ref in enumerate(refs(invoice, topic))
    ]


def _order(ref: str, invoice: Invoice, goods: list[Row], charges: list[Row], mapping: SalesMapping) -> IncomingOrder:
    amounts = {
        means: sum((row.price * row.quantity for row in charges if row.means == means), NO_PRICE)
        for means in (SHIPPING, DISCOUNT, OTHER)
    }
    subtotal = sum((row.price * row.quantity for row in goods), NO_PRICE)
    total = subtotal + amounts[SHIPPING] + amounts[OTHER] - amounts[DISCOUNT]
    if total < 0:
        raise Unreadable(FailureClass.BAD_VALUE, Fault("", f"the discounts are {-total} more than the goods cost"))
    return checked(
        IncomingOrder(
            channel_ref=ref,
            number=invoice.number,
            placed_at=invoice.at,
            version=canonical.microseconds(invoice.at),
            currency=mapping.currency,
            lines=tuple(_line(row, mapping) for row in goods),
            subtotal=subtotal,
            shipping_total=amounts[SHIPPING],
            discount_total=amounts[DISCOUNT],
            other_total=amounts[OTHER],
            tax_included=True,
            total=total,
            payment_state="paid",
            buyer=Buyer(ref=invoice.customer) if invoice.customer else None,
            method="PICKUP" if invoice.store else "SHIP",
            pickup_location_code=invoice.store or None,
        )
    )


def _line(row: Row, mapping: SalesMapping) -> IncomingLine:
    gift_card = row.means == GIFT_CARD
    return IncomingLine(
        ref=str(row.number),
        sku=sku_of(row, mapping),
        title=row.title[:255],
        quantity=row.quantity,
        unit_price=row.price,
        gift_card=gift_card,
        requires_shipping=not gift_card,
        fulfilled_elsewhere=row.quantity,
    )


def _goods(row: Row, mapping: SalesMapping) -> GoodsLine:
    kind: Literal["return", "found", "lost"]
    kind = "return" if row.kind == RETURN else "found" if row.quantity > 0 else "lost"
    return GoodsLine(sku=sku_of(row, mapping), quantity=abs(row.quantity), kind=kind, note=row.title)


def sku_of(row: Row, mapping: SalesMapping) -> str:
    sku = canonical.sku_text(row.sku)
    return sku.upper() if mapping.capital_skus else sku
