"""From a document of eBay's Sell APIs to what it means for Backroom: pure and total.

`lineItemCost` is for all units of a line before discounts; `pricingSummary` re-adds to `total` with its own signs
(discounts are negative). Tax eBay collects and remits is in them where it stands among the line's taxes too: then it
is the line's, and eBay's to hand on. Else it is in none of them, and only noted. What eBay states as the payment is
what it owes the seller after fees, which is no payment of the buyer's: it is left to the settlement.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from integrations.channels import marketplaces, remarks
from integrations.channels.ebay import platform
from integrations.channels.marketplaces import added, word
from integrations.channels.meaning import Act, AskFor, Meaning, PlaceOrder, ignored
from integrations.reading import EPOCH, ZERO, Node, checked
from orders.canonical import (
    Address,
    Buyer,
    IncomingLine,
    IncomingOrder,
    IncomingRefund,
    PaymentState,
    microseconds,
)

VERSION = "ebay/1"

_PAYMENTS: dict[str, PaymentState] = {
    "PAID": "paid",
    "PENDING": "pending",
    "FAILED": "pending",  # the buyer's payment failed: they may pay again
    "FULLY_REFUNDED": "refunded",
    "PARTIALLY_REFUNDED": "partially_refunded",
}
_CANCELS = {"NONE_REQUESTED": False, "IN_PROGRESS": False, "CANCELED": True}
_FULFILMENTS = {"NOT_STARTED": "none", "IN_PROGRESS": "some", "FULFILLED": "all"}
_INSTRUCTIONS = {
    "SHIP_TO": "ship",
    "SELLER_DEFINED": "ship",
    "PREPARE_FOR_PICKUP": "pickup",
    "DIGITAL": "digital",
    "FULFILLED_BY_EBAY": "ebay",
}
_REFUNDS = {"REFUNDED": True, "PENDING": False, "FAILED": False}

_RANGE = "the range is kept in Backroom"
_TOPICS = {
    "AUTHORIZATION_REVOCATION": "it concerns the account at eBay, no order",
    "BUYER_QUESTION": "messages of buyers are answered at eBay",
    "NEW_MESSAGE": "messages of buyers are answered at eBay",
    "FEEDBACK_LEFT": "feedback is kept at eBay",
    "FEEDBACK_RECEIVED": "feedback is kept at eBay",
    "ITEM_AVAILABILITY": _RANGE,
    "ITEM_PRICE_REVISION": "prices are kept elsewhere",
    "LISTING_PREVIEW_CREATION_TASK_STATUS": _RANGE,
    "MARKETPLACE_ACCOUNT_DELETION": "a closed account: personal data is erased on request of the person, under privacy",
    "PLA_CAMPAIGN_BUDGET_STATUS": "advertising is kept at eBay",
    "PRIORITY_LISTING_REVISION": _RANGE,
    "SELLER_STANDARDS_PROFILE_METRICS": "it concerns the account at eBay, no order",
    "SELLER_CUSTOMER_SERVICE_METRIC_RATING": "it concerns the account at eBay, no order",
}
_ORDER_TOPICS = {"ORDER_CONFIRMATION", "ITEM_MARKED_SHIPPED", "ORDER_CHANGE", "ORDER_CANCELLATION"}
_NOT_TAKEN: tuple[tuple[str, str], ...] = (
    ("fulfillments", "what has left is read together with its order"),
    ("fulfillmentId lineItems", "what has left is read together with its order"),
    ("paymentDisputeSummaries", "disputes are settled at eBay; the money comes with the settlement"),
    ("paymentDisputeId", "disputes are settled at eBay; the money comes with the settlement"),
    ("transactions", "money is reconciled from the settlement, not from this list"),
    ("payouts", "money is reconciled from the settlement, not from this list"),
    ("payoutId", "money is reconciled from the settlement, not from this list"),
    ("inventoryItems", "the quantity a listing shows is what was published to it, not what anybody has"),
    ("availability condition", "the quantity a listing shows is what was published to it, not what anybody has"),
    ("offers", _RANGE),
    ("locations", "locations are kept in Backroom"),
    ("responses", "the answer to stock that was published"),
    ("members", "returns asked for at eBay are followed there; their refund comes with the order"),
    ("cancellations", "a cancellation asked for; the order itself follows once it is decided"),
)


def understand(topic: str, body: bytes) -> Meaning:
    """What this message asks of Backroom. Raises Unreadable; never anything else."""
    return platform.understood(body) or marketplaces.understood(body, "eBay", _translate)


def _translate(node: Node) -> Meaning | None:
    if node.has("metadata") and node.has("notification"):
        return _notice(node)
    if isinstance(node.raw("orders"), list):
        return marketplaces.each(node.items("orders"), order_acts, empty="no order changed")
    if isinstance(node.raw(""), list):
        listed = list(node.items(""))
        return marketplaces.each(listed, order_acts) if all(each.has("orderId") for each in listed) else None
    if node.has("orderId") and node.has("lineItems"):
        return marketplaces.each([node], order_acts)
    for keys, reason in _NOT_TAKEN:
        if all(key in node.value for key in keys.split()):
            return ignored(reason)
    if isinstance(node.raw("total"), int) and not node.raw("total"):
        return ignored("no order changed")
    return None


def _notice(node: Node) -> Meaning:
    topic = node.at("metadata").text("topic", 80).upper()
    if topic in _TOPICS:
        return ignored(_TOPICS[topic])
    if topic not in _ORDER_TOPICS:
        node.at("metadata.topic").fault(f"is a notification Backroom has no word for: {topic[:60]!r}")
        return ignored("")
    data = node.at("notification").at("data")
    return marketplaces.asks_for_order(data.object("order") or data, "orderId")


# --- The order -----------------------------------------------------------------------------------------------------


def order_acts(doc: Node) -> Sequence[Act] | str:
    ref = doc.line("orderId")
    if not ref:
        doc.at("orderId").fault("is missing")
    instruction = next(doc.items("fulfillmentStartInstructions"), None)
    kind = word(instruction, "fulfillmentInstructionsType", _INSTRUCTIONS, "a way to fulfil") if instruction else "ship"
    if kind == "ebay":
        return "fulfilled by eBay from its own warehouse: nothing of ours is to be sent"
    if doc.has("orderFulfillmentStatus"):
        word(doc, "orderFulfillmentStatus", _FULFILMENTS, "a fulfilment status")
    sent = {line.text("lineItemFulfillmentStatus").upper() for line in doc.items("lineItems")}
    if "IN_PROGRESS" in sent and not doc.has("fulfillments"):
        # How many units of a line have left stands only in its fulfilments, which `fetch` brings along.
        doc.faults.raise_if_any()
        return [AskFor("order", ref)]
    return [PlaceOrder(_order(doc, ref, instruction, kind))]


def _order(doc: Node, ref: str, instruction: Node | None, kind: str | None) -> IncomingOrder:
    summary = doc.object("pricingSummary")
    if summary is None:
        doc.at("pricingSummary").fault("is missing")
        summary = doc.at("pricingSummary")
    total = summary.object("total")
    currency = total.currency("currency", needed=True) if total else ""
    if total is None:
        summary.at("total").fault("is missing")
    gone = _gone(doc)
    lines = tuple(line for line in (_line(item, currency, gone, kind) for item in doc.items("lineItems")) if line)
    if not lines:
        doc.at("lineItems").fault("holds no line with a quantity")
    cancel = doc.object("cancelStatus")
    cancelled = bool(cancel and word(cancel, "cancelState", _CANCELS, "a state of cancelling"))
    figures = _figures(summary, currency, lines)
    updated = doc.moment("lastModifiedDate", needed=True)
    parts = {
        **_people(doc, instruction, kind),
        "payment_state": word(doc, "orderPaymentStatus", _PAYMENTS, "a payment status") or "unknown",
        "refunds": tuple(_refunds(doc, ref, currency)),
        "number": doc.line("salesRecordReference") or ref,
        "note": remarks.noted(doc.text("buyerCheckoutNotes", 5000), _remarks(doc, instruction)),
        "tags": tuple(_collected(doc, currency)),
        "cancelled_at": (cancel.moment("cancelledDate") or updated) if cancel and cancelled else None,
    }
    placed = doc.moment("creationDate", needed=True)
    doc.faults.raise_if_any()
    return checked(
        IncomingOrder(
            channel_ref=ref,
            placed_at=placed or EPOCH,
            currency=currency,
            lines=lines,
            version=microseconds(updated or EPOCH),
            status="cancelled" if cancelled else "open",
            **figures,
            **parts,
        )
    )


def _money(node: Node, key: str, currency: str) -> Decimal | None:
    return marketplaces.money(node.object(key), currency, amount="value")


def _figures(summary: Node, currency: str, lines: Sequence[IncomingLine]) -> dict[str, Any]:
    adjustment = _money(summary, "adjustment", currency) or ZERO
    off = [_money(summary, key, currency) for key in ("priceDiscount", "deliveryDiscount")]
    discounts = added([*(abs(each) if each is not None else None for each in off), max(-adjustment, ZERO) or None])
    taxes = added(line.tax_total for line in lines)
    stated = _money(summary, "tax", currency)
    tax = stated if stated is not None else taxes
    return {
        "total": _money(summary, "total", currency),
        "subtotal": _money(summary, "priceSubtotal", currency),
        "discount_total": discounts,
        "shipping_total": _money(summary, "deliveryCost", currency),
        "tax_total": tax,
        "shipping_tax_total": max(tax - (taxes or ZERO), ZERO) if tax else None,
        "other_total": added([_money(summary, "fee", currency), max(adjustment, ZERO) or None]),
    }


def _gone(doc: Node) -> dict[str, int]:
    """Units that left by line, from the fulfilments that `fetch` puts beside an order."""
    units: dict[str, int] = {}
    for fulfilment in doc.items("fulfillments"):
        for line in fulfilment.items("lineItems"):
            ref = line.line("lineItemId")
            units[ref] = units.get(ref, 0) + (line.count("quantity") or 0)
    return units


def _line(item: Node, currency: str, gone: dict[str, int], kind: str | None) -> IncomingLine | None:
    ref, quantity = item.line("lineItemId"), item.count("quantity")
    if not ref:
        item.at("lineItemId").fault("is missing")
    if quantity is None and not item.has("quantity"):
        item.at("quantity").fault("is missing")
    cost, after = _money(item, "lineItemCost", currency), _money(item, "discountedLineItemCost", currency)
    state = word(item, "lineItemFulfillmentStatus", _FULFILMENTS, "a fulfilment status")
    if cost is None:
        item.at("lineItemCost").fault("is missing")
    if after is not None and cost is not None and after > cost:
        item.at("discountedLineItemCost").fault(f"is {after}, more than the {cost} before discounts")
    tax, theirs, _ = _taxes(item, currency)
    if not quantity or not ref or cost is None:
        return None
    left = quantity if state == "all" else min(gone.get(ref, 0), quantity)
    return IncomingLine(
        ref=ref,
        sku=item.text("sku", 400),
        title=item.text("title"),
        quantity=quantity,
        unit_price=marketplaces.unit_price(cost, quantity),
        discount_total=max(cost - after, ZERO) if after is not None else None,
        tax_total=tax,
        marketplace_tax_total=theirs,
        requires_shipping=kind != "digital",
        fulfilled_elsewhere=left,
    )


def _collected(doc: Node, currency: str) -> Iterator[str]:
    """The tax eBay took on top of what the order comes to, in words: it is no money of this order's."""
    taken = added(_taxes(item, currency)[2] for item in doc.items("lineItems"))
    if taken:
        yield f"tax collected by eBay: {taken} {currency}"


def _taxes(item: Node, currency: str) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
    """A line's tax, how much of that eBay hands on, and what it collects beside it.

    A tax eBay collects that also stands among the line's own taxes, with the same amount, is in the order's totals;
    one that doesn't is in none of them (EbayCollectAndRemitTax.amount of the Fulfillment API).
    """
    own = [(each.text("taxType").upper(), _money(each, "amount", currency)) for each in item.items("taxes")]
    left, inside, beside = list(own), [], []
    for each in item.items("ebayCollectAndRemitTaxes"):
        kind, amount = each.text("taxType").upper(), _money(each, "amount", currency)
        twin = next((one for one in left if one[1] == amount and (not one[0] or not kind or one[0] == kind)), None)
        if twin is None:
            beside.append(amount)
        else:
            left.remove(twin)
            inside.append(amount)
    return added(amount for _, amount in own), added(inside), added(beside)


def _refunds(doc: Node, ref: str, currency: str) -> Iterator[IncomingRefund]:
    """Refunds of the order that are done. They name no units, so no goods move by them."""
    summary = doc.object("paymentSummary")
    for each in summary.items("refunds") if summary else ():
        done = word(each, "refundStatus", _REFUNDS, "a refund status") if each.has("refundStatus") else True
        at = each.moment("refundDate", needed=bool(done))
        amount = _money(each, "amount", currency)
        own = each.line("refundId") or each.line("refundReferenceId")
        if done and not own:
            each.at("refundId").fault("is missing")
        if done and own and at:
            yield IncomingRefund(ref=own, order_ref=ref, at=at, currency=currency, amount=amount)


def _remarks(doc: Node, instruction: Node | None) -> Iterator[remarks.Remark]:
    cancel = doc.object("cancelStatus")
    if cancel and cancel.text("cancelState") == "IN_PROGRESS":
        reasons = [each.text("cancelReason", 60) for each in cancel.items("cancelRequests")]
        yield "Asked to be cancelled", ", ".join(dict.fromkeys(filter(None, reasons))) or "no reason given"
    for item in doc.items("lineItems"):
        yield f"{item.text('title')}, gift message", remarks.part(item, "giftDetails", "message")
        yield f"{item.text('title')}, gift for", remarks.part(item, "giftDetails", "recipientEmail")
    dates = [item.object("lineItemFulfillmentInstructions") for item in doc.items("lineItems")]
    yield remarks.ship_by(min((at for each in dates if each and (at := each.moment("shipByDate"))), default=None))
    step = instruction.object("shippingStep") if instruction else None
    yield remarks.delivery(step.text("shippingServiceCode") if step else "")
    tax = (doc.object("buyer") or doc.at("buyer")).object("taxIdentifier")
    if tax:
        yield tax.text("taxIdentifierType") or "Tax number", tax.text("taxpayerId")


# --- People --------------------------------------------------------------------------------------------------------


def _people(doc: Node, instruction: Node | None, kind: str | None) -> dict[str, Any]:
    buyer = doc.object("buyer")
    step = instruction.object("shippingStep") if instruction else None
    to = step.object("shipTo") if step else None
    home = buyer.object("buyerRegistrationAddress") if buyer else None
    email = (to.text("email") if to else "") or (home.text("email") if home else "")
    found: dict[str, Any] = {
        "ship_to": _address(to) if to else None,
        "bill_to": _address(home) if home else None,
        "buyer": Buyer(
            ref=buyer.line("username") if buyer else "",
            name=(home.text("fullName") if home else "") or (to.text("fullName") if to else ""),
            email=email,
        ),
    }
    if kind == "pickup":
        place = instruction.object("pickupStep") if instruction else None
        code = place.line("merchantLocationKey") if place else ""
        found |= {"method": "PICKUP", "pickup_location_code": code or None}
    return found


def _address(node: Node) -> Address | None:
    contact, phone = node.object("contactAddress"), node.object("primaryPhone")
    if contact is None:
        return None
    return marketplaces.address(
        name=node.text("fullName"),
        company=node.text("companyName"),
        line1=contact.text("addressLine1"),
        line2=contact.text("addressLine2"),
        city=contact.text("city"),
        region=contact.text("stateOrProvince") or contact.text("county"),
        postal_code=contact.text("postalCode"),
        country=marketplaces.country(contact, "countryCode"),
        phone=phone.text("phoneNumber") if phone else "",
    )
