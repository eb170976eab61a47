"""Amazon's orders in the form of Orders v0 (getOrders, getOrder and getOrderItems). Pure.

An order of v0 is three documents: the order, its items, and (with a restricted token) its address. `client.order`
brings them together as one, the items under `OrderItems`; an order without them is asked for. ItemPrice is for all
units of an item. An item that was cancelled has a QuantityOrdered of 0 and no prices any more, so an order all of whose
items are so can only be told of as cancelled.
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
    "PENDINGAVAILABILITY": words.PENDING,
    "UNSHIPPED": words.OPEN,
    "PARTIALLYSHIPPED": words.OPEN,
    "SHIPPED": words.OPEN,
    "INVOICEUNCONFIRMED": words.OPEN,  # shipped; only the invoice is not confirmed yet
    "CANCELED": words.CANCELLED,
    "UNFULFILLABLE": words.UNFULFILLABLE,
}
CHANNELS = {"MFN": "merchant", "AFN": "amazon"}


def acts(doc: Node) -> Sequence[Act] | str:
    """What this order asks for, or why nothing."""
    ref = doc.line("AmazonOrderId")
    if not ref:
        doc.at("AmazonOrderId").fault("is missing")
    state = word(doc, "OrderStatus", STATES, "an order status")
    fulfilled_by = word(doc, "FulfillmentChannel", CHANNELS, "a fulfilment channel")
    doc.faults.raise_if_any()
    waits = words.reason(state, fulfilled_by)
    if waits:
        return waits
    if not doc.has("OrderItems"):
        return [AskFor("order", ref)]
    if state == words.CANCELLED and not any(item.count("QuantityOrdered") for item in doc.items("OrderItems")):
        doc.faults.raise_if_any()
        return [CancelOrder(ref, reason="cancelled at Amazon", at=doc.moment("LastUpdateDate"))]
    return [PlaceOrder(_order(doc, ref, state))]


def _order(doc: Node, ref: str, state: str) -> IncomingOrder:
    total = doc.object("OrderTotal")
    items = list(doc.items("OrderItems"))
    currency = total.currency("CurrencyCode") if total else _currency(items)
    if not currency:
        doc.at("OrderTotal").fault("is missing, and no item names a currency")
    updated = doc.moment("LastUpdateDate", needed=True)
    free = words.flag(doc, "IsReplacementOrder")
    lines = tuple(line for line in (_line(item, currency, free=free) for item in items) if line)
    if not lines:
        doc.at("OrderItems").fault("holds no item with a quantity")
    people = _people(doc)
    placed_at = doc.moment("PurchaseDate", needed=True)
    tags, po_number, note = _tags(doc), _po_number(doc), remarks.noted("", _remarks(doc, items))
    on_delivery = doc.text("PaymentMethod", 40).upper() == "COD"
    aside_collected = _aside_collected(items, currency)
    money = _totals(items, currency, marketplaces.money(total, currency, amount="Amount", named="CurrencyCode"))
    usually = words.taxed_prices(doc.line("MarketplaceId"))
    doc.faults.raise_if_any()
    return checked(
        IncomingOrder(
            channel_ref=ref,
            number=ref,
            placed_at=placed_at or EPOCH,
            currency=currency,
            lines=lines,
            version=microseconds(updated or EPOCH),
            status="cancelled" if state == words.CANCELLED else "open",
            cancelled_at=updated if state == words.CANCELLED else None,
            payment_state="paid" if state != words.CANCELLED and not on_delivery else "unknown",
            tags=(*tags, "cash on delivery") if on_delivery else tags,
            note=note,
            po_number=po_number,
            marketplace_shipping_tax_total=aside_collected,
            **people,
            **words.figures(lines, money, currency, usually=usually),
        )
    )


def _currency(items: list[Node]) -> str:
    for item in items:
        price = item.object("ItemPrice")
        if price and price.has("CurrencyCode"):
            return price.currency("CurrencyCode")
    return ""


def _amount(node: Node, key: str, currency: str) -> Decimal | None:
    return marketplaces.money(node.object(key), currency, amount="Amount", named="CurrencyCode")


def _tax(item: Node, currency: str) -> Decimal | None:
    """The item's own tax; what promotions took off it is stated beside it."""
    tax, off = _amount(item, "ItemTax", currency), _amount(item, "PromotionDiscountTax", currency)
    return tax - (off or ZERO) if tax is not None else None


def _collects(item: Node) -> bool:
    """Whether Amazon collects the item's taxes and hands them on itself (TaxCollection)."""
    held = item.object("TaxCollection")
    return held is not None and words.facilitated(held.text("Model"))


def _aside_collected(items: list[Node], currency: str) -> Decimal | None:
    """Of the tax no line counts as its own, what Amazon collects."""
    found: list[Decimal | None] = []
    for item in items:
        if _collects(item):
            info = [each for each in (item, item.object("BuyerInfo")) if each]
            off = _amount(item, "ShippingDiscountTax", currency)
            found += [_amount(item, "ShippingTax", currency), -off if off is not None else None]
            found += [_amount(each, "GiftWrapTax", currency) for each in info]
    return added(found)


def _line(item: Node, currency: str, *, free: bool) -> IncomingLine | None:
    """An item; that of a replacement costs nothing, and Amazon says so by stating no price."""
    quantity, shipped = item.count("QuantityOrdered"), item.count("QuantityShipped")
    ref = item.line("OrderItemId")
    if not ref:
        item.at("OrderItemId").fault("is missing")
    if quantity is None and not item.has("QuantityOrdered"):
        item.at("QuantityOrdered").fault("is missing")
    price = _amount(item, "ItemPrice", currency)
    tax, discount = _tax(item, currency), _amount(item, "PromotionDiscount", currency)
    if not quantity or not ref:
        return None
    if price is None and free and not item.has("ItemPrice"):
        price = ZERO
    if price is None:
        item.at("ItemPrice").fault("is missing on an order that waits for nothing")
        return None
    return IncomingLine(
        ref=ref,
        sku=item.text("SellerSKU", 400),
        title=item.text("Title"),
        quantity=quantity,
        unit_price=marketplaces.unit_price(price, quantity),
        discount_total=discount,
        tax_total=tax,
        marketplace_tax_total=tax if _collects(item) else None,
        fulfilled_elsewhere=min(shipped or 0, quantity),
    )


def _totals(items: list[Node], currency: str, total: Decimal | None) -> words.Money:
    def sums(*keys: str) -> Decimal | None:
        return added(_amount(item, key, currency) for item in items for key in keys)

    wrapping = [info for item in items if (info := item.object("BuyerInfo"))]
    wrap = added(_amount(each, "GiftWrapPrice", currency) for each in [*items, *wrapping])
    wrap_tax = added(_amount(each, "GiftWrapTax", currency) for each in [*items, *wrapping])
    shipping_tax, shipping_tax_off = sums("ShippingTax"), sums("ShippingDiscountTax")
    cash, cash_off = sums("CODFee"), sums("CODFeeDiscount")
    return words.Money(
        total=total,
        goods=added(_amount(item, "ItemPrice", currency) for item in items),
        discounts=added([sums("PromotionDiscount"), sums("ShippingDiscount"), cash_off]),
        shipping=sums("ShippingPrice"),
        shipping_tax=shipping_tax - (shipping_tax_off or ZERO) if shipping_tax is not None else None,
        tax=added(_tax(item, currency) for item in items),
        other=added([wrap, cash]),
        other_tax=wrap_tax,
    )


def _people(doc: Node) -> dict[str, Any]:
    info = doc.object("BuyerInfo")
    address = doc.object("ShippingAddress")
    name = info.text("BuyerName") if info else ""
    email = (info.text("BuyerEmail") if info else "") or doc.text("BuyerEmail")
    collected = words.flag(doc, "IsISPU")
    return {
        "ship_to": _address(address) if address else None,
        "buyer": Buyer(name=name, email=email) if name or email else None,
        # Picked up from a store instead of delivered.
        "method": "PICKUP" if collected else "SHIP",
        "pickup_location_code": (doc.line("StoreChainStoreId") or None) if collected else None,
    }


def _address(node: Node) -> Address | None:
    company = node.text("CompanyName")
    second = marketplaces.joined(node.text("AddressLine2"), node.text("AddressLine3"))
    return marketplaces.address(
        name=node.text("Name"),
        company=company,
        line1=node.text("AddressLine1") or second,
        line2=second if node.text("AddressLine1") else "",
        city=node.text("City") or node.text("Municipality"),
        region=node.text("StateOrRegion") or node.text("County"),
        postal_code=node.text("PostalCode"),
        country=marketplaces.country(node, "CountryCode"),
        phone=node.text("Phone"),
    )


def _remarks(doc: Node, items: list[Node]) -> Iterator[remarks.Remark]:
    for item in items:
        about = item.text("Title") or item.text("SellerSKU")
        asked = item.object("BuyerRequestedCancel")
        if asked and words.flag(asked, "IsBuyerRequestedCancel"):
            yield f"{about}, the buyer asks to cancel", asked.text("BuyerCancelReason") or "no reason given"
        for said in filter(None, (item, item.object("BuyerInfo"))):
            yield f"{about}, gift message", remarks.part(said, "GiftMessageText")
            yield f"{about}, gift wrap", remarks.part(said, "GiftWrapLevel")
            yield f"{about}, customised", remarks.part(said, "BuyerCustomizedInfo", "CustomizedURL")
    wish = doc.object("ShippingAddressDeliveryPreferences") or doc.object("DeliveryPreferences")
    yield "Leave it", remarks.part(wish, "DropOffLocation")
    yield "Address", remarks.part(wish, "AddressInstructions")
    yield remarks.ship_by(doc.moment("LatestShipDate"))
    yield remarks.delivery(doc.text("ShipServiceLevel"))
    tax = doc.object("BuyerTaxInformation")
    yield (
        "Company",
        remarks.part(tax, "BuyerLegalCompanyName")
        or remarks.part(doc, "BuyerInfo", "BuyerTaxInfo", "CompanyLegalName"),
    )
    yield "Tax number", remarks.part(tax, "BuyerTaxRegistrationId")
    known = (doc.object("BuyerInfo") or doc.at("BuyerInfo")).object("BuyerTaxInfo")
    yield from remarks.named(known.raw("TaxClassifications") if known else None, "Name", "Value")


def _po_number(doc: Node) -> str:
    info = doc.object("BuyerInfo")
    return info.line("PurchaseOrderNumber") if info else ""


def _tags(doc: Node) -> tuple[str, ...]:
    """What the order is besides an order. Amazon sends some of these flags as text."""
    named = (("IsPrime", "prime"), ("IsBusinessOrder", "business"), ("IsReplacementOrder", "replacement"),
             ("IsPremiumOrder", "premium"))  # fmt: skip
    return tuple(tag for key, tag in named if words.flag(doc, key))
