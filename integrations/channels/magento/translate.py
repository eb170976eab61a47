"""From Magento's (Adobe Commerce's) REST documents and events to what they mean for Backroom: pure and total.

Magento's own webhooks don't exist in its open-source edition: orders are polled. Adobe's I/O events (CloudEvents) name
what was saved, and are answered by asking for the order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from integrations.channels import shop_documents as shops
from integrations.channels.magento import orders, stock
from integrations.channels.meaning import Act, Meaning, PlaceOrder, RecordPayments, RecordRefund, ignored
from integrations.channels.shop_documents import Terms, kind
from integrations.failures import unparsable
from integrations.models import Connection
from integrations.reading import Faults, Node, checked_payment

VERSION = "magento/1"
TITLE = "Magento"

_RANGE = "the range is kept in Backroom"
_CUSTOMER = "customer master data is not taken from Magento; each order brings its buyer"
_CART = "a cart or quote is no order yet; the order comes by itself once it is placed"
_SETTINGS = "shop settings are not taken"
# What an event may be about, by the words in its type; the first that fits counts.
_EVENTS = {
    "sales_order_shipment": "order_id",
    "sales_order_invoice": "order_id",
    "sales_order_creditmemo": "order_id",
    "sales_order_payment": "parent_id",
    "sales_order_status_history": "parent_id",
    "sales_order_address": "parent_id",
    "sales_order_item": "order_id",
    "sales_order_place": "entity_id",
    "sales_order_save": "entity_id",
}
_NOT_TAKEN = {
    "catalog": _RANGE,
    "inventory": "source items are read by themselves",
    "stock_item": "source items are read by themselves",
    "customer": _CUSTOMER,
    "quote": _CART,
    "rma": "returns asked for in Magento are not taken yet; their credit memos are",
}


def understand(topic: str, body: bytes) -> Meaning:
    return _understand(topic, body, Terms())


def as_settled(connection: Connection) -> Callable[[str, bytes], Meaning]:
    terms = shops.terms_of(connection, asks=bool(connection.settings.get("base_url")))
    return lambda topic, body: _understand(topic, body, terms)


def _understand(topic: str, body: bytes, terms: Terms) -> Meaning:
    document = shops.read(body)
    if isinstance(document, dict):
        faults = Faults()
        reported = stock.translate(document, faults)
        faults.raise_if_any()
        if reported:
            return reported
    return shops.sort(_unwrapped(document), _KINDS, TITLE, terms)


def _unwrapped(document: Any) -> Any:
    """The list a search answers with."""
    if isinstance(document, dict) and isinstance(document.get("items"), list) and "search_criteria" in document:
        return document["items"]
    return document


def _order(node: Node, terms: Terms) -> list[Act]:
    return [PlaceOrder(orders.order(node, terms))]


def _invoice(node: Node, terms: Terms) -> Sequence[Act] | Meaning:
    order_ref = node.number_id("order_id", needed=True)
    payment, why = orders.invoice(node)
    node.faults.raise_if_any()
    return [RecordPayments(order_ref, (checked_payment(payment),))] if payment else ignored(why)


def _credit_memo(node: Node, terms: Terms) -> Sequence[Act] | Meaning:
    if why := orders.credit_memo_is_idle(node):
        return ignored(why)
    return [RecordRefund(orders.credit_memo(node))]


def _event(node: Node, terms: Terms) -> Sequence[Act] | Meaning:
    said = node.text("type", 200).lower()
    data = node.object("data") or node.at("data")
    value = data.object("value") or data
    for words, key in _EVENTS.items():
        if words in said:
            return shops.ask("order", value.number_id(key, needed=True), terms)
    for words, reason in _NOT_TAKEN.items():
        if words in said:
            return ignored(reason)
    node.at("type").fault(f"is an event Backroom has no word for: {said[:80]!r}")
    return []


def _error(node: Node, terms: Terms) -> Meaning:
    raise unparsable(f"it is an error Magento answered with: {node.text('message', 160)}")


_KINDS = (
    kind("specversion type data", _event),
    kind("order_id adjustment grand_total", _credit_memo),
    kind("order_id creditmemo_status grand_total", _credit_memo),
    kind("order_id adjustment_negative grand_total", _credit_memo),
    kind("order_id tracks", "what has left is read from the order itself, whose update follows every shipment"),
    kind("order_id packages", "what has left is read from the order itself, whose update follows every shipment"),
    kind("order_id order_currency_code grand_total", _invoice),
    kind("increment_id grand_total items", _order),
    kind("order_currency_code grand_total billing_address", _order),
    kind("txn_type transaction_id", "transactions say no amount: money is taken from invoices and credit memos"),
    kind("order_increment_id items", _NOT_TAKEN["rma"]),
    kind("source_selection_items", "Backroom sources orders itself"),
    kind("payment_methods totals", _CART),
    kind("grand_total total_segments", _CART),
    kind("items is_active items_qty", _CART),
    kind("id items is_active", _CART),
    kind("comment parent_id", "comments on an order are kept in Magento"),
    kind("comment is_customer_notified", "comments on an order are kept in Magento"),
    kind("qty is_in_stock", "one figure for all of the shop; source items say it by place"),
    kind("sku attribute_set_id", _RANGE),
    kind("sku type_id", _RANGE),
    kind("attribute_code", _RANGE),
    kind("level path", _RANGE),
    kind("name children_data", _RANGE),
    kind("email group_id", _CUSTOMER),
    kind("rule_id", "discounts reach Backroom on the orders they apply to"),
    kind("website_id code", _SETTINGS),
    kind("base_currency_code timezone", _SETTINGS),
    kind("stock_id name", "sources and places are kept in Backroom"),
    kind("source_code name", "sources and places are kept in Backroom"),
    kind("message parameters", _error),
    kind("message trace", _error),
)
