"""Telling Amazon that an order is cancelled, which it takes as a feed and for the whole order only."""

from __future__ import annotations

import re
from xml.etree import ElementTree as Xml

from core.errors import Permanent, TryLater
from integrations import tokens
from integrations.channels.amazon import client, feeds
from integrations.channels.news import ChangeMemory, ChangeNews
from integrations.models import Connection

PAUSE = 120.0
KIND = "POST_ORDER_ACKNOWLEDGEMENT_DATA"
_SAID = re.compile(rb"<ResultDescription>([^<]{1,300})")


def tell_change(connection: Connection, news: ChangeNews, memory: ChangeMemory) -> str:
    """Cancel the order, once: the feed's id is kept before anything waits for it, and the order is read first."""
    if not news.cancels:
        raise Permanent("Amazon can be told of a cancelled order only: change it in Seller Central.")
    order = client.whole(connection, news.order_ref)
    if (order.get("fulfillment") or {}).get("fulfillmentStatus") == "CANCELLED":
        return "It is cancelled at Amazon." if memory.ref else "It was cancelled at Amazon already."
    if not memory.ref:
        items = [str(item["orderItemId"]) for item in tokens.listed(order, "orderItems")]
        content = _acknowledgement(connection, news.order_ref, items)
        memory.keep(feeds.submit(connection, KIND, content, "text/xml; charset=UTF-8"))
        raise _later()
    ended = feeds.outcome(connection, memory.ref)
    if ended is None:
        raise _later()
    state, report = ended
    said = _SAID.search(report)
    if state != feeds.DONE or said:
        words = said[1].decode("utf-8", "replace") if said else f"its feed is {state}"
        raise Permanent(f"Amazon doesn't cancel order {news.order_ref}: {words}")
    raise _later()  # taken, and not done yet


def _later() -> TryLater:
    return TryLater("Amazon works on the cancellation.", seconds=PAUSE, spends_attempt=False)


def _acknowledgement(connection: Connection, ref: str, items: list[str]) -> bytes:
    root = Xml.Element("AmazonEnvelope")
    header = Xml.SubElement(root, "Header")
    Xml.SubElement(header, "DocumentVersion").text = "1.01"
    Xml.SubElement(header, "MerchantIdentifier").text = client.seller(connection)
    Xml.SubElement(root, "MessageType").text = "OrderAcknowledgement"
    message = Xml.SubElement(root, "Message")
    Xml.SubElement(message, "MessageID").text = "1"
    told = Xml.SubElement(message, "OrderAcknowledgement")
    Xml.SubElement(told, "AmazonOrderID").text = ref
    Xml.SubElement(told, "StatusCode").text = "Failure"
    for item in items:
        each = Xml.SubElement(told, "Item")
        Xml.SubElement(each, "AmazonOrderItemCode").text = item
        Xml.SubElement(each, "CancelReason").text = str(connection.settings.get("cancel_reason") or "NoInventory")
    return Xml.tostring(root, encoding="utf-8", xml_declaration=True)
