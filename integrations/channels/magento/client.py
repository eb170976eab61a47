"""Calls to Magento's REST API.

A shop's connection has the setting `base_url` (https://shop.example, without /rest) and the secret `token` (an
integration's access token).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
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
from inventory.services.figures import Level
from inventory.services.publishing import Outcome

PER_PAGE = 50
AT_ONCE = 100


def can_be_called(connection: Connection) -> bool:
    return bool(connection.settings.get("base_url"))


def call(
    connection: Connection,
    method: str,
    path: str,
    *,
    purpose: str,
    json: Any = None,
    asked: dict[str, Any] | None = None,
) -> Any:
    base = str(connection.settings.get("base_url") or "").rstrip("/")
    if not base:
        raise Permanent(f"{connection.name} has no base_url in its settings.")
    headers = {"Authorization": f"Bearer {connection.secret('token')}", "Content-Type": "application/json"}
    query = f"?{urlencode(asked)}" if asked else ""
    url = f"{base}/rest/V1/{path}{query}"
    answer = http.request(connection, method, url, purpose=purpose, headers=headers, json=json)
    return answer.json() if answer.body.strip() else None


# --- Orders in


def changed(path: str, name: str, walk: Walk, connection: Connection) -> tuple[list[dict[str, Any]], bool]:
    """A page of what changed. Magento repeats its last page beyond the end, so its count says if there is more."""
    at = walk.since.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    given = "searchCriteria"
    asked = {
        f"{given}[filterGroups][0][filters][0][field]": "updated_at",
        f"{given}[filterGroups][0][filters][0][value]": at,
        f"{given}[filterGroups][0][filters][0][conditionType]": "gteq",
        f"{given}[sortOrders][0][field]": "entity_id",
        f"{given}[sortOrders][0][direction]": "ASC",
        f"{given}[pageSize]": PER_PAGE,
        f"{given}[currentPage]": walk.page,
    }
    answer = call(connection, "GET", path, purpose=f"ask for changed {name}", asked=asked)
    listed = answer.get("items") if isinstance(answer, dict) else None
    if listed is not None and not isinstance(listed, list):
        raise Permanent(f"The answer holds no list of {name}.")
    return listed or [], walk.page * PER_PAGE < int(answer.get("total_count") or 0)


def _feed(path: str, name: str, title: str) -> Feed:
    def page(connection: Connection, cursor: str) -> Page:
        walk = Walk.at(cursor, datetime.now(UTC))
        listed, more = changed(path, name, walk, connection)
        return Page(tuple(_document(name, each) for each in listed), walk.onward(more=more), more)

    return Feed(name, title, timedelta(minutes=2), page)


def _document(name: str, found: dict[str, Any]) -> Document:
    version = f"{found.get('updated_at')}:{found.get('state')}"
    return Document(f"{name}:{found.get('entity_id')}@{version}", name, write_json(found))


FEEDS = (
    _feed("orders", "orders", "Orders"),
    _feed("invoices", "invoices", "Invoices"),
    _feed("creditmemos", "creditmemos", "Credit memos"),
)


def fetch(connection: Connection, what: str, ref: str) -> list[Document]:
    return [_document("orders", _order(connection, ref))]


def _order(connection: Connection, ref: str) -> dict[str, Any]:
    found = call(connection, "GET", f"orders/{ref}", purpose="read order")
    if not isinstance(found, dict):
        raise Permanent(f"Magento knows no order {ref}.")
    return found


# --- Out


def tell_shipment(connection: Connection, news: ShipmentNews) -> str:
    """Ship the order's items once: a shipment with our reference in a comment, or our number, is there already."""
    mark = f"[{news.reference}]"
    given = "searchCriteria[filterGroups][0][filters][0]"
    asked = {f"{given}[field]": "order_id", f"{given}[value]": news.order_ref}
    answer = call(connection, "GET", "shipments", purpose="read shipments", asked=asked)
    for each in (answer or {}).get("items") or []:
        numbers = {track.get("track_number") for track in each.get("tracks") or []} - {"", None}
        marked = any(mark in str(comment.get("comment")) for comment in each.get("comments") or [])
        if marked or news.tracking_number in numbers:
            return str(each["entity_id"])
    units: Counter[str] = Counter()
    for ref, quantity in news.lines:
        units[ref] += quantity
    body: dict[str, Any] = {
        "items": [{"order_item_id": int(ref), "qty": count} for ref, count in units.items()],
        "notify": bool(connection.settings.get("notify_customer", True)),
        "appendComment": True,
        "comment": {"comment": f"Backroom {mark}", "is_visible_on_front": 0},
    }
    if news.tracking_number:
        title = news.carrier or "Carrier"
        body["tracks"] = [{"track_number": news.tracking_number, "title": title, "carrier_code": "custom"}]
    if source := connection.settings.get("ship_source"):
        body["arguments"] = {"extension_attributes": {"source_code": str(source)}}
    return str(call(connection, "POST", f"order/{news.order_ref}/ship", purpose="create shipment", json=body))


def tell_change(connection: Connection, news: ChangeNews, memory: ChangeMemory) -> str:
    """Cancel the order. Magento changes a placed order in no other way."""
    if not news.cancels:
        raise Permanent("Magento can be told of a cancelled order only: change it there.")
    if _order(connection, news.order_ref).get("state") == "canceled":
        return "It was cancelled at Magento already."
    if call(connection, "POST", f"orders/{news.order_ref}/cancel", purpose="cancel order") is not True:
        raise Permanent("Magento doesn't cancel the order (what is invoiced is credited there).")
    return "It is cancelled at Magento."


def set_levels(connection: Connection, levels: Sequence[Level], key: str) -> list[Outcome]:
    """Quantities by source (`stock_location`, "default" by default, or `stock_locations` by place of ours)."""
    settings = connection.settings
    theirs = {"": str(settings.get("stock_location") or "default"), **(settings.get("stock_locations") or {})}
    rows: list[tuple[int, dict[str, Any]]] = []
    for level in levels:
        for place, units in level.units.items():
            if (source := theirs.get(place)) and level.codes:
                row = {"sku": level.ref or level.codes[0], "source_code": str(source), "quantity": units}
                rows.append((level.item_id, row | {"status": int(units > 0)}))
    problems: dict[int, str] = {}
    for start in range(0, len(rows), AT_ONCE):
        problems |= _set(connection, rows[start : start + AT_ONCE])
    told = {item for item, _ in rows}
    unplaced = "It lies at no place that is a source there."
    return [
        Outcome(
            each.item_id,
            each.ref or (each.codes[0] if each.codes else ""),
            not each.codes,
            problems.get(each.item_id, "" if each.item_id in told or not each.codes else unplaced),
        )
        for each in levels
    ]


def _set(connection: Connection, rows: list[tuple[int, dict[str, Any]]]) -> dict[int, str]:
    """What Magento refused of these, by item. It takes all of a list or nothing, so a refused one is halved until the
    rows at fault stand alone."""
    given = {"sourceItems": [row for _, row in rows]}
    try:
        call(connection, "POST", "inventory/source-items", purpose="set stock", json=given)
    except http.FailedForGood as refused:
        if refused.status != 400:
            raise
        if len(rows) == 1:
            return {rows[0][0]: str(refused)[:300]}
        half = len(rows) // 2
        return _set(connection, rows[:half]) | _set(connection, rows[half:])
    return {}
