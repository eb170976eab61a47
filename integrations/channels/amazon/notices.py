"""Amazon's notifications: which of them name an order that changed, and why nothing is done about the others. Pure.

A notification is thin on purpose: prices and addresses are not in it, so what it names is fetched. The status it states
must be one that is known all the same, because one that isn't would be just as unknown in the order itself.
"""

from __future__ import annotations

from integrations.channels.amazon import orders_v0
from integrations.channels.marketplaces import word
from integrations.channels.meaning import AskFor, Meaning, ignored
from integrations.reading import Node

_RANGE = "the range is kept in Backroom"
_PRICES = "prices are kept elsewhere"
_STATE = "it says how a report, feed or query stands, and no order or stock"
_ACCOUNT = "it concerns the account at Amazon, no order"
_FBA = "goods in Amazon's own warehouses are Amazon's to move"

NOT_TAKEN = {
    "ACCOUNT_STATUS_CHANGED": _ACCOUNT,
    "ANY_OFFER_CHANGED": _PRICES,
    "B2B_ANY_OFFER_CHANGED": _PRICES,
    "BRANDED_ITEM_CONTENT_CHANGE": _RANGE,
    "DATA_KIOSK_QUERY_PROCESSING_FINISHED": _STATE,
    "DETAIL_PAGE_TRAFFIC_EVENT": "visits are not counted here",
    "EXTERNAL_FULFILLMENT_SHIPMENT_STATUS_CHANGE": "shipments of the seller's own programme are not taken",
    "FBA_INVENTORY_AVAILABILITY_CHANGES": _FBA,
    "FBA_OUTBOUND_SHIPMENT_STATUS": _FBA,
    "FEED_PROCESSING_FINISHED": _STATE,
    "FEE_PROMOTION": _PRICES,
    "FULFILLMENT_ORDER_STATUS": "sent by Amazon for us: multi-channel fulfilment is followed there",
    "INVOICE_STATUS_CHANGE": "invoices made at Amazon are kept there",
    "ITEM_PRODUCT_TYPE_CHANGE": _RANGE,
    "ITEM_SALES_EVENT_CHANGE": "sales are counted from orders",
    "LISTINGS_ITEM_ISSUES_CHANGE": _RANGE,
    "LISTINGS_ITEM_STATUS_CHANGE": _RANGE,
    "ORDER_SCHEDULED_DELIVERY_CHANGE": "a delivery slot agreed at Amazon; the order itself follows",
    "PRICING_HEALTH": _PRICES,
    "PRODUCT_TYPE_DEFINITIONS_CHANGE": _RANGE,
    "PROMOTION": _PRICES,
    "REPORT_PROCESSING_FINISHED": _STATE,
    "SHIPMENT_TRACKING_MILESTONE_CHANGED": "tracking comes from the carrier",
    "TRANSACTION_UPDATE": "money is reconciled from the settlement, not from this list",
}
ORDERS = {"ORDER_CHANGE", "ORDER_STATUS_CHANGE", "MFN_ORDER_STATUS_CHANGE"}
STOCK = {"ITEM_INVENTORY_EVENT_CHANGE", "LISTINGS_ITEM_MFN_QUANTITY_CHANGE"}  # read by stock.py


def meaning(node: Node) -> Meaning | None:
    """What a notification means; None where this is none, or one about stock."""
    kind = (node.text("notificationType", 80) or node.text("NotificationType", 80)).upper()
    if not kind or kind in STOCK:
        return None
    if kind in NOT_TAKEN:
        return ignored(NOT_TAKEN[kind])
    if kind not in ORDERS:
        node.at("NotificationType").fault(f"is a notification Backroom has no word for: {kind[:60]!r}")
        return ignored("")
    payload = node.object("Payload") or node.object("payload")
    told = payload and (
        payload.object("OrderChangeNotification")
        or payload.object("orderChangeNotification")
        or payload.object("OrderStatusChangeNotification")
        or payload.object("orderStatusChangeNotification")
    )
    if not told:
        node.at("Payload").fault("holds no notification of an order")
        return ignored("")
    ref = told.line("AmazonOrderId") or told.line("amazonOrderId")
    if not ref:
        told.at("AmazonOrderId").fault("is missing")
    summary = told.object("Summary") or told.object("summary") or told
    for key in ("OrderStatus", "orderStatus"):
        if summary.has(key):
            word(summary, key, orders_v0.STATES, "an order status")
    node.faults.raise_if_any()
    return Meaning(acts=(AskFor("order", ref),))
