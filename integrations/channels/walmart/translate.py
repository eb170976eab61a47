"""From a document of Walmart's Marketplace API to what it means for Backroom: pure and total.

An order states no totals: its lines' charges are all there is, and their sum is what the buyer paid. A charge is the
line's, for all its units (only a return's `chargePerUnit` is one unit's). Statuses stand per
quantity of a line, so one line may be shipped in part and cancelled in part. Times are milliseconds since 1970.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal

from integrations.channels import marketplaces, remarks
from integrations.channels.marketplaces import added, epoch, word
from integrations.channels.meaning import Act, Meaning, PlaceOrder, ignored
from integrations.channels.walmart import xml_form
from integrations.reading import EPOCH, ZERO, Node, checked
from orders.canonical import (
    Address,
    Buyer,
    IncomingLine,
    IncomingOrder,
    IncomingRefund,
    microseconds,
)

VERSION = "walmart/1"

_LINES = {
    "CREATED": "open",
    "ACKNOWLEDGED": "open",
    "SHIPPED": "gone",
    "DELIVERED": "gone",
    "CANCELLED": "off",
    "REFUND": "gone",  # given back after it had left
}
_GOODS, _CARRIAGE, _ASIDE = "goods", "carriage", "aside"
_CHARGES = {"PRODUCT": _GOODS, "SHIPPING": _CARRIAGE, "DISCOUNT": "discount", "FEE": _ASIDE, "GIFT_WRAP": _ASIDE}
_NODES = {"SELLERFULFILLED": "ours", "3PLFULFILLED": "ours", "WFSFULFILLED": "walmart"}

_RANGE = "the range is kept in Backroom"
_STOCK = "the quantity a listing shows is what was published to it, not what anybody has"
_RETURNS = "returns asked for at Walmart are followed there; their refund comes with the order's lines"
_EVENTS = {
    "BUY_BOX_CHANGED": "prices are kept elsewhere",
    "INVENTORY_OOS": _STOCK,
    "ITEM_PUBLISHED": _RANGE,
    "OFFER_PUBLISHED": _RANGE,
    "OFFER_UNPUBLISHED": _RANGE,
    "REPORT_STATUS": "it says how a report stands, and no order or stock",
    "RETURN_CREATED": _RETURNS,
    "RETURN_UPDATED": _RETURNS,
    "SELLER_PERFORMANCE_NOTIFICATIONS": "it concerns the account at Walmart, no order",
    "SELLER_PERFORMANCE_ALERTS": "it concerns the account at Walmart, no order",
}
_ORDER_EVENTS = {"PO_CREATED", "PO_LINE_AUTOCANCELLED", "INTENT_TO_CANCEL", "PO_LINE_CANCELLED", "PO_LINE_SHIPPED"}
_NOT_TAKEN: tuple[tuple[str, str], ...] = (
    ("returnOrders", _RETURNS),
    ("returnOrderId", _RETURNS),
    ("ItemResponse", _RANGE),
    ("elements meta", _STOCK),
    ("inventories", _STOCK),
    ("nodes sku", _STOCK),
    ("sku quantity", _STOCK),
    ("feedId", "it says how a feed stands, and no order or stock"),
    ("results", "it says how a feed stands, and no order or stock"),
)


def understand(topic: str, body: bytes) -> Meaning:
    """What this message asks of Backroom. Raises Unreadable; never anything else."""
    return marketplaces.understood(xml_form.as_json(body), "Walmart", _translate)


def _translate(node: Node) -> Meaning | None:
    if node.object("source") and node.has("payload"):
        return _event(node)
    found = _orders(node)
    if found is not None:
        return marketplaces.each(found, order_acts, empty="no order changed")
    for keys, reason in _NOT_TAKEN:
        if all(key in node.value for key in keys.split()):
            return ignored(reason)
    return None


def _orders(node: Node) -> list[Node] | None:
    """The orders of an answer, however deep it wraps them; None where it holds none at all."""
    whole = node.object("order")
    if whole:
        return [whole]
    for key in ("", "order", "orders"):
        if isinstance(node.raw(key), list):
            listed = list(node.items(key))
            return listed if all(each.has("purchaseOrderId") for each in listed) else None
    if node.has("purchaseOrderId"):
        return [node]
    page = node.object("list")
    elements = page.object("elements") if page else None
    if elements:
        return list(elements.items("order"))
    return [] if page else None


def _event(node: Node) -> Meaning:
    kind = node.at("source").text("eventType", 80).upper()
    if kind in _EVENTS:
        return ignored(_EVENTS[kind])
    if kind not in _ORDER_EVENTS:
        node.at("source.eventType").fault(f"is an event Backroom has no word for: {kind[:60]!r}")
        return ignored("")
    payload = node.at("payload")
    return marketplaces.asks_for_order(payload.object("order") or payload, "purchaseOrderId")


# --- The order -----------------------------------------------------------------------------------------------------


def order_acts(doc: Node) -> Sequence[Act] | str:
    ref = doc.line("purchaseOrderId")
    if not ref:
        doc.at("purchaseOrderId").fault("is missing")
    ship_node = doc.object("shipNode")
    if ship_node and ship_node.has("type") and word(ship_node, "type", _NODES, "a kind of ship node") == "walmart":
        return "fulfilled by Walmart from its own warehouse: nothing of ours is to be sent"
    return [PlaceOrder(_order(doc, ref))]


def _lines_of(doc: Node) -> list[Node]:
    """The lines, in their wrapper or (as some answers have it) without."""
    held = doc.raw("orderLines")
    return list(doc.items("orderLines") if isinstance(held, list) else doc.at("orderLines").items("orderLine"))


def _charges(line: Node) -> Iterator[Node]:
    held = line.raw("charges")
    yield from line.items("charges") if isinstance(held, list) else line.at("charges").items("charge")


def _amount(node: Node, key: str, currency: str) -> Decimal | None:
    return marketplaces.money(node.object(key), currency)


def _order(doc: Node, ref: str) -> IncomingOrder:
    nodes = _lines_of(doc)
    currency = _currency(nodes)
    if not currency:
        doc.at("orderLines").fault("no charge of any line names a currency")
    placed = epoch(doc, "orderDate", milliseconds=True, needed=True)
    lines = tuple(line for line in (_line(node, currency) for node in nodes) if line)
    if not lines:
        doc.at("orderLines").fault("holds no line with a quantity")
    moments = [epoch(node, "statusDate", milliseconds=True) for node in nodes]
    sums = _sums(nodes, currency)
    taxes = added(_taxes(node, currency) for node in nodes)
    shipping = doc.object("shippingInfo")
    to = _address(shipping) if shipping else None
    goods = sum((line.unit_price * line.quantity for line in lines), ZERO)
    refunds = tuple(refund for node in nodes for refund in _refunds(node, ref, currency))
    number, email, carriage_tax = (
        doc.line("customerOrderId"),
        doc.text("customerEmailId"),
        _carriage_tax(nodes, currency),
    )
    note = remarks.noted("", _remarks(doc, shipping))
    doc.faults.raise_if_any()
    off = all(line.cancelled_quantity == line.quantity for line in lines)
    changed = max((moment for moment in [*moments, placed] if moment), default=EPOCH)
    return checked(
        marketplaces.hands_on_tax(
            IncomingOrder(
                channel_ref=ref,
                number=number or ref,
                placed_at=placed or EPOCH,
                currency=currency,
                lines=lines,
                version=microseconds(changed),
                status="cancelled" if off else "open",
                cancelled_at=changed if off else None,
                payment_state="paid",
                total=goods - sums["discount"] + sums[_CARRIAGE] + sums[_ASIDE] + (taxes or ZERO),
                discount_total=sums["discount"],
                shipping_total=sums[_CARRIAGE],
                shipping_tax_total=carriage_tax,
                tax_total=taxes,
                other_total=sums[_ASIDE],
                ship_to=to,
                buyer=Buyer(name=to.name if to else "", email=email),
                refunds=refunds,
                note=note,
            )
        )
    )


def _remarks(doc: Node, shipping: Node | None) -> Iterator[remarks.Remark]:
    for node in _lines_of(doc):
        if remarks.part(node, "intentToCancel"):
            yield "", f"The buyer asks to cancel line {node.line('lineNumber')}."
    if shipping:
        yield remarks.ship_by(epoch(shipping, "estimatedShipDate", milliseconds=True))
        yield remarks.delivery(shipping.text("methodCode"))


def _currency(nodes: list[Node]) -> str:
    for node in nodes:
        for charge in _charges(node):
            held = charge.object("chargeAmount")
            if held and held.has("currency"):
                return held.currency("currency")
    return ""


def _line(node: Node, currency: str) -> IncomingLine | None:
    ref, item, held = node.line("lineNumber"), node.object("item"), node.object("orderLineQuantity")
    quantity = held.count("amount") if held else None
    if not ref:
        node.at("lineNumber").fault("is missing")
    if held is None or not held.has("amount"):
        node.at("orderLineQuantity").fault("is missing")
    elif held.text("unitOfMeasurement") not in {"EACH", ""}:
        held.at("unitOfMeasurement").fault(f"is no count of units: {held.text('unitOfMeasurement')!r}")
    goods = [charge for charge in _charges(node) if _kind(charge) == _GOODS]
    price = added(_amount(charge, "chargeAmount", currency) for charge in goods if not _lowers(charge))
    if price is None:
        node.at("charges").fault("hold no PRODUCT charge")
    states = _states(node)
    tax = added(_tax(charge, currency) for charge in _charges(node) if _kind(charge) != _CARRIAGE)
    if not ref or not quantity or price is None:
        return None
    if sum(states.values()) != quantity:
        node.at("orderLineStatuses").fault(f"account for {sum(states.values())} of {quantity} units")
        return None
    return IncomingLine(
        ref=ref,
        sku=item.text("sku", 400) if item else "",
        title=item.text("productName") if item else "",
        quantity=quantity,
        unit_price=marketplaces.unit_price(price, quantity),
        tax_total=tax,
        cancelled_quantity=states["off"],
        fulfilled_elsewhere=states["gone"],
    )


def _kind(charge: Node) -> str | None:
    found: str | None = word(charge, "chargeType", _CHARGES, "a type of charge")
    return found


def _lowers(charge: Node) -> bool:
    """Whether it takes something off: a subscription's discount is a PRODUCT charge below zero."""
    held = charge.object("chargeAmount")
    amount = held.amount("amount") if held else None
    return (amount is not None and amount < 0) or str(charge.raw("isDiscount")).upper() in {"TRUE", "Y"}


def _states(node: Node) -> Counter[str]:
    units: Counter[str] = Counter()
    held = node.raw("orderLineStatuses")
    found = (
        node.items("orderLineStatuses")
        if isinstance(held, list)
        else node.at("orderLineStatuses").items("orderLineStatus")
    )
    for each in found:
        state = word(each, "status", _LINES, "a line status")
        quantity = each.object("statusQuantity")
        if state:
            units[state] += (quantity.count("amount") if quantity else 0) or 0
    return units


def _tax(charge: Node, currency: str) -> Decimal | None:
    tax = charge.object("tax")
    return _amount(tax, "taxAmount", currency) if tax else None


def _taxes(node: Node, currency: str) -> Decimal | None:
    return added(_tax(charge, currency) for charge in _charges(node))


def _carriage_tax(nodes: list[Node], currency: str) -> Decimal | None:
    """The tax no line counts as its own."""
    return added(_tax(charge, currency) for node in nodes for charge in _charges(node) if _kind(charge) == _CARRIAGE)


def _sums(nodes: list[Node], currency: str) -> dict[str, Decimal]:
    """The charges besides the goods, by what they are; one below zero is a discount, whatever it is called."""
    sums = {"discount": ZERO, _CARRIAGE: ZERO, _ASIDE: ZERO}
    for charge in (each for node in nodes for each in _charges(node)):
        kind, amount = _kind(charge), _amount(charge, "chargeAmount", currency)
        if amount is None or kind is None or (kind == _GOODS and not _lowers(charge)):
            continue
        sums["discount" if _lowers(charge) else kind] += abs(amount)
    return sums


def _refunds(node: Node, ref: str, currency: str) -> Iterator[IncomingRefund]:
    """What was given back on a line: its charges are negative, and name no units."""
    held = node.object("refund")
    if held is None:
        return
    own = held.line("refundId")
    at = epoch(node, "statusDate", milliseconds=True, needed=True)
    charges = [each.at("charge") for each in held.at("refundCharges").items("refundCharge")]
    amounts = [
        part for charge in charges for part in (_amount(charge, "chargeAmount", currency), _tax(charge, currency))
    ]
    amount = added(amounts)
    if not own:
        held.at("refundId").fault("is missing")
    if own and at and amount is not None:
        yield IncomingRefund(
            ref=own, order_ref=ref, at=at, currency=currency, amount=abs(amount), note=held.text("refundComments", 5000)
        )


def _address(shipping: Node) -> Address | None:
    node = shipping.object("postalAddress")
    if node is None:
        return None
    return marketplaces.address(
        name=node.text("name"),
        line1=node.text("address1"),
        line2=node.text("address2"),
        city=node.text("city"),
        region=node.text("state"),
        postal_code=node.text("postalCode"),
        country=marketplaces.country(node, "country"),
        phone=shipping.text("phone"),
    )
