"""Shopify's GraphQL Admin form: camelCase, money bags, gid://shopify/Order/123 ids, lists or connections. Pure.

The numeric tail of a gid is the REST id, so both forms speak of the same order. Sources: shopify.dev GraphQL Admin
objects Order, LineItem, Refund, OrderTransaction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from integrations.channels import remarks
from integrations.channels.shopify import beyond, money
from integrations.channels.shopify.terms import Terms, business, collected
from integrations.reading import EPOCH, ZERO, Node, checked, moment_of, shown
from orders.canonical import (
    Address,
    Buyer,
    IncomingLine,
    IncomingOrder,
    IncomingPayment,
    IncomingRefund,
    RefundLine,
    microseconds,
)

_GID = re.compile(r"gid://shopify/([A-Za-z]+)/([0-9]{1,40})(\?.*)?")


def gid_type(value: object) -> str:
    """ "Order" of "gid://shopify/Order/1"; empty when it is no gid."""
    match = _GID.fullmatch(value) if isinstance(value, str) else None
    return match[1] if match else ""


def _sold_as(variant: Node) -> str:
    """As `listings.sold_as`, by the variant's global id."""
    ref = gid_number(variant, "id") if variant.has("id") else ""
    return variant.text("sku", 400) or (f"variant:{ref}" if ref else "")


def gid_number(node: Node, key: str, *, needed: bool = False) -> str:
    """The numeric tail of a gid, digit by digit."""
    value = node.raw(key)
    match = _GID.fullmatch(value) if isinstance(value, str) else None
    if match:
        return match[2]
    if value not in (None, "") or needed:
        node.at(key).fault("is missing" if value in (None, "") else f"should be a gid, is {shown(value)}")
    return ""


FORM = beyond.Form(
    ref=lambda node: gid_number(node, "id"), camel=True, unit_price="originalUnitPriceSet",
    allocated="allocatedAmountSet", amount="", price="",
)  # fmt: skip


def order(doc: Node, terms: Terms = Terms()) -> IncomingOrder:  # noqa: B008  (never changed)
    ref = gid_number(doc, "id", needed=True)
    currency = doc.currency("currencyCode", needed=True)
    lines, tips = _lines(doc, currency)
    if not lines:
        doc.at("lineItems").fault("holds no line with a quantity")
    placed_at = doc.moment("processedAt") or doc.moment("createdAt", needed=True)
    version = _version(doc)
    figures = _figures(doc, tips, currency)
    parts = {
        **figures,
        **beyond.of(doc, FORM, lines, currency, figures["other_total"]),
        **_state(doc),
        **_people(doc, terms),
        "payments": _payments(doc, currency),
        "refunds": tuple(refund(node, order_ref=ref, currency=currency) for node in doc.items("refunds")),
        "number": doc.line("name"),
        "language": doc.language("customerLocale"),
        "note": remarks.noted(doc.text("note", 5000), _remarks(doc)),
        "po_number": doc.line("poNumber"),
        "tags": _tags(doc),
        "test": doc.flag("test"),
    }
    doc.faults.raise_if_any()
    return checked(
        IncomingOrder(
            channel_ref=ref,
            placed_at=placed_at or EPOCH,
            currency=currency,
            lines=lines,
            version=microseconds(version or EPOCH),
            **parts,
        )
    )


def _figures(doc: Node, tips: Decimal, currency: str) -> dict[str, Any]:
    """The money of the order. What canonical.py calls the subtotal (goods before discounts) is not in this form."""
    tip = bag(doc, "totalTipReceivedSet", currency)
    duties = bag(doc, "originalTotalDutiesSet", currency)
    fees = bag(doc, "originalTotalAdditionalFeesSet", currency)
    return {
        "total": bag(doc, "totalPriceSet", currency),
        "discount_total": bag(doc, "totalDiscountsSet", currency),
        "shipping_total": bag(doc, "totalShippingPriceSet", currency),
        "shipping_tax_total": money.added(_taxes(each, currency) for each in doc.items("shippingLines")),
        "tax_total": bag(doc, "totalTaxSet", currency),
        "other_total": money.added(
            [tip if tip is not None else tips or None, ZERO if doc.flag("dutiesIncluded") else duties, fees]
        ),
        "tax_included": doc.flag("taxesIncluded"),
    }


def _state(doc: Node) -> dict[str, Any]:
    cancelled_at = doc.moment("cancelledAt")
    return {
        "status": "cancelled" if cancelled_at else "open",
        "cancelled_at": cancelled_at,
        "cancel_reason": doc.text("cancelReason").lower(),
        "payment_state": money.payment_state(doc, "displayFinancialStatus"),
    }


def _people(doc: Node, terms: Terms) -> dict[str, Any]:
    """Buyer and addresses; a sale at a shop's till nobody asked to have sent belongs to that shop."""
    ship_to = _address(doc.object("shippingAddress"))
    location = doc.object("retailLocation")
    sent = ship_to is not None or any(doc.items("shippingLines"))
    till = gid_number(location, "id") if location and not sent else ""
    till = till or _collected(doc) or collected(list(doc.items("shippingLines")), terms, category="deliveryCategory")
    entity = doc.object("purchasingEntity")
    company = entity.object("company") if entity else None
    ref = gid_number(company, "id") if company else ""
    return {
        **business(ref, terms, doc.object("paymentTerms"), kind="paymentTermsType", days="dueInDays"),
        "buyer": _buyer(doc),
        "ship_to": ship_to,
        "bill_to": _address(doc.object("billingAddress")),
        "method": "PICKUP" if till else "SHIP",
        "pickup_location_code": till or None,
    }


def _collected(doc: Node) -> str:
    """The location all that is still to be handed over is collected at, as the fulfilment orders say."""
    places = set()
    for each in doc.items("fulfillmentOrders"):
        way, assigned = each.object("deliveryMethod"), each.object("assignedLocation")
        location = assigned.object("location") if assigned else None
        kept = way is not None and way.text("methodType").upper() == "PICK_UP"
        if each.text("status").upper() != "CANCELLED":
            places.add(gid_number(location, "id") if kept and location else "")
    return places.pop() if len(places) == 1 else ""


def refund(doc: Node, *, order_ref: str, currency: str = "") -> IncomingRefund:
    ref = gid_number(doc, "id", needed=True)
    currency = currency or _currency_of(doc, "totalRefundedSet")
    if not currency:
        doc.at("totalRefundedSet").fault("names no currency")
    amount = bag(doc, "totalRefundedSet", currency)
    lines = []
    for node in doc.items("refundLineItems"):
        line = node.object("lineItem")
        line_ref = gid_number(line, "id", needed=True) if line else ""
        if line is None:
            node.at("lineItem").fault("is missing")
        quantity = node.count("quantity")
        kind = money.restock(node, "restockType")
        subtotal, tax = bag(node, "subtotalSet", currency), bag(node, "totalTaxSet", currency)
        if quantity and line_ref:
            lines.append(RefundLine(line_ref=line_ref, quantity=quantity, restock=kind, amount=subtotal, tax=tax))
    at = doc.moment("processedAt") or doc.moment("createdAt", needed=True)
    payments = _payments(doc, currency)
    shipping = money.added(
        amount
        for node in doc.items("refundShippingLines")
        for amount in (bag(node, "subtotalAmountSet", currency), bag(node, "taxAmountSet", currency))
    )
    note = doc.text("note", 5000)
    doc.faults.raise_if_any()
    return checked(
        IncomingRefund(
            ref=ref,
            order_ref=order_ref,
            at=at or EPOCH,
            currency=currency,
            lines=tuple(lines),
            payments=payments,
            amount=amount,
            shipping_amount=shipping,
            note=note,
        )
    )


def payments(doc: Node) -> tuple[IncomingPayment, ...]:
    """The money events of a document holding an order's transactions."""
    return _payments(doc, "")


def bag(node: Node, key: str, currency: str) -> Decimal | None:
    """The shop money of a money bag. The presentment money is what the buyer saw; the books use the shop's."""
    money_bag = node.object(key)
    shop = money_bag.object("shopMoney") if money_bag else None
    if shop is None:
        return None
    named = shop.currency("currencyCode")
    if named and currency and named != currency:
        shop.at("currencyCode").fault(f"is {named} in an order of {currency}")
    return shop.money("amount")


# --- Lines ---------------------------------------------------------------------------------------------------------


def _lines(doc: Node, currency: str) -> tuple[tuple[IncomingLine, ...], Decimal]:
    lines: list[IncomingLine] = []
    tips = ZERO
    for node in doc.items("lineItems"):
        price = bag(node, "originalUnitPriceSet", currency)
        if price is None and not node.has("originalUnitPriceSet"):
            node.at("originalUnitPriceSet").fault("is missing")
        quantity = node.count("quantity")
        if quantity is None and not node.has("quantity"):
            node.at("quantity").fault("is missing")
        ref = gid_number(node, "id", needed=True)
        discount, taxes = _discount(node, currency), _taxes(node, currency)
        unfulfilled, never = node.count("unfulfilledQuantity"), node.count("nonFulfillableQuantity")
        variant = node.object("variant")
        if price is None or not quantity:
            continue
        if node.has("tip"):
            tips += price * quantity
            continue
        # quantity = left + still to leave + never to leave; without the second nothing is known to have left.
        off = min(never or 0, quantity)
        left = max(0, quantity - unfulfilled - off) if unfulfilled is not None else 0
        gift_card = node.flag("isGiftCard")
        lines.append(
            IncomingLine(
                ref=ref,
                sku=node.text("sku", 400) or (_sold_as(variant) if variant else ""),
                title=node.text("name") or node.text("title"),
                quantity=quantity,
                unit_price=price,
                discount_total=discount,
                tax_total=taxes,
                marketplace_tax_total=beyond.collected(node, FORM),
                requires_shipping=node.flag("requiresShipping", default=True) and not gift_card,
                gift_card=gift_card,
                fulfilled_elsewhere=left,
                cancelled_quantity=off,
            )
        )
    return tuple(lines), tips


def _discount(node: Node, currency: str) -> Decimal | None:
    allocated = money.added(bag(each, "allocatedAmountSet", currency) for each in node.items("discountAllocations"))
    return allocated if allocated is not None else bag(node, "totalDiscountSet", currency)


def _taxes(node: Node, currency: str) -> Decimal | None:
    return money.added(bag(each, "priceSet", currency) for each in node.items("taxLines"))


# --- Payments ------------------------------------------------------------------------------------------------------


def _payments(doc: Node, currency: str) -> tuple[IncomingPayment, ...]:
    found = (_payment(node, currency) for node in doc.items("transactions"))
    return tuple(each for each in found if each)


def _payment(node: Node, currency: str) -> IncomingPayment | None:
    kind = money.payment_kind(node)
    ref = gid_number(node, "id", needed=True)
    amount = bag(node, "amountSet", "")
    if amount is None and not node.has("amountSet"):
        node.at("amountSet").fault("is missing")
    named = _currency_of(node, "amountSet") or currency
    if not named:
        node.at("amountSet").fault("names no currency")
    at = node.moment("processedAt") or node.moment("createdAt", needed=True)
    gateway = node.text("gateway") or node.text("formattedGateway")
    parent = node.object("parentTransaction")
    parent_ref = gid_number(parent, "id") if parent else ""
    if kind is None or amount is None or at is None or not ref or not named:
        return None
    return IncomingPayment(
        ref=ref, kind=kind, amount=amount, currency=named, at=at, gateway=gateway, parent_ref=parent_ref
    )


def _currency_of(node: Node, key: str) -> str:
    money_bag = node.object(key)
    shop = money_bag.object("shopMoney") if money_bag else None
    return shop.currency("currencyCode") if shop else ""


# --- People, times -------------------------------------------------------------------------------------------------


def _address(node: Node | None) -> Address | None:
    if node is None:
        return None
    whole_name = f"{node.text('firstName')} {node.text('lastName')}".strip()
    found = Address(
        name=node.text("name") or whole_name,
        company=node.text("company"),
        line1=node.text("address1"),
        line2=node.text("address2"),
        city=node.text("city"),
        region=node.text("provinceCode") or node.text("province"),
        postal_code=node.text("zip"),
        country=money.country(node, "countryCodeV2", "countryCode", "country"),
        phone=node.text("phone"),
        latitude=node.degrees("latitude", 90),
        longitude=node.degrees("longitude", 180),
    )
    return found if found != Address() else None


def _buyer(doc: Node) -> Buyer | None:
    customer = doc.object("customer")
    ref = gid_number(customer, "id") if customer else ""
    email = doc.text("email") or (customer.text("email") if customer else "")
    name = ""
    if customer:
        whole_name = f"{customer.text('firstName')} {customer.text('lastName')}".strip()
        name = customer.text("displayName") or whole_name
    phone = doc.text("phone")
    return Buyer(ref=ref, name=name, email=email, phone=phone) if ref or name or email or phone else None


def _remarks(doc: Node) -> Iterator[remarks.Remark]:
    """What was put on the order and its lines in words; a buyer's tax number is a localized field."""
    for node in doc.items("lineItems"):
        yield from remarks.named(node.raw("customAttributes"), "key", of=node.text("title") or node.text("name"))
    yield from remarks.named(doc.raw("customAttributes"), "key")
    for key in ("localizedFields", "localizationExtensions"):
        yield from remarks.named(doc.raw(key), "title")
    alone = remarks.part(doc, "shippingLine", "title")
    yield remarks.delivery(alone, *(node.text("title") for node in doc.items("shippingLines")))


def _tags(doc: Node) -> tuple[str, ...]:
    given = doc.raw("tags")
    if given is None:
        return ()
    if isinstance(given, str):
        given = given.split(",")
    if not isinstance(given, list):
        doc.at("tags").fault("should be a list")
        return ()
    return tuple(tag.replace("\x00", "").strip()[:255] for tag in given if isinstance(tag, str) and tag.strip())[:250]


def _version(doc: Node) -> datetime | None:
    """When the order last changed. A document whose `updatedAt` was taken out (captures do that) has the age of the
    last time it does name: never newer than the truth, so a complete document always wins over it."""
    stated = moment_of(doc.raw("updatedAt"))
    if stated or (doc.has("updatedAt") and doc.raw("updatedAt") != "redacted"):
        return stated or doc.moment("updatedAt")
    times = [doc.moment(key) for key in ("closedAt", "cancelledAt", "processedAt", "createdAt")]
    return max((time for time in times if time), default=None)
