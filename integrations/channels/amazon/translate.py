"""From a document of Amazon's Selling Partner API to what it means for Backroom: pure and total.

Files and polled documents carry no topic, so a document is known by its keys; notifications name their type. What
Backroom takes are orders, refunds (from the financial events) and stock; everything else Amazon documents is ignored in
words, and a document that fits nothing is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from integrations.channels import marketplaces
from integrations.channels.amazon import notices, orders_2026, orders_v0, reports, returns, sns, stock
from integrations.channels.meaning import Act, Meaning, RecordRefund, ignored
from integrations.documents import read_json
from integrations.reading import EPOCH, ZERO, Node, checked
from orders.canonical import IncomingRefund

VERSION = "amazon/1"

_RANGE = "the range is kept in Backroom"
_SETTLED = "money is reconciled from the settlement, not from this list"
_REPORTS = "it says how a report or feed stands, and no order or stock"
_VENDOR = "a purchase order of Amazon Vendor: a wholesale order comes by EDI, not through this interface"
_EXTERNAL = "shipments Amazon routes to a place of the seller's own programme are not taken"

# Keys only one kind of document has, and why Backroom does nothing about it. The first that fits counts.
_NOT_TAKEN: tuple[tuple[str, str], ...] = (
    ("OrderItemId GiftWrapLevel", "what the buyer said about an item comes with the order's items"),
    ("AmazonOrderId RegulatedInformation", "what regulated goods need is settled at Amazon"),
    ("AmazonOrderId BuyerEmail", "what is known of the buyer comes with the order"),
    ("AmazonOrderId ShippingAddress", "the address alone; it comes with the order"),
    ("AmazonOrderId OrderItems", "the items alone, without the order they belong to; both come together"),
    ("ShipmentId ShippingService", "labels bought at Amazon are kept there"),
    ("ShipmentId AmazonOrderId", "labels bought at Amazon are kept there"),
    ("FinancialEventGroupList", _SETTLED),
    ("transactions", _SETTLED),
    ("balances", _SETTLED),
    ("payouts", _SETTLED),
    ("expectedPayouts", _SETTLED),
    ("shipments pagination", _EXTERNAL),
    ("shipmentInfo marketplaceAttributes", _EXTERNAL),
    ("shippingOptions", _EXTERNAL),
    ("packageShipLabelList", _EXTERNAL),
    ("document", _EXTERNAL),
    ("fulfillmentOrder fulfillmentOrderItems", "sent by Amazon for us: multi-channel fulfilment is followed there"),
    ("fulfillmentOrders", "sent by Amazon for us: multi-channel fulfilment is followed there"),
    ("returnItems returnAuthorizations", "returns of goods Amazon sent for us go back to Amazon"),
    ("plannedShipments", "a preview of what Amazon would send for us, and no order"),
    ("offerResults", "an offer of Amazon's to send for us, and no order"),
    ("packageNumber trackingEvents", "tracking of what Amazon sent for us is kept there"),
    ("trackingDetail", "tracking comes from the carrier"),
    ("sku summaries", _RANGE),
    ("sku submissionId", "the answer to a listing that was sent"),
    ("numberOfResults items", _RANGE),
    ("Identifiers AttributeSets", _RANGE),
    ("reportSchedules", _REPORTS),
    ("reportId", _REPORTS),
    ("reports", _REPORTS),
    ("reportDocumentId", _REPORTS),
    ("feedId", _REPORTS),
    ("feeds", _REPORTS),
    ("purchaseOrderNumber orderDetails", _VENDOR),
    ("ordersStatus", _VENDOR),
    ("shipmentConfirmations", "a shipment to Amazon Vendor that was confirmed; it is told by EDI here"),
)


def understand(topic: str, body: bytes) -> Meaning:
    """What this message asks of Backroom. Raises Unreadable; never anything else."""
    told = reports.understood(body)
    return told or marketplaces.understood(body, "Amazon", _translate)


def _translate(node: Node) -> Meaning | None:
    if not sns.is_envelope(node.value):
        return _document(node)
    kind = node.text("Type", 40)
    if kind in sns.NOT_TAKEN:
        return ignored(sns.NOT_TAKEN[kind])
    held = read_json(node.text("Message", 300_000).encode())
    if not isinstance(held, dict) or sns.is_envelope(held):
        node.at("Message").fault("holds no notification of Amazon's")
        return ignored("")
    return _document(Node(held, "Message", node.faults))


def _document(node: Node) -> Meaning | None:
    if node.has("detail-type"):  # as EventBridge hands notifications on
        node = node.object("detail") or node
    told = notices.meaning(node) or _stock(node)
    if told is not None:
        return told
    listed = node.raw("")
    if isinstance(listed, list):
        return _listed(list(node.items("")))
    inner = node.object("payload") or node
    found = _orders(inner) or _returns(inner) or _finances(inner)
    return found if found is not None else _not_taken(inner)


def _stock(node: Node) -> Meaning | None:
    return stock.translate(node.value, node.faults)


def _orders(node: Node) -> Meaning | None:
    if node.has("AmazonOrderId") and node.has("OrderStatus"):
        return marketplaces.each([node], orders_v0.acts)
    if isinstance(node.raw("Orders"), list):
        return marketplaces.each(node.items("Orders"), orders_v0.acts, empty="no order changed")
    if node.has("orderId") and (node.has("createdTime") or node.has("lastUpdatedTime")):
        return marketplaces.each([node], orders_2026.acts)
    whole = node.object("order")
    if whole and (whole.has("createdTime") or whole.has("lastUpdatedTime")):
        return marketplaces.each([whole], orders_2026.acts)
    if isinstance(node.raw("orders"), list):
        listed = list(node.items("orders"))
        if any(each.has("purchaseOrderNumber") for each in listed):
            return ignored(_VENDOR)
        if any(each.has("orderItems") or each.has("salesChannel") for each in listed):
            return marketplaces.each(listed, orders_2026.acts)
        if any(each.has("fulfillmentConfiguration") or each.has("sellerOrderId") for each in listed):
            return ignored("sent by Amazon for us: multi-channel fulfilment is followed there")
        return None if listed else ignored("no order changed")
    return ignored("sent by Amazon for us: multi-channel fulfilment is followed there") if whole else None


def _returns(node: Node) -> Meaning | None:
    if returns.is_one(node):
        return marketplaces.each([node], returns.acts)
    if isinstance(node.raw("returns"), list):
        return marketplaces.each(node.items("returns"), returns.acts, empty="no return changed")
    return None


def _listed(nodes: list[Node]) -> Meaning | None:
    if not nodes:
        return ignored("the list is empty")
    if all(each.has("purchaseOrderNumber") for each in nodes):
        return ignored(_VENDOR)
    if all(each.has("AmazonOrderId") for each in nodes):
        return marketplaces.each(nodes, orders_v0.acts)
    if all(each.has("orderId") for each in nodes):
        return marketplaces.each(nodes, orders_2026.acts)
    return None


def _not_taken(node: Node) -> Meaning | None:
    for keys, reason in _NOT_TAKEN:
        if all(key in node.value for key in keys.split()):
            return ignored(reason)
    return None


# --- Refunds -------------------------------------------------------------------------------------------------------


def _finances(node: Node) -> Meaning | None:
    events = node.object("FinancialEvents")
    if events is None:
        return ignored(_SETTLED) if isinstance(node.raw("FinancialEvents"), dict) else None
    return marketplaces.each(events.items("RefundEventList"), _refund, empty=_SETTLED)


def _refund(event: Node) -> Sequence[Act] | str:
    """One refund. Its charges go back to the buyer and are negative; fees and withheld tax are not the buyer's.

    It says how many units it is about, not whether they come back, so no goods move by it.
    """
    ref, at = event.line("AmazonOrderId"), event.moment("PostedDate", needed=True)
    if not ref:
        event.at("AmazonOrderId").fault("is missing")
    currency, amount = "", ZERO
    for item in event.items("ShipmentItemAdjustmentList"):
        for kind in ("ItemChargeAdjustmentList", "PromotionAdjustmentList"):
            for charge in item.items(kind):
                money = charge.object("ChargeAmount") or charge.object("PromotionAmount")
                if money is None:
                    continue
                currency = currency or money.currency("CurrencyCode", needed=True)
                amount -= marketplaces.money(money, currency, amount="CurrencyAmount", named="CurrencyCode") or Decimal(
                    0
                )
    event.faults.raise_if_any()
    if not currency:
        return "a refund that gave nothing back to the buyer"
    if amount < 0:
        event.at("ShipmentItemAdjustmentList").fault(f"adds up to {-amount} taken from the buyer, which is no refund")
    event.faults.raise_if_any()
    when = at or EPOCH
    refund = IncomingRefund(
        ref=f"{ref}:{when.isoformat()}", order_ref=ref, at=when, currency=currency, amount=amount, note="at Amazon"
    )
    return [RecordRefund(checked(refund))]
