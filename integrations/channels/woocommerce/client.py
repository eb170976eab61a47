"""Calls to WooCommerce's REST API v3.

A shop's connection has the setting `shop` (https://shop.example) and the secrets `key` and `secret` (a REST key with
read and write access), sent as HTTP's basic authentication.
"""

from __future__ import annotations

import base64
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from core.errors import Permanent
from integrations import http
from integrations.channels.news import ChangeMemory, ChangeNews, ShipmentNews
from integrations.channels.vendor import Document, Feed, Page
from integrations.channels.walking import Walk
from integrations.documents import write_json
from integrations.models import Connection

PER_PAGE = 50
# An order's own note of what of it left: one key a shipment, so that two at once don't overwrite each other.
SHIPPED = "_backroom_shipment_"


def can_be_called(connection: Connection) -> bool:
    return bool(connection.settings.get("shop"))


def call(connection: Connection, method: str, path: str, *, purpose: str, json: Any = None, **asked: Any) -> Any:
    shop = str(connection.settings.get("shop") or "").rstrip("/")
    if not shop:
        raise Permanent(f"{connection.name} has no shop address in its settings.")
    pair = f"{connection.secret('key')}:{connection.secret('secret')}".encode()
    headers = {"Authorization": f"Basic {base64.b64encode(pair).decode()}", "Accept": "application/json"}
    query = f"?{urlencode(asked)}" if asked else ""
    answer = http.request(
        connection, method, f"{shop}/wp-json/{path}{query}", purpose=purpose, headers=headers, json=json
    )
    return answer.json() if answer.body.strip() else None


# --- Orders in


def changed_orders(connection: Connection, cursor: str) -> Page:
    """Orders that changed, by id: WooCommerce doesn't sort by the time of a change."""
    walk = Walk.at(cursor, datetime.now(UTC))
    since = walk.since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    listed = call(
        connection, "GET", "wc/v3/orders", purpose="ask for changed orders", modified_after=since, dates_are_gmt="true",
        orderby="id", order="asc", per_page=PER_PAGE, page=walk.page, status="any",
    )  # fmt: skip
    if not isinstance(listed, list):
        raise Permanent("The answer holds no list of orders.")
    more = len(listed) >= PER_PAGE
    return Page(tuple(_document(connection, each) for each in listed), walk.onward(more=more), more)


def fetch(connection: Connection, what: str, ref: str) -> list[Document]:
    return [_document(connection, order(connection, ref))]


def order(connection: Connection, ref: str) -> dict[str, Any]:
    found = call(connection, "GET", f"wc/v3/orders/{ref}", purpose="read order")
    if not isinstance(found, dict):
        raise Permanent(f"WooCommerce knows no order {ref}.")
    return found


def _document(connection: Connection, found: dict[str, Any]) -> Document:
    """The order with what its refunds were of, which it only lists by id."""
    refunds = found.get("refunds") or []
    if refunds:
        path = f"wc/v3/orders/{found.get('id')}/refunds"
        refunds = call(connection, "GET", path, purpose="read refunds", per_page=100)
        found = found | {"refunds": refunds}
    version = f"{found.get('date_modified_gmt')}:{found.get('status')}:{len(refunds)}"
    return Document(f"order:{found.get('id')}@{version}", "order", write_json(found))


FEEDS = (Feed("orders", "Orders", timedelta(minutes=5), changed_orders),)


# --- Shipments and changes out


def tell_shipment(connection: Connection, news: ShipmentNews) -> str:
    """Note the parcel on the order, once, and complete the order when all of it has left.

    `"tracking": "shipment_tracking"` in the settings uses the Shipment Tracking extension, else the customer gets a
    note. What is there already (by number, or by our reference in a note) isn't written again.
    """
    found = order(connection, news.order_ref)
    if found.get("status") == "cancelled":
        raise Permanent(f"WooCommerce has cancelled order {news.order_ref}.")
    key = f"{SHIPPED}{news.reference}"
    if key not in {meta.get("key") for meta in found.get("meta_data") or []}:
        if connection.settings.get("tracking") == "shipment_tracking":
            _tracking(connection, news)
        else:
            _note(connection, news)
        told = {"meta_data": [{"key": key, "value": dict(_units(news))}]}
        found = call(connection, "PUT", f"wc/v3/orders/{news.order_ref}", purpose="keep what left", json=told)
    if found.get("status") != "completed" and _all_left(found):
        done = {"status": "completed"}
        call(connection, "PUT", f"wc/v3/orders/{news.order_ref}", purpose="complete order", json=done)
    return f"{news.order_ref}:{news.reference}"


def _units(news: ShipmentNews) -> Counter[str]:
    units: Counter[str] = Counter()
    for ref, quantity in news.lines:
        units[ref] += quantity
    return units


def _tracking(connection: Connection, news: ShipmentNews) -> None:
    path = f"wc-shipment-tracking/v3/orders/{news.order_ref}/shipment-trackings"
    number = news.tracking_number or news.reference
    there = call(connection, "GET", path, purpose="read trackings") or []
    if any(each.get("tracking_number") == number for each in there):
        return
    given = {"custom_tracking_provider": news.carrier or "-", "tracking_number": number}
    if news.tracking_url:
        given["custom_tracking_link"] = news.tracking_url
    call(connection, "POST", path, purpose="add tracking", json=given)


def _note(connection: Connection, news: ShipmentNews) -> None:
    path = f"wc/v3/orders/{news.order_ref}/notes"
    there = call(connection, "GET", path, purpose="read notes") or []
    if any(f"[{news.reference}]" in str(each.get("note")) for each in there):
        return
    parts = (news.carrier, news.tracking_number, news.tracking_url, f"[{news.reference}]")
    words = "Shipped: " + " ".join(filter(None, parts))
    customer = bool(connection.settings.get("notify_customer", True))
    call(connection, "POST", path, purpose="add note", json={"note": words, "customer_note": customer})


def _all_left(found: dict[str, Any]) -> bool:
    left: Counter[str] = Counter()
    for meta in found.get("meta_data") or []:
        if str(meta.get("key", "")).startswith(SHIPPED) and isinstance(meta.get("value"), dict):
            left.update({str(ref): int(units) for ref, units in meta["value"].items()})
    return all(left[str(line.get("id"))] >= int(line.get("quantity") or 0) for line in found.get("line_items") or [])


_FIELDS = {
    "company": "company", "line1": "address_1", "line2": "address_2", "city": "city", "region": "state",
    "postal_code": "postcode", "country": "country", "phone": "phone",
}  # fmt: skip


def tell_change(connection: Connection, news: ChangeNews, memory: ChangeMemory) -> str:
    """Cancel the order, or send it elsewhere. WooCommerce wants prices with other quantities: that is done by hand."""
    found = order(connection, news.order_ref)
    path = f"wc/v3/orders/{news.order_ref}"
    if news.cancels:
        if found.get("status") == "cancelled":
            return "It was cancelled at WooCommerce already."
        if found.get("status") == "completed":
            raise Permanent("WooCommerce has completed the order: cancel or refund it there.")
        call(connection, "PUT", path, purpose="cancel order", json={"status": "cancelled"})
        return "It is cancelled at WooCommerce."
    if "address" in news.kinds and news.ship_to:
        given = {theirs: str(news.ship_to.get(ours) or "") for ours, theirs in _FIELDS.items()}
        given["first_name"], _, given["last_name"] = str(news.ship_to.get("name") or "").rpartition(" ")
        if any((found.get("shipping") or {}).get(key, "") != value for key, value in given.items()):
            call(connection, "PUT", path, purpose="change address", json={"shipping": given})
    if news.kinds - {"address"}:
        raise Permanent(
            "WooCommerce can't be told of other quantities, articles or ways of delivery: change them there."
        )
    return "It goes to the new address at WooCommerce too."
