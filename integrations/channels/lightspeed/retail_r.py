"""R-Series: sales of the Retail API, all values texts, one line an object and several a list. Pure.

`calcLineDiscount` and `calcTransactionDiscount` are what was taken off a line; taxes have seven decimals on a line and
two on the sale (developers.lightspeedhq.com/retail: Sale, SaleLine, SalePayment).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from integrations.channels.lightspeed.figures import figure, flag, needed, units
from integrations.channels.lightspeed.sales import Paid, Row, Sale, acts
from integrations.channels.meaning import Act, LearnCodes, Listed
from integrations.channels.shop_documents import Terms, listed_or_one
from integrations.reading import EPOCH, ZERO, Node
from orders import currencies
from orders.canonical import Buyer

_NOBODY = ("", "0")


def sale(doc: Node, terms: Terms) -> list[Act] | str:
    ref = doc.number_id("saleID", needed=True)
    completed, voided = flag(doc, "completed"), flag(doc, "voided")
    if not completed and not voided:
        doc.faults.raise_if_any()
        return "an open sale: nothing is handed over before it is completed"
    shop = doc.number_id("shopID", needed=True)
    if not terms.currency:
        doc.fault("names no currency, and the connection has no channel to say one")
    at = doc.moment("completeTime") or doc.moment("createTime") or doc.moment("timeStamp", needed=True)
    version = doc.moment("timeStamp") or at
    rows = tuple(_rows(doc))
    total = figure(doc, "calcTotal") if doc.has("calcTotal") else figure(doc, "total")
    tax = sum((figure(doc, key) or ZERO for key in ("calcTax1", "calcTax2", "calcTax3", "calcTax4")), ZERO)
    tips = figure(doc, "calcTips") or ZERO
    paid = tuple(_paid(doc, total or ZERO, terms.currency))
    codes = tuple(_codes(doc))
    return acts(
        doc,
        Sale(
            ref=ref,
            number=doc.line("ticketNumber"),
            place=f"shop:{shop}",
            at=at or EPOCH,
            version=version or EPOCH,
            currency=terms.currency,
            total=total + tips if total is not None else None,
            tax=tax,
            tax_included=flag(doc, "isTaxInclusive"),
            tips=tips,
            rows=rows,
            paid=paid,
            voided=voided,
            buyer=_buyer(doc),
            note=doc.line("referenceNumber"),
            before=[LearnCodes(codes)] if codes else [],
        ),
    )


def _lines(doc: Node) -> Iterator[Node]:
    holder = doc.object("SaleLines")
    return listed_or_one(holder, "SaleLine") if holder else iter(())


def _rows(doc: Node) -> Iterator[Row]:
    for each in _lines(doc):
        count = units(each, "unitQuantity")
        item = each.number_id("itemID")
        about = each.object("Item")
        off = sum((figure(each, key) or ZERO for key in ("calcLineDiscount", "calcTransactionDiscount")), ZERO)
        tax = sum((figure(each, key) or ZERO for key in ("calcTax1", "calcTax2", "calcTax3", "calcTax4")), ZERO)
        note = each.object("Note")
        yield Row(
            ref=each.number_id("saleLineID", needed=True),
            sku=f"item:{item}" if item not in _NOBODY else "",
            title=(about.text("description") if about else "") or (note.text("note") if note else ""),
            units=count,
            gross=needed(each, "unitPrice") * count,
            off=off,
            tax=tax,
            goods=item not in _NOBODY,
        )


def _codes(doc: Node) -> Iterator[Listed]:
    for each in _lines(doc):
        about = each.object("Item")
        if about is not None and (found := code(about)) and found.sku:
            yield found


def code(item: Node) -> Listed | None:
    """An item as it is sold; None for the number that stands for no item."""
    ref = item.number_id("itemID")
    sku = item.line("customSku", 100) or item.line("systemSku", 100)
    return Listed(f"item:{ref}", sku, item.line("description", 200)) if ref not in _NOBODY else None


def _paid(doc: Node, total: Decimal, currency: str) -> Iterator[Paid]:
    """What was paid. A tip stands beside its payment; change was given back out of the cash."""
    holder = doc.object("SalePayments")
    rows = [each for each in listed_or_one(holder, "SalePayment") if not flag(each, "archived")] if holder else []
    amounts = [needed(each, "amount") for each in rows]
    tips = [figure(each, "tipAmount") or ZERO for each in rows]
    change = figure(doc, "change") or ZERO
    beside = bool(any(tips)) and currencies.rounded(sum(amounts, ZERO) - change, currency or "USD") == total
    for each, amount, tip in zip(rows, amounts, tips, strict=True):
        kind = each.object("PaymentType")
        name = kind.text("name") if kind else ""
        given = change if name.casefold() == "cash" and 0 < change < amount else ZERO
        change -= given
        value = amount - given + (tip if beside else ZERO)
        at = each.moment("createTime") or doc.moment("timeStamp")
        if value:
            yield Paid(each.number_id("salePaymentID", needed=True), value, at or EPOCH, name)


def _buyer(doc: Node) -> Buyer | None:
    ref = doc.number_id("customerID")
    person = doc.object("Customer")
    name = " ".join(part for part in (person.text("firstName"), person.text("lastName")) if part) if person else ""
    return Buyer(ref="" if ref in _NOBODY else ref, name=name[:255]) if ref not in _NOBODY or name else None
