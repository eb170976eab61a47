"""From BigCommerce's webhooks and documents to what they mean for Backroom: pure and total.

Its webhooks only name what changed. An order is fetched in parts (V2 order, products, shipping addresses, shipments,
V3 refunds and transactions), which come here as one document, `{"order": …, "products": […], …}`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from integrations.channels import shop_documents as shops
from integrations.channels.bigcommerce import orders, stock
from integrations.channels.meaning import Act, Meaning, PlaceOrder, RecordPayments, RecordRefund, ignored
from integrations.channels.shop_documents import Terms, kind
from integrations.failures import unparsable
from integrations.models import Connection
from integrations.reading import Node, checked_payment

VERSION = "bigcommerce/1"
TITLE = "BigCommerce"

_RANGE = "the range is kept in Backroom"
_CUSTOMER = "customer master data is not taken from BigCommerce; each order brings its buyer"
_SETTINGS = "shop settings are not taken"
_PART = "a part of an order: it is read together with its order"
# By the second word of a webhook's scope (store/<word>/…).
_SCOPES = {
    "app": _SETTINGS,
    "brand": _RANGE,
    "cart": "a cart is no order yet",
    "category": _RANGE,
    "channel": _SETTINGS,
    "cdn": _SETTINGS,
    "customer": _CUSTOMER,
    "information": _SETTINGS,
    "inventory": "a change of stock at one of the shop's locations; its level comes with the product's own notice",
    "metafield": _SETTINGS,
    "modifier": _RANGE,
    "option": _RANGE,
    "price_list": _RANGE,
    "pricelist": _RANGE,
    "product": _RANGE,
    "promotion": "discounts reach Backroom on the orders they apply to",
    "script": _SETTINGS,
    "site": _SETTINGS,
    "sku": _RANGE,
    "subscriber": _CUSTOMER,
    "variant": _RANGE,
}
_NO_NEWS = {
    "message": "messages of an order are kept in BigCommerce",
    "archived": "BigCommerce forgets the order; Backroom keeps its record of it",
    "metafield": _SETTINGS,
}


def understand(topic: str, body: bytes) -> Meaning:
    return _understand(topic, body, Terms())


def as_settled(connection: Connection) -> Callable[[str, bytes], Meaning]:
    terms = shops.terms_of(connection, asks=bool(connection.settings.get("store_hash")))
    return lambda topic, body: _understand(topic, body, terms)


def _understand(topic: str, body: bytes, terms: Terms) -> Meaning:
    return shops.sort(_unwrapped(shops.read(body)), _KINDS, TITLE, terms)


def _unwrapped(document: Any) -> Any:
    """Without V3's envelope."""
    if isinstance(document, dict) and "data" in document and set(document) <= {"data", "meta"}:
        return document["data"]
    return document


def _webhook(node: Node, terms: Terms) -> Sequence[Act] | Meaning:
    scope = node.text("scope", 100).lower().split("/")
    family, rest = ([*scope, "", ""])[1], scope[2:]
    if scope[0] != "store" or not rest:
        node.at("scope").fault(f"is a scope Backroom has no word for: {node.text('scope', 60)!r}")
        return []
    if reported := _stock(node):
        return reported
    data = node.object("data") or node.at("data")
    if family == "shipment":
        return shops.ask("order", data.number_id("orderId", needed=True), terms)
    if family == "order":
        if rest[0] in _NO_NEWS:
            return ignored(_NO_NEWS[rest[0]])
        return shops.ask("order", data.number_id("order_id") or data.number_id("id", needed=True), terms)
    if family in _SCOPES:
        return ignored(_SCOPES[family])
    node.at("scope").fault(f"is a scope Backroom has no word for: {node.text('scope', 60)!r}")
    return []


def _stock(node: Node) -> Meaning | None:
    data = node.raw("data")
    if not isinstance(data, dict) or not isinstance(data.get("inventory"), dict) or "value" not in data["inventory"]:
        return None
    return stock.translate(node.value, node.faults)


def _whole(node: Node, terms: Terms) -> Sequence[Act] | Meaning:
    """An order with its parts beside it."""
    inner = node.object("order")
    if inner is None:
        node.at("order").fault("is missing")
        return []
    return _placed(orders.Parts.beside(node, inner))


def _order(node: Node, terms: Terms) -> Sequence[Act] | Meaning:
    """An order as V2 answers: with its products in it, or the address where they are."""
    if node.raw("status_id") == 0:
        return ignored(orders.INCOMPLETE)
    if isinstance(node.raw("products"), list):
        return _placed(orders.Parts.inside(node))
    return shops.ask("order", node.number_id("id", needed=True), terms)


def _placed(parts: orders.Parts) -> Sequence[Act] | Meaning:
    if parts.order.raw("status_id") == 0:
        return ignored(orders.INCOMPLETE)
    return [PlaceOrder(orders.order(parts))]


def _refund(node: Node, terms: Terms) -> list[Act]:
    if not terms.currency:
        node.fault("names no currency, and the connection has no channel to say one")
    return [RecordRefund(orders.refund(node, terms.currency))]


def _transaction(node: Node, terms: Terms) -> Sequence[Act] | Meaning:
    order_ref = node.number_id("order_id", needed=True)
    payment = orders.payment(node)
    node.faults.raise_if_any()
    if payment is None:
        return ignored("it holds no money event: nothing was paid or given back")
    return [RecordPayments(order_ref, (checked_payment(payment),))]


def _error(node: Node, terms: Terms) -> Meaning:
    words = node.text("title", 120) or node.text("message", 120)
    raise unparsable(f"it is an error BigCommerce answered with: {node.text('status', 10)} {words}".strip())


_KINDS = (
    kind("scope data", _webhook),
    kind("order products", _whole),
    kind("status_id billing_address", _order),
    kind("order_id total_amount items", _refund),
    kind("order_id event amount gateway", _transaction),
    kind("order_id order_address_id items", "what has left is read from the order itself, which is asked for then"),
    kind("order_id order_address_id product_id", _PART),
    kind("order_id coupon_id", _PART),
    kind("order_id shipping_zone_id", _PART),
    kind("order_id street_1", _PART),
    kind("fees", _PART),
    kind("system_label custom_label", "the shop's names for its statuses are not needed: their ids say the same"),
    kind("destination scope", _SETTINGS),
    kind("calculated_price", _RANGE),
    kind("custom_url", _RANGE),
    kind("inventory_level", _RANGE),
    kind("customer_group_id email", _CUSTOMER),
    kind("line_items cart_amount", _SCOPES["cart"]),
    kind("status title", _error),
    kind("status message", _error),
)
