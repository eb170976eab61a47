"""O-Series (Kounta): orders of a restaurant's till, prices without tax and the tax of a unit beside them. Pure.

`price_variation` is what the price was multiplied with already. Only a completed order was handed over.
"""

from __future__ import annotations

from collections.abc import Iterator

from integrations.channels.lightspeed.figures import figure, needed, units
from integrations.channels.lightspeed.sales import Paid, Row, Sale, acts
from integrations.channels.marketplaces import word
from integrations.channels.meaning import Act
from integrations.channels.shop_documents import Terms
from integrations.reading import EPOCH, ZERO, Node
from orders.canonical import Buyer

_OPEN = "an open order: nothing is handed over before it is completed"
_ENDED = "an order that was never handed over"
_STATUSES = {
    "COMPLETE": "",
    "INCOMPLETE": _OPEN,
    "PENDING": _OPEN,
    "SUBMITTED": _OPEN,
    "ACCEPTED": _OPEN,
    "ON_HOLD": _OPEN,
    "REJECTED": _ENDED,
    "DELETED": _ENDED,
    "CANCELLED": _ENDED,
}


def order(doc: Node, terms: Terms) -> list[Act] | str:
    ref = doc.number_id("id", needed=True)
    left = word(doc, "status", _STATUSES, "a status of an order")
    rows = tuple(_rows(doc))
    paid = tuple(_paid(doc))
    if left:
        doc.faults.raise_if_any()
        return str(left)
    if not terms.currency:
        doc.fault("names no currency, and the connection has no channel to say one")
    site = doc.number_id("site_id", needed=True)
    at = doc.moment("placed_at") or doc.moment("created_at", needed=True)
    version = doc.moment("updated_at") or at
    person = doc.object("customer")
    name = " ".join(part for part in (person.text("first_name"), person.text("last_name")) if part) if person else ""
    return acts(
        doc,
        Sale(
            ref=ref,
            number=doc.line("sale_number") or ref,
            place=f"site:{site}",
            at=at or EPOCH,
            version=version or EPOCH,
            currency=terms.currency,
            total=figure(doc, "total"),
            tax=figure(doc, "total_tax"),
            tax_included=True,
            rows=rows,
            paid=paid,
            buyer=Buyer(ref=person.line("id"), name=name[:255], email=person.text("email")) if person else None,
            note=doc.text("notes", 5000),
        ),
    )


def _rows(doc: Node) -> Iterator[Row]:
    for each in doc.items("lines"):
        count = units(each, "quantity")
        product = each.object("product")
        code = product.number_id("id") if product else ""
        tax = (figure(each, "unit_tax") or ZERO) * count
        yield Row(
            ref=each.number_id("id") or each.line("number") or "?",
            sku=f"product:{code}" if code else "",
            title=product.text("name") if product else "",
            units=count,
            gross=needed(each, "unit_price") * count + tax,
            off=ZERO,
            tax=tax,
        )


def _paid(doc: Node) -> Iterator[Paid]:
    for each in doc.items("payments"):
        method = each.object("method")
        amount = needed(each, "amount")
        at = each.moment("created_at") or doc.moment("placed_at")
        if amount:
            yield Paid(each.number_id("id", needed=True), amount, at or EPOCH, method.text("name") if method else "")
