"""WooCommerce's orders and refunds as Backroom's. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from integrations.channels import listings, remarks
from integrations.channels import shop_documents as shops
from integrations.channels.shop_documents import Terms
from integrations.reading import EPOCH, ZERO, Node, checked
from orders.canonical import (
    Address,
    IncomingLine,
    IncomingOrder,
    IncomingPayment,
    IncomingRefund,
    PaymentState,
    RefundLine,
    microseconds,
)

NO_ORDER = {
    "auto-draft": "a draft is no order yet; the order comes by itself once it is placed",
    "draft": "a draft is no order yet; the order comes by itself once it is placed",
    "checkout-draft": "a checkout is no order yet; the order comes by itself once it is placed",
    "trash": "WooCommerce forgets the order; Backroom keeps its record of it",
}
# In the order an order goes through them: its times have whole seconds, so the later word of one second counts.
STATUSES = ("pending", "failed", "on-hold", "processing", "completed", "cancelled", "refunded")
_UNPAID = {"pending", "failed", "on-hold"}
_PICKUPS = {"local_pickup", "pickup_location"}
# Where WooCommerce's own extension for them keeps VAT numbers, and where it and others did before.
_VAT_NUMBERS = ("_billing_vat_number", "_vat_number", "billing_vat_number", "vat_number", "billing_vat")
_FINE = re.compile(r"-?[0-9]{1,12}\.[0-9]{5,12}")
_UP = re.compile(r"/orders/([0-9]{1,20})/?$")


def status(doc: Node, terms: Terms) -> str:
    """WooCommerce's word for the order's state. A word of the shop's own needs the settings to say what it means."""
    word = doc.text("status", 60).lower().removeprefix("wc-")
    known = str(terms.statuses.get(word, word)).removeprefix("wc-")
    if known not in STATUSES and known not in NO_ORDER:
        if word:
            doc.at("status").unknown(word, "a status", sorted({*STATUSES, *NO_ORDER}))
        else:
            doc.at("status").fault("is missing")
    return known


def refunds_are_elsewhere(doc: Node) -> bool:
    """An order lists its refunds by id and total only: what they were of has to be asked for."""
    return any(not each.has("line_items") for each in shops.listed(doc, "refunds"))


def order(doc: Node, state: str, terms: Terms) -> IncomingOrder:
    ref = doc.number_id("id", needed=True)
    currency = doc.currency("currency", needed=True)
    refunds = _refunds(doc, ref, currency)
    placed_at = _moment(doc, "date_created", terms, must=True)
    changed_at = _moment(doc, "date_modified", terms) or placed_at
    paid_at, completed_at = _moment(doc, "date_paid", terms), _moment(doc, "date_completed", terms)
    lines, surplus = _lines(doc, state, _taken_off(state, refunds, completed_at))
    if not lines:
        doc.at("line_items").fault("holds no line with a quantity")
    parts = {**_figures(doc, surplus), **_people(doc), **_delivery(doc)}
    total = parts["total"]
    doc.faults.raise_if_any()
    rank = STATUSES.index(state) * 1000 + min(len(list(shops.listed(doc, "refunds"))), 999)
    return checked(
        IncomingOrder(
            channel_ref=ref,
            number=doc.line("number"),
            placed_at=placed_at or EPOCH,
            version=microseconds(changed_at or EPOCH) + rank,
            currency=currency,
            lines=lines,
            status="cancelled" if state in {"cancelled", "refunded"} else "open",
            cancelled_at=changed_at if state in {"cancelled", "refunded"} else None,
            cancel_reason="refunded" if state == "refunded" else "",
            payment_state=_payment_state(doc, state, paid_at, total),
            payments=_payments(doc, paid_at, total, currency),
            refunds=tuple(refunds),
            note=remarks.noted(doc.text("customer_note", 5000), _remarks(doc)),
            **parts,
        )
    )


def refund(doc: Node, *, order_ref: str = "", currency: str) -> IncomingRefund:
    """One refund. It says neither its currency, which is the order's, nor, but in its links, its order."""
    order_ref = order_ref or doc.number_id("parent_id") or _linked_order(doc)
    if not order_ref or order_ref == "0":
        doc.at("_links.up").fault("names no order this refund is of")
    if not currency:
        doc.fault("names no currency, and the connection has no channel to say one")
    at = shops.utc(doc, "date_created_gmt", must=True)
    amount = doc.amount("amount") if doc.has("amount") else doc.amount("total")
    if amount is None:
        doc.at("amount").fault("is missing")
    lines = tuple(line for line in map(_refund_line, shops.listed(doc, "line_items")) if line)
    shipping = shops.added(
        part
        for node in shops.listed(doc, "shipping_lines")
        for part in (node.amount("total"), node.amount("total_tax"))
    )
    ref = doc.number_id("id", needed=True)
    note = doc.text("reason", 5000)
    doc.faults.raise_if_any()
    return checked(
        IncomingRefund(
            ref=ref,
            order_ref=order_ref,
            at=at or EPOCH,
            currency=currency,
            lines=lines,
            amount=abs(amount or ZERO),
            shipping_amount=abs(shipping) if shipping is not None else None,
            note=note,
        )
    )


def _refund_line(node: Node) -> RefundLine | None:
    """Units as taken off are the order's to say, so a refund's line moves money only."""
    units = shops.whole(node, "quantity", sign=-1)
    named = meta(node).get("_refunded_item_id")
    amount, tax = node.amount("total"), node.amount("total_tax")
    if not units:
        return None
    if named is None or not str(named).isdigit():
        node.at("meta_data").fault("names no line of the order (_refunded_item_id)")
        return None
    return RefundLine(
        line_ref=str(named),
        quantity=units,
        restock="none",
        amount=abs(amount) if amount is not None else None,
        tax=abs(tax) if tax is not None else None,
    )


def meta(node: Node) -> dict[str, Any]:
    """`meta_data` by key."""
    return {str(each["key"]): each.get("value") for each in _kept(node)}


def _kept(node: Node) -> list[dict[str, Any]]:
    """The entries of `meta_data`: a list, or an object where PHP's list had a hole."""
    raw = node.raw("meta_data")
    listed = raw.values() if isinstance(raw, dict) else raw if isinstance(raw, list) else ()
    return [each for each in listed if isinstance(each, dict) and "key" in each]


def _remarks(doc: Node) -> Iterator[remarks.Remark]:
    """What was asked for on a row, by the names the shop shows; the way of delivery; the buyer's VAT number."""
    for node in shops.listed(doc, "line_items"):
        for each in _kept(node):
            shown = remarks.text(each.get("display_value")) and not str(each["key"]).startswith("_")
            name, said = ("display_key", "display_value") if shown else ("key", "value")
            yield from remarks.named([each], name, said, of=node.text("name"))
    yield remarks.delivery(*(node.text("method_title") for node in shops.listed(doc, "shipping_lines")))
    kept = meta(doc)
    yield "VAT number", next((found for key in _VAT_NUMBERS if (found := remarks.text(kept.get(key)))), "")


def _linked_order(doc: Node) -> str:
    links = doc.raw("_links")
    up = links.get("up") if isinstance(links, dict) else None
    first = up[0] if isinstance(up, list) and up else None
    found = _UP.search(str(first.get("href", ""))) if isinstance(first, dict) else None
    return found[1] if found else ""


def _refunds(doc: Node, ref: str, currency: str) -> list[IncomingRefund]:
    return [
        refund(each, order_ref=ref, currency=currency)
        for each in shops.listed(doc, "refunds")
        if each.has("line_items") and currency
    ]


def _taken_off(state: str, refunds: Iterable[IncomingRefund], completed_at: datetime | None) -> Counter[str]:
    """Units refunded before the order left: they are not delivered. Later ones had left."""
    units: Counter[str] = Counter()
    for each in refunds:
        if completed_at is None or each.at < completed_at:
            for line in each.lines:
                units[line.line_ref] += line.quantity
    return units


def _moment(doc: Node, key: str, terms: Terms, *, must: bool = False) -> datetime | None:
    found = shops.utc(doc, f"{key}_gmt")
    if found is not None or doc.raw(f"{key}_gmt") not in (None, ""):
        return found
    if must and doc.raw(key) in (None, ""):
        doc.at(f"{key}_gmt").fault("is missing")
        return None
    return shops.local(doc, key, terms)


# --- Lines and figures


def _figure(node: Node, key: str) -> Decimal | None:
    """A figure with its sign. Who asks for more decimals than money has (`dp`) gets them; they go here."""
    value = node.raw(key)
    if isinstance(value, str) and _FINE.fullmatch(value):
        return Decimal(value).quantize(Decimal("0.0001"), ROUND_HALF_UP)
    return node.amount(key)


def _row(node: Node, key: str) -> Decimal:
    """A figure a row must have, never below zero."""
    found = _figure(node, key)
    if found is None and node.raw(key) in (None, ""):
        node.at(key).fault("is missing")
    if found is not None and found < 0:
        node.at(key).fault(f"should not be negative, is {found}")
    return max(found or ZERO, ZERO)


def _lines(doc: Node, state: str, off: Counter[str]) -> tuple[tuple[IncomingLine, ...], Decimal]:
    """The lines, and how much more they are worth at the prices of their pieces than WooCommerce's rows."""
    lines = []
    surplus = ZERO
    nodes = list(shops.listed(doc, "line_items"))
    parents = _parents_that_stay(nodes)
    for node in nodes:
        ref = node.number_id("id", needed=True)
        units = shops.whole(node, "quantity")
        if not node.has("quantity"):
            node.at("quantity").fault("is missing")
        subtotal, total, tax = _row(node, "subtotal"), _row(node, "total"), _figure(node, "total_tax")
        if not units:
            continue
        price = shops.piece(max(subtotal, total), units)
        surplus += price * units - subtotal
        cancelled = min(off[ref], units)
        lines.append(
            IncomingLine(
                ref=ref,
                sku=listings.sold_as(node, ("product", "variation_id"), ("product", "product_id")),
                title=node.text("name"),
                quantity=units,
                unit_price=price,
                discount_total=price * units - total,
                tax_total=tax,
                requires_shipping=ref not in parents and _is_shipped(node),
                cancelled_quantity=cancelled,
                fulfilled_elsewhere=units - cancelled if state == "completed" else 0,
            )
        )
    return tuple(lines), surplus


def _is_shipped(node: Node) -> bool:
    """A part of a bundle says whether it is sent; whatever else is sold here is."""
    said = meta(node)
    words = (said.get("_bundled_item_needs_shipping"), said.get("_composite_item_needs_shipping"))
    return "no" not in words and node.raw("virtual") is not True


def _parents_that_stay(nodes: list[Node]) -> set[str]:
    """Bundles whose parts are sent themselves: nothing of the bundle itself is."""
    found = set()
    for node in nodes:
        said = meta(node)
        parent = node.raw("bundled_by") or node.raw("composite_parent")
        sent = said.get("_bundled_item_needs_shipping") == "yes" or said.get("_composite_item_needs_shipping") == "yes"
        if parent and sent:
            found.add(str(parent))
    return found


def _figures(doc: Node, surplus: Decimal) -> dict[str, Any]:
    """The order's money. A fee goes with its tax, a negative one is a discount, and so is a gift card, as WooCommerce
    takes both off its total."""
    fees = [
        (node, _figure(node, "total") or ZERO, _figure(node, "total_tax") or ZERO)
        for node in shops.listed(doc, "fee_lines")
    ]
    shipping = _figure(doc, "shipping_total")
    if shipping is None:
        shipping = shops.added(_figure(each, "total") for each in shops.listed(doc, "shipping_lines"))
    taxes, fee_taxes = _figure(doc, "total_tax"), sum((tax for _, _, tax in fees), ZERO)
    stated = _figure(doc, "discount_total")  # below zero where rows were raised above their price
    cards = sum((shops.needed(each, "amount") for each in shops.listed(doc, "gift_cards")), ZERO)
    discounts = (stated or ZERO) + surplus + cards - sum((amount + tax for _, amount, tax in fees if amount < 0), ZERO)
    other = sum((amount + tax for _, amount, tax in fees if amount >= 0), ZERO)
    if taxes is not None and taxes < fee_taxes:
        doc.at("total_tax").fault(f"is {taxes}, less than the {fee_taxes} of the fees in it")
    if discounts < 0:
        doc.at("discount_total").fault(f"is {stated or 0}, less than what was put on the lines")
    return {
        "total": doc.money("total"),
        "discount_total": discounts,
        "shipping_total": shipping,
        "shipping_tax_total": _figure(doc, "shipping_tax"),
        "tax_total": taxes - fee_taxes if taxes is not None else None,
        "other_total": other,
    }


def _payment_state(doc: Node, state: str, paid_at: datetime | None, total: Decimal | None) -> PaymentState:
    back = sum(
        (abs(each.amount("total") or each.amount("amount") or ZERO) for each in shops.listed(doc, "refunds")), ZERO
    )
    if state == "refunded" or (back and total is not None and back >= total):
        return "refunded"
    if back:
        return "partially_refunded"
    if state in _UNPAID:
        return "pending"
    return "paid" if paid_at else "unknown"


def _payments(doc: Node, paid_at: datetime | None, total: Decimal | None, currency: str) -> tuple[IncomingPayment, ...]:
    ref = doc.line("transaction_id")
    if not (ref and paid_at and total and currency):
        return ()
    gateway = doc.text("payment_method")
    return (IncomingPayment(ref=ref, kind="captured", amount=total, currency=currency, at=paid_at, gateway=gateway),)


# --- People and places


def _people(doc: Node) -> dict[str, Any]:
    billing = shops.part(doc, "billing")
    bill_to = _address(billing)
    ship_to = _address(shops.part(doc, "shipping"))
    return {"buyer": shops.people(doc, billing, bill_to), "bill_to": bill_to, "ship_to": ship_to or bill_to}


def _address(node: Node | None) -> Address | None:
    return shops.address(node, lines=("address_1", "address_2"), postal_code="postcode", country_code="country")


def _delivery(doc: Node) -> dict[str, Any]:
    """Collected where every way of shipping is a pickup: at the place WooCommerce's rate stands for."""
    ways = list(shops.listed(doc, "shipping_lines"))
    if not ways or any(each.text("method_id") not in _PICKUPS for each in ways):
        return {}
    first = ways[0]
    place = meta(first).get("pickup_location") or f"{first.text('method_id')}:{first.text('instance_id')}"
    code = "".join(c if c.isprintable() else " " for c in str(place)).strip()[:120].strip()
    return {"method": "PICKUP", "pickup_location_code": code}
