"""Unicommerce's sale orders. Pure.

Every saleOrderItem is one unit, known by its `code` within the order. Its `sellingPrice` is what is left of the price
after its own `discount`; `totalPrice` adds carriage, wrapping and the fee for cash on delivery, so an order's total is
the sum of these: it states none itself. GST is held in all of it. What was paid beforehand, by voucher or by store
credit is a way of paying and lowers nothing. Times are milliseconds since 1970.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from integrations.channels import marketplaces, remarks
from integrations.channels.marketplaces import added, epoch, word
from integrations.channels.meaning import Act, PlaceOrder
from integrations.reading import EPOCH, ZERO, Node, checked
from orders.canonical import Address, Buyer, IncomingLine, IncomingOrder, microseconds

VERSION = "unicommerce/1"

_ORDERS = {
    "CREATED": "open",
    "PENDING_VERIFICATION": "waits",
    "PROCESSING": "open",
    "COMPLETE": "open",
    "COMPLETED": "open",
    "CANCELLED": "off",
}
_ITEMS = {
    **dict.fromkeys(
        ("CREATED", "PENDING_VERIFICATION", "FULFILLABLE", "UNFULFILLABLE", "LOCATION_NOT_SERVICEABLE",
         "ALTERNATE_SUGGESTED", "ALTERNATE_ACCEPTED", "PICKING_FOR_INVOICING", "PICKING_FOR_STAGING",
         "STAGED"), "open"),
    **dict.fromkeys(("MANIFESTED", "DISPATCHED", "SHIPPED", "DELIVERED", "REPLACED", "RESHIPPED"), "gone"),
    "CANCELLED": "off",
}  # fmt: skip
_CARRIAGE = ("shippingCharges", "shippingMethodCharges")
_ASIDE = ("giftWrapCharges", "cashOnDeliveryCharges")
_TAXES = ("totalIntegratedGst", "totalUnionTerritoryGst", "totalStateGst", "totalCentralGst")


def order_acts(doc: Node) -> Sequence[Act] | str:
    state = word(doc, "status", _ORDERS, "an order status")
    if state == "waits":
        return "the order waits to be verified at Unicommerce; it comes again then"
    return [PlaceOrder(_order(doc, state))]


def _order(doc: Node, state: str | None) -> IncomingOrder:
    ref = doc.line("code")
    if not ref:
        doc.at("code").fault("is missing")
    currency = doc.currency("currencyCode", needed=True)
    items = list(doc.items("saleOrderItems"))
    lines = tuple(line for line in map(_line, items) if line)
    if not items:
        doc.at("saleOrderItems").fault("holds no item")
    placed = epoch(doc, "displayOrderDateTime", milliseconds=True, needed=True)
    updated = epoch(doc, "updated", milliseconds=True, needed=True)
    to, bill_to = _ship_to(doc, items), _address(doc.object("billingAddress"))
    contact = bill_to or to
    buyer = Buyer(
        ref=doc.line("customerCode"),
        name=contact.name if contact else "",
        email=doc.text("notificationEmail"),
        phone=doc.text("notificationMobile") or (contact.phone if contact else ""),
    )
    figures = _figures(items, lines)
    number, market = doc.line("displayOrderCode") or ref, doc.line("channel")
    on_delivery = doc.flag("cod")
    note = remarks.noted(remarks.part(doc, "additionalInfo"), _remarks(doc, items))
    doc.faults.raise_if_any()
    off = state == "off" or all(line.cancelled_quantity for line in lines)
    return checked(
        IncomingOrder(
            channel_ref=ref,
            number=number,
            placed_at=placed or EPOCH,
            currency=currency,
            lines=lines,
            version=microseconds(updated or EPOCH),
            status="cancelled" if off else "open",
            cancelled_at=updated if off else None,
            # Cash on delivery is money nobody waits for before the goods leave; of the rest Unicommerce says nothing.
            payment_state="unknown",
            ship_to=to,
            bill_to=bill_to,
            buyer=buyer,
            note=note,
            tags=tuple(tag for tag in (market, "cash on delivery" if on_delivery else "") if tag),
            **figures,
        )
    )


def _remarks(doc: Node, items: Sequence[Node]) -> Iterator[remarks.Remark]:
    for item in items:
        yield f"{item.text('itemName')}, gift message", remarks.part(item, "giftMessage")
    yield from remarks.named(doc.raw("customFieldValues"), "displayName", "fieldValue")
    yield remarks.ship_by(epoch(doc, "fulfillmentTat", milliseconds=True))
    yield "GSTIN", remarks.part(doc, "customerGSTIN")


def _line(node: Node) -> IncomingLine | None:
    ref = node.line("code")
    price, discount = _must(node, "sellingPrice"), node.money("discount")
    state = word(node, "statusCode", _ITEMS, "an item status")
    if not ref:
        node.at("code").fault("is missing")
    if not ref or price is None:
        return None
    return IncomingLine(
        ref=ref,
        sku=node.text("itemSku", 400) or node.text("sellerSkuCode", 400),
        title=node.text("itemName"),
        quantity=1,
        unit_price=price + (discount or ZERO),
        discount_total=discount,
        tax_total=_tax(node),
        cancelled_quantity=1 if state == "off" else 0,
        fulfilled_elsewhere=1 if state == "gone" else 0,
    )


def _must(node: Node, key: str) -> Decimal | None:
    found = node.money(key)
    if not node.has(key) or node.raw(key) == "":
        node.at(key).fault("is missing")
    return found


def _tax(node: Node) -> Decimal | None:
    """What the item holds of GST; None before an invoice says so, for until then every part of it is written as 0."""
    return added(node.money(key) for key in _TAXES) or None


def _figures(items: Sequence[Node], lines: Sequence[IncomingLine]) -> dict[str, Any]:
    def all_of(*keys: str) -> Decimal | None:
        return added(item.money(key) for item in items for key in keys)

    return {
        "total": added(_must(item, "totalPrice") for item in items),
        "discount_total": added(line.discount_total for line in lines),
        "shipping_total": all_of(*_CARRIAGE),
        "other_total": all_of(*_ASIDE),
        "tax_total": added(line.tax_total for line in lines),
        "tax_included": True,
    }


def _ship_to(doc: Node, items: Sequence[Node]) -> Address | None:
    """The address the items go to; a fault where they go to several, for each would be a delivery of its own."""
    known = {each.text("id"): each for each in doc.items("addresses")}
    named = sorted({item.text("shippingAddressId") for item in items} - {""})
    if len(named) > 1:
        doc.at("saleOrderItems").fault(f"go to {len(named)} addresses: {', '.join(named)[:80]}")
    if named and named[0] not in known:
        doc.at("addresses").fault(f"don't hold the address {named[0][:40]} the items go to")
    found = known.get(named[0]) if named else next(iter(known.values()), None)
    return _address(found)


def _address(node: Node | None) -> Address | None:
    if node is None:
        return None
    return marketplaces.address(
        name=node.text("name"),
        line1=node.text("addressLine1"),
        line2=node.text("addressLine2"),
        city=node.text("city"),
        region=node.text("state"),
        postal_code=node.text("pincode"),
        country=marketplaces.country(node, "country"),
        phone=node.text("phone"),
    )
