"""Amazon's orders in the form of Orders 2026-01-01 (searchOrders, getOrder), whole in one document. Pure.

`proceeds` holds the figures by type, for the order and for each item; a unit price stands beside each item. Discounts
come as positive or negative sums, and mean the same. An item's quantity counts units ordered; what is neither fulfilled
nor unfulfilled of it was cancelled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from integrations.channels import marketplaces, remarks
from integrations.channels.amazon import words
from integrations.channels.marketplaces import added, word
from integrations.channels.meaning import Act, AskFor, CancelOrder, PlaceOrder
from integrations.reading import EPOCH, ZERO, Node, checked
from orders.canonical import Address, Buyer, IncomingLine, IncomingOrder, microseconds

STATES = {
    "PENDING": words.PENDING,
    "PENDING_AVAILABILITY": words.PENDING,
    "UNSHIPPED": words.OPEN,
    "PARTIALLY_SHIPPED": words.OPEN,
    "SHIPPED": words.OPEN,
    "CANCELLED": words.CANCELLED,
    "UNFULFILLABLE": words.UNFULFILLABLE,
}
FULFILLED_BY = {"MERCHANT": "merchant", "AMAZON": "amazon"}
_TYPES = {"ITEM", "SHIPPING", "GIFT_WRAP", "COD_FEE", "OTHER", "TAX", "DISCOUNT", "DELIVERY_TIP"}


def acts(doc: Node) -> Sequence[Act] | str:
    ref = doc.line("orderId")
    if not ref:
        doc.at("orderId").fault("is missing")
    fulfilment = doc.object("fulfillment")
    if fulfilment is None:
        # searchOrders brings it always; without it nobody can say whose the order is.
        doc.faults.raise_if_any()
        return [AskFor("order", ref)]
    state = word(fulfilment, "fulfillmentStatus", STATES, "a fulfilment status")
    by = word(fulfilment, "fulfilledBy", FULFILLED_BY, "a fulfilling party") if fulfilment.has("fulfilledBy") else ""
    doc.faults.raise_if_any()
    waits = words.reason(state, by)
    if waits:
        return waits
    if not doc.has("proceeds") and state != words.CANCELLED:
        return [AskFor("order", ref)]
    updated = doc.moment("lastUpdatedTime", needed=True)
    if state == words.CANCELLED and not any(item.count("quantityOrdered") for item in doc.items("orderItems")):
        doc.faults.raise_if_any()
        return [CancelOrder(ref, reason="cancelled at Amazon", at=updated)]
    return [PlaceOrder(_order(doc, ref, state))]


def _order(doc: Node, ref: str, state: str) -> IncomingOrder:
    proceeds = doc.object("proceeds")
    grand = proceeds.object("grandTotal") if proceeds else None
    items = list(doc.items("orderItems"))
    currency = grand.currency("currencyCode", needed=True) if grand else _currency(items)
    if not currency:
        doc.at("proceeds.grandTotal").fault("is missing, and no item names a currency")
    lines = tuple(line for line in (_line(item, currency, state) for item in items) if line)
    if not lines:
        doc.at("orderItems").fault("holds no item with a quantity")
    updated, placed = doc.moment("lastUpdatedTime", needed=True), doc.moment("createdTime", needed=True)
    money = _totals(doc, items, currency, _money(grand, currency))
    channel = doc.object("salesChannel")
    people = _people(doc)
    aside_collected = _aside_collected(items, currency)
    usually = words.taxed_prices(channel.line("marketplaceId") if channel else "")
    note = remarks.noted("", _remarks(doc, items))
    doc.faults.raise_if_any()
    return checked(
        IncomingOrder(
            channel_ref=ref,
            number=ref,
            placed_at=placed or EPOCH,
            currency=currency,
            lines=lines,
            version=microseconds(updated or EPOCH),
            status="cancelled" if state == words.CANCELLED else "open",
            cancelled_at=updated if state == words.CANCELLED else None,
            payment_state="paid" if state != words.CANCELLED else "unknown",
            tags=_programs(doc),
            note=note,
            marketplace_shipping_tax_total=aside_collected,
            **people,
            **words.figures(lines, money, currency, usually=usually),
        )
    )


def _remarks(doc: Node, items: list[Node]) -> Iterator[remarks.Remark]:
    for item in items:
        about = remarks.part(item, "product", "title") or remarks.part(item, "product", "sellerSku")
        asked = ("cancellation", "cancellationRequest")
        if remarks.part(item, *asked, "requester") == "BUYER":
            yield f"{about}, the buyer asks to cancel", remarks.part(item, *asked, "cancelReason") or "no reason given"
        gift = ("fulfillment", "packing", "giftOption")
        yield f"{about}, gift message", remarks.part(item, *gift, "giftMessage")
        yield f"{about}, gift wrap", remarks.part(item, *gift, "giftWrapLevel")
        yield f"{about}, customised", remarks.part(item, "product", "customization", "customizedUrl")
    wish = ("recipient", "deliveryPreference")
    yield "Leave it", remarks.part(doc, *wish, "dropOffLocation")
    yield "Address", remarks.part(doc, *wish, "addressInstruction")
    done = doc.object("fulfillment")
    window = done.object("shipByWindow") if done else None
    yield remarks.ship_by(window.moment("latestDateTime") if window else None)
    yield remarks.delivery(remarks.part(done, "fulfillmentServiceLevel"))
    tax = doc.object("tax")
    for each in tax.items("taxRegistrations") if tax else ():
        if each.text("entityType") == "BUYER":
            yield "Company", remarks.part(each, "legalName")
            yield "Tax number", remarks.part(each, "taxRegistrationNumber")


def _programs(doc: Node) -> tuple[str, ...]:
    found = doc.raw("programs")
    return tuple(str(each).lower()[:255] for each in found if isinstance(each, str)) if isinstance(found, list) else ()


def _currency(items: list[Node]) -> str:
    for item in items:
        product = item.object("product")
        price = product.object("price") if product else None
        unit = price.object("unitPrice") if price else None
        if unit and unit.has("currencyCode"):
            return unit.currency("currencyCode")
    return ""


def _money(node: Node | None, currency: str) -> Decimal | None:
    return marketplaces.money(node, currency, named="currencyCode")


def _parts(holder: Node | None, currency: str) -> dict[str, Decimal]:
    """Sums by type; a type nobody knows is a fault, because it would be money left out."""
    found: dict[str, Decimal] = {}
    for part in holder.items("breakdowns") if holder else ():
        kind = part.text("type", 40).upper()
        if kind not in _TYPES:
            part.at("type").fault(f"is a type of proceeds Backroom has no word for: {kind!r}")
            continue
        amount = _money(part.object("subtotal"), currency)
        if amount is not None:
            found[kind] = found.get(kind, Decimal(0)) + (abs(amount) if kind == "DISCOUNT" else amount)
    return found


def _line(item: Node, currency: str, state: str) -> IncomingLine | None:
    quantity = item.count("quantityOrdered")
    ref = item.line("orderItemId")
    if not ref:
        item.at("orderItemId").fault("is missing")
    if quantity is None and not item.has("quantityOrdered"):
        item.at("quantityOrdered").fault("is missing")
    measure = item.object("measurement")
    if measure and measure.text("unit") != "COUNT":
        measure.at("unit").fault(f"is sold by measure, not by count: {measure.text('unit')!r}")
    parts = _parts(item.object("proceeds"), currency)
    product = item.object("product")
    price = product.object("price") if product else None
    unit = _money(price.object("unitPrice") if price else None, currency)
    if not quantity or not ref:
        return None
    if unit is None:
        if "ITEM" not in parts:
            item.at("product.price.unitPrice").fault("is missing, and so is the item's own sum")
            return None
        unit = marketplaces.unit_price(parts["ITEM"], quantity)
    done = item.object("fulfillment")
    gone = (done.count("quantityFulfilled") if done else 0) or 0
    left = done.count("quantityUnfulfilled") if done else None
    off = 0 if left is None or state == words.CANCELLED else max(0, quantity - gone - left)
    tax = _item_tax(item, currency, parts.get("TAX"))
    return IncomingLine(
        ref=ref,
        sku=product.text("sellerSku", 400) if product else "",
        title=product.text("title") if product else "",
        quantity=quantity,
        unit_price=unit,
        discount_total=parts.get("DISCOUNT"),
        tax_total=tax,
        marketplace_tax_total=tax if _collects(item) else None,
        fulfilled_elsewhere=min(gone, quantity),
        cancelled_quantity=off,
    )


def _collects(item: Node) -> bool:
    """Whether Amazon collects the item's taxes and hands them on itself."""
    held = item.object("tax")
    return held is not None and any(words.facilitated(each.text("model")) for each in held.items("taxCollections"))


def _aside_collected(items: list[Node], currency: str) -> Decimal | None:
    """Of the tax no line counts as its own, what Amazon collects."""
    found: list[Decimal | None] = []
    for item in items:
        whole = _parts(item.object("proceeds"), currency).get("TAX") if _collects(item) else None
        if whole is not None:
            found.append(max(whole - (_item_tax(item, currency, whole) or ZERO), ZERO))
    return added(found)


def _item_tax(item: Node, currency: str, whole: Decimal | None) -> Decimal | None:
    """The tax of the item itself: what its detailed breakdown calls so, else all of it."""
    detailed = list(_tax_details(item))
    if not detailed:
        return whole
    return added(_money(each.object("value"), currency) for each in detailed if each.text("subtype") in _OF_ITEM)


_OF_ITEM = {"ITEM", "DISCOUNT"}


def _tax_details(item: Node) -> list[Node]:
    proceeds = item.object("proceeds")
    parts = proceeds.items("breakdowns") if proceeds else ()
    return [each for part in parts if part.text("type") == "TAX" for each in part.items("detailedBreakdowns")]


def _totals(doc: Node, items: list[Node], currency: str, total: Decimal | None) -> words.Money:
    """The order's own sums where it states them, else those of its items."""
    whole = _parts(doc.object("proceeds"), currency)
    for item in items if not whole else ():
        for kind, amount in _parts(item.object("proceeds"), currency).items():
            whole[kind] = whole.get(kind, Decimal(0)) + amount
    of_items = [_item_tax(item, currency, _parts(item.object("proceeds"), currency).get("TAX")) for item in items]
    goods_tax, tax = added(of_items), whole.get("TAX")
    aside = tax - (goods_tax or Decimal(0)) if tax is not None else None
    if aside is not None and aside < 0:
        doc.at("proceeds.breakdowns").fault(f"state a tax of {tax}, their items {goods_tax}")
        aside = None
    return words.Money(
        total=total,
        goods=whole.get("ITEM"),
        discounts=whole.get("DISCOUNT"),
        shipping=whole.get("SHIPPING"),
        shipping_tax=aside,
        tax=goods_tax,
        other=added(whole.get(kind) for kind in ("GIFT_WRAP", "COD_FEE", "OTHER", "DELIVERY_TIP")),
    )


def _people(doc: Node) -> dict[str, Any]:
    buyer, recipient = doc.object("buyer"), doc.object("recipient")
    name, email = (buyer.text("buyerName"), buyer.text("buyerEmail")) if buyer else ("", "")
    to = recipient.object("deliveryAddress") if recipient else None
    return {
        "buyer": Buyer(name=name, email=email) if name or email else None,
        "po_number": buyer.line("buyerPurchaseOrderNumber") if buyer else "",
        "ship_to": _address(to) if to else None,
    }


def _address(node: Node) -> Address | None:
    return marketplaces.address(
        name=node.text("name"),
        company=node.text("companyName"),
        line1=node.text("addressLine1"),
        line2=marketplaces.joined(node.text("addressLine2"), node.text("addressLine3")),
        city=node.text("city") or node.text("municipality"),
        region=node.text("stateOrRegion") or node.text("districtOrCounty"),
        postal_code=node.text("postalCode"),
        country=marketplaces.country(node, "countryCode"),
        phone=node.text("phone"),
    )
