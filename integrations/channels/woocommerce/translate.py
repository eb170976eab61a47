"""From a WooCommerce payload (REST v3, webhook or file) to what it means for Backroom: pure and total.

Every figure of a WooCommerce order is without tax, whatever `prices_include_tax` says: a row's `subtotal` is before and
its `total` after discounts; taxes come beside them. Times named `*_gmt` are UTC; the others are the shop's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from integrations.channels import shop_documents as shops
from integrations.channels.meaning import Act, Meaning, PlaceOrder, RecordRefund, ignored
from integrations.channels.shop_documents import Terms, kind
from integrations.channels.woocommerce import legacy, orders, stock
from integrations.failures import FailureClass, Fault, Unreadable, unparsable
from integrations.models import Connection
from integrations.reading import Faults, Node

VERSION = "woocommerce/1"
TITLE = "WooCommerce"

_RANGE = "the range is kept in Backroom"
_CUSTOMER = "customer master data is not taken from WooCommerce; each order brings its buyer"
_COUPON = "discounts reach Backroom on the orders they apply to"
_SETTINGS = "shop settings are not taken"
_FAMILIES = {
    "product": _RANGE,
    "customer": _CUSTOMER,
    "coupon": _COUPON,
    "subscription": "subscriptions are not taken; their orders are",
}
_ORDER_TOPICS = {"order.created", "order.updated", "order.restored", "order.refunded"}


def understand(topic: str, body: bytes) -> Meaning:
    return _understand(topic, body, Terms())


def as_settled(connection: Connection) -> Callable[[str, bytes], Meaning]:
    terms = shops.terms_of(connection, asks=bool(connection.settings.get("shop")))
    return lambda topic, body: _understand(topic, body, terms)


def _understand(topic: str, body: bytes, terms: Terms) -> Meaning:
    topic = topic.strip().lower()
    if body.startswith(b"webhook_id=") and len(body) < 100:
        return ignored("WooCommerce tries out its webhook; nothing happened")
    document = shops.read(body)
    family = topic.partition(".")[0]
    if topic == "order.deleted":
        return ignored("WooCommerce forgets the order; Backroom keeps its record of it")
    if family in _FAMILIES:
        return ignored(_FAMILIES[family])
    if topic and family != "action" and topic not in _ORDER_TOPICS | {"order", "refund"}:
        raise Unreadable(FailureClass.BAD_VALUE, Fault("topic", f"{topic[:60]!r} is not a topic Backroom knows"))
    document = _unwrapped(document)
    if isinstance(document, dict) and (reported := _stock(document)):
        return reported
    return shops.sort(document, _KINDS, TITLE, terms)


def _unwrapped(document: Any) -> Any:
    """Without the envelope of the apps' API; a stock report keeps it."""
    if isinstance(document, dict) and set(document) == {"data"} and isinstance(document["data"], (dict, list)):
        inner = document["data"]
        if isinstance(inner, list) and inner and all(isinstance(e, dict) and e.keys() >= _STOCK_ROW for e in inner):
            return document
        return inner
    return legacy.unwrapped(document)


_STOCK_ROW = {"stock_quantity", "manage_stock"}


def _stock(document: dict[str, Any]) -> Meaning | None:
    if document.keys() >= _STOCK_ROW and "regular_price" not in document:
        document = {"data": [document]}
    if not isinstance(document.get("data"), list):
        return None
    faults = Faults()
    meaning = stock.translate(document, faults)
    faults.raise_if_any()
    return meaning


def _order(node: Node, terms: Terms) -> Sequence[Act] | Meaning:
    status = orders.status(node, terms)
    if status in orders.NO_ORDER:
        return ignored(orders.NO_ORDER[status])
    if terms.asks and orders.refunds_are_elsewhere(node):
        return shops.ask("order", node.number_id("id", needed=True), terms)
    return [PlaceOrder(orders.order(node, status, terms))]


def _refund(node: Node, terms: Terms) -> list[Act]:
    return [RecordRefund(orders.refund(node, currency=terms.currency))]


def _error(node: Node, terms: Terms) -> Meaning:
    raise unparsable(f"it is an error WooCommerce answered with: {node.text('code', 60)}: {node.text('message', 120)}")


_KINDS = (
    kind("billing_period billing_interval", _FAMILIES["subscription"]),
    kind("amount refunded_by", _refund),
    kind("amount reason line_items", _refund),
    kind("order_key line_items", _order),
    kind("status currency line_items total", _order),
    kind("code discount_type", _COUPON),
    kind("tracking_number tracking_provider", "what has left is told to WooCommerce by Backroom"),
    kind("labelsData", "labels are bought in Backroom"),
    kind("deposit balance", "payouts are not taken yet: they are reconciled from settlements"),
    kind("rate compound", "tax rates are not taken: each order brings its taxes"),
    kind("note customer_note", "notes on an order are kept in WooCommerce"),
    kind("delivery_url topic", _SETTINGS),
    kind("regular_price", _RANGE),
    kind("order_id net_total", "reports are not taken; the orders they are about are"),
    kind("total_sales", "reports are not taken; the orders they are about are"),
    kind("totals intervals", "reports are not taken; the orders they are about are"),
    kind("review rating", _RANGE),
    kind("stock_status", _RANGE),
    kind("slug menu_order", _RANGE),
    kind("slug display", _RANGE),
    kind("slug taxonomy", _RANGE),
    kind("slug count", _RANGE),
    kind("email username", _CUSTOMER),
    kind("user_id orders_count", _CUSTOMER),
    kind("method_title enabled", _SETTINGS),
    kind("zone_id", _SETTINGS),
    kind("environment database", _SETTINGS),
    kind("id label default", _SETTINGS),
    kind("code message", _error),
)
