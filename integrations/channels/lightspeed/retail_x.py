"""X-Series: register sales of API 0.9 and its webhooks, sales of API 2.0 and of the dated versions. Pure.

Prices are without tax and after discounts, with five decimals, the tax beside them; both together are the price that
was rung up, so orders are stated with the tax in their prices. Times are UTC (x-series-api.lightspeedhq.com: sales,
states and attributes, dates and times).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from integrations.channels import shop_documents as shops
from integrations.channels.lightspeed.figures import figure, needed, units
from integrations.channels.lightspeed.sales import Paid, Row, Sale, acts
from integrations.channels.marketplaces import word
from integrations.channels.meaning import Act
from integrations.channels.shop_documents import Terms
from integrations.reading import EPOCH, ZERO, Node
from orders.canonical import Buyer

# Legacy status: the state and the attribute that replaced it.
_STATUSES = {
    "SAVED": ("parked", ""),
    "OPEN": ("pending", ""),
    "VOIDED": ("voided", ""),
    "CLOSED": ("closed", ""),
    "ONACCOUNT": ("pending", "onaccount"),
    "ONACCOUNT_CLOSED": ("closed", "onaccount"),
    "LAYBY": ("pending", "layby"),
    "LAYBY_CLOSED": ("closed", "layby"),
    "AWAITING_DISPATCH": ("pending", "delivery"),
    "DISPATCHED_CLOSED": ("closed", "delivery"),
    "AWAITING_PICKUP": ("pending", "pickup"),
    "PICKED_UP_CLOSED": ("closed", "pickup"),
    "SERVICE": ("pending", "service"),
    "SERVICE_CLOSED": ("closed", "service"),
}
_STATES = {"PARKED": "parked", "PENDING": "pending", "CLOSED": "closed", "VOIDED": "voided"}
_ATTRIBUTES = {"onaccount", "layby", "delivery", "pickup", "service"}
_LEFT = "an open sale: nothing is handed over before it is closed"


def sale(doc: Node, terms: Terms) -> list[Act] | str:
    ref = doc.line("id")
    if not ref:
        doc.at("id").fault("is missing")
    state, attributes = _state(doc)
    rows = tuple(_rows(doc))
    if state == "parked" or (state == "pending" and not attributes - {"service"}):
        doc.faults.raise_if_any()
        return _LEFT
    source = doc.at("source") if isinstance(doc.raw("source"), dict) else doc
    outlet = doc.line("outlet_id") or source.line("outlet_id")
    register = doc.line("register_id") or source.line("register_id")
    place = f"outlet:{outlet}" if outlet else f"register:{register}" if register else ""
    if not place:
        doc.at("register_id").fault("is missing")
    fulfilled_later = bool(attributes & {"delivery", "pickup", "layby"})
    at = _moment(doc, "sale_date") or _moment(doc, "date") or _moment(doc, "created_at", must=True)
    # A sale that was deleted there doesn't say that it was changed: it was never sold, as far as the shop goes.
    deleted = _moment(doc, "deleted_at")
    version = max((each for each in (_moment(doc, "updated_at") or at, deleted) if each), default=None)
    price, tax = figure(doc, "total_price"), figure(doc, "total_tax")
    totals = doc.object("totals")
    if totals is not None:
        price = price if price is not None else figure(totals, "total_price")
        tax = tax if tax is not None else figure(totals, "total_tax")
    paid = tuple(_paid(doc))
    return acts(
        doc,
        Sale(
            ref=ref,
            number=doc.line("invoice_number") or doc.line("receipt_number"),
            place=place,
            at=at or EPOCH,
            version=version or EPOCH,
            currency=_currency(doc, terms),
            total=price + (tax or ZERO) if price is not None else None,
            tax=tax,
            tax_included=True,
            rows=rows,
            paid=paid,
            gone=state == "closed" or not fulfilled_later,
            voided=state == "voided" or deleted is not None,
            ships="delivery" in attributes,
            return_for=doc.line("return_for"),
            buyer=_buyer(doc),
            note=doc.text("note", 5000),
        ),
    )


def _state(doc: Node) -> tuple[str, set[str]]:
    found: set[str] = set()
    for key in ("attributes", "register_sale_attributes"):
        listed = doc.raw(key)
        for said in listed if isinstance(listed, list) else []:
            if isinstance(said, str) and said.lower() in _ATTRIBUTES:
                found.add(said.lower())
            else:
                doc.at(key).fault(f"holds an attribute Backroom has no word for: {str(said)[:40]!r}")
    if doc.has("state"):
        return word(doc, "state", _STATES, "a state of a sale") or "parked", found
    state, attribute = word(doc, "status", _STATUSES, "a status of a sale") or ("parked", "")
    return state, found | ({attribute} if attribute else set())


def _rows(doc: Node) -> Iterator[Row]:
    key = "register_sale_products" if doc.has("register_sale_products") else "line_items"
    for each in doc.items(key):
        ref = each.line("id") or each.line("sequence") or "?"
        product = each.object("product") or each
        pricing = each.object("pricing") or each
        taxes = each.object("tax") if isinstance(each.raw("tax"), dict) else None
        count = units(each, "quantity")
        code = each.line("product_id") or (product.line("id") if product is not each else "")
        price = figure(pricing, "unit_price") if pricing.has("unit_price") else needed(pricing, "price")
        tax = figure(taxes, "amount") if taxes else figure(each, "unit_tax" if each.has("unit_tax") else "tax")
        tax_total = (tax or ZERO) * count
        yield Row(
            ref=ref,
            sku=product.line("sku") or (f"product:{code}" if code else ""),
            title=product.text("name") or product.text("handle"),
            units=count,
            gross=(price or ZERO) * count + tax_total,
            off=ZERO,
            tax=tax_total,
        )


def _paid(doc: Node) -> Iterator[Paid]:
    key = "register_sale_payments" if doc.has("register_sale_payments") else "payments"
    for index, each in enumerate(doc.items(key)):
        at = _moment(each, "payment_date") or _moment(each, "date") or _moment(doc, "sale_date")
        kind = each.object("type") or each
        name = each.text("name") or each.text("label") or kind.text("name")
        amount = needed(each, "amount")
        if amount:
            yield Paid(each.line("id") or f"{doc.line('id', 100)}/{index}", amount, at or EPOCH, name)


def _currency(doc: Node, terms: Terms) -> str:
    key = "register_sale_payments" if doc.has("register_sale_payments") else "payments"
    said = {found for each in doc.items(key) if (found := each.currency("currency"))}
    if len(said) > 1:
        doc.at(key).fault(f"are in several currencies: {', '.join(sorted(said))}")
    found = next(iter(said), "") or terms.currency
    if not found:
        doc.fault("names no currency, and the connection has no channel to say one")
    return found


def _buyer(doc: Node) -> Buyer | None:
    person = doc.object("customer")
    ref = doc.line("customer_id") or (person.line("id") if person else "")
    if person is not None and person.text("customer_code").upper() == "WALKIN":
        return None
    name = " ".join(part for part in (person.text("first_name"), person.text("last_name")) if part) if person else ""
    email = person.text("email") if person else ""
    return Buyer(ref=ref, name=name[:255], email=email) if ref or name or email else None


def _moment(node: Node, key: str, *, must: bool = False) -> datetime | None:
    return shops.utc(node, key, must=must)
