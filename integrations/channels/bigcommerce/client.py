"""Calls to BigCommerce's V2 and V3 REST API.

A store's connection has the setting `store_hash` and the secret `token` (an API account's access token). A list that is
empty is answered with 204 and no body.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
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

API = "https://api.bigcommerce.com"
# Orders of one page of the feed: each takes five calls more, and a page of which one call fails is asked for again.
PER_PAGE = 1
LISTED_AT_MOST = 250
AT_ONCE = 10  # items in one adjustment
CANCELLED = 5
_PARTS = {
    "products": "v2/orders/{ref}/products",
    "shipping_addresses": "v2/orders/{ref}/shipping_addresses",
    "shipments": "v2/orders/{ref}/shipments",
    "refunds": "v3/orders/{ref}/payment_actions/refunds",
    "transactions": "v3/orders/{ref}/transactions",
}


def can_be_called(connection: Connection) -> bool:
    return bool(connection.settings.get("store_hash"))


def call(connection: Connection, method: str, path: str, *, purpose: str, json: Any = None, **asked: Any) -> Any:
    """One call; a list for an answer without a body."""
    store = connection.settings.get("store_hash")
    if not store:
        raise Permanent(f"{connection.name} has no store_hash in its settings.")
    base = str(connection.settings.get("api_url") or API).rstrip("/")
    headers = {"X-Auth-Token": connection.secret("token"), "Accept": "application/json"}
    query = f"?{urlencode(asked)}" if asked else ""
    url = f"{base}/stores/{store}/{path}{query}"
    answer = http.request(connection, method, url, purpose=purpose, headers=headers, json=json)
    return answer.json() if answer.body.strip() else []


# --- Orders in


def changed_orders(connection: Connection, cursor: str) -> Page:
    walk = Walk.at(cursor, datetime.now(UTC))
    listed = call(
        connection, "GET", "v2/orders", purpose="ask for changed orders", min_date_modified=walk.since.isoformat(),
        sort="id:asc", limit=PER_PAGE, page=walk.page,
    )  # fmt: skip
    more = len(listed) >= PER_PAGE
    return Page(tuple(_document(connection, each) for each in listed), walk.onward(more=more), more)


def fetch(connection: Connection, what: str, ref: str) -> list[Document]:
    return [_document(connection, _order(connection, ref))]


def _order(connection: Connection, ref: str) -> dict[str, Any]:
    found = call(connection, "GET", f"v2/orders/{ref}", purpose="read order")
    if not isinstance(found, dict):
        raise Permanent(f"BigCommerce knows no order {ref}.")
    return found


def _document(connection: Connection, order: dict[str, Any]) -> Document:
    """The order and all that BigCommerce keeps elsewhere of it, as one document.

    A part that isn't there is left empty: an order listed and then deleted is one message that says what it lacks, and
    holds up none after it.
    """
    ref = order.get("id")
    parts: dict[str, list[Any]] = {}
    absent = ""
    for name, path in _PARTS.items():
        try:
            parts[name] = _all(connection, path.format(ref=ref), name)
        except http.FailedForGood as refused:
            if refused.status != HTTPStatus.NOT_FOUND:
                raise
            parts[name], absent = [], f"{absent}:no {name}"
    counts = ".".join(str(len(parts[name])) for name in ("shipments", "refunds", "transactions"))
    version = f"{order.get('date_modified')}:{order.get('status_id')}:{counts}{absent}"
    return Document(f"order:{ref}@{version}", "order", write_json({"order": order, **parts}))


def _all(connection: Connection, path: str, name: str) -> list[Any]:
    """Every page of a list; V3 wraps it in `data`."""
    found: list[Any] = []
    page = 1
    while True:
        answer = call(connection, "GET", path, purpose=f"read {name}", limit=LISTED_AT_MOST, page=page)
        listed = answer.get("data") if isinstance(answer, dict) else answer
        if not isinstance(listed, list):
            raise Permanent(f"The answer holds no list of {name}.")
        found += listed
        if len(listed) < LISTED_AT_MOST:
            return found
        page += 1


FEEDS = (Feed("orders", "Orders", timedelta(minutes=5), changed_orders),)


# --- Out


def tell_shipment(connection: Connection, news: ShipmentNews) -> str:
    """Make the shipment once: one that bears our reference in its comments is there already."""
    mark = f"[{news.reference}]"
    for each in _all(connection, _PARTS["shipments"].format(ref=news.order_ref), "shipments"):
        if mark in str(each.get("comments")):
            return str(each["id"])
    products = {str(each["id"]): each for each in _all(connection, f"v2/orders/{news.order_ref}/products", "products")}
    units: Counter[str] = Counter()
    for ref, quantity in news.lines:
        units[ref] += quantity
    missing = [ref for ref in units if ref not in products]
    if missing:
        raise Permanent(f"BigCommerce's order {news.order_ref} has no product {', '.join(missing)}.")
    given = {
        "order_address_id": products[next(iter(units))]["order_address_id"],
        "tracking_number": news.tracking_number,
        "tracking_link": news.tracking_url,
        "shipping_method": news.carrier,
        "comments": f"Backroom {mark}",
        "items": [{"order_product_id": int(ref), "quantity": count} for ref, count in units.items()],
    }
    made = call(connection, "POST", f"v2/orders/{news.order_ref}/shipments", purpose="create shipment", json=given)
    return str(made["id"])


def tell_change(connection: Connection, news: ChangeNews, memory: ChangeMemory) -> str:
    """Cancel the order. Everything else is done by hand: BigCommerce recalculates an order it is told to change."""
    if not news.cancels:
        raise Permanent("BigCommerce can be told of a cancelled order only: change it there.")
    found = _order(connection, news.order_ref)
    if found.get("status_id") == CANCELLED:
        return "It was cancelled at BigCommerce already."
    if int(found.get("items_shipped") or 0):
        raise Permanent("BigCommerce has shipped some of the order: cancel or refund it there.")
    call(connection, "PUT", f"v2/orders/{news.order_ref}", purpose="cancel order", json={"status_id": CANCELLED})
    return "It is cancelled at BigCommerce."


def set_levels(connection: Connection, levels: Sequence[Level], key: str) -> list[Outcome]:
    """Absolute levels of variants at a location (`stock_location`, 1 by default). A repeat changes nothing."""
    refs = _variants(connection, levels)
    place = int(connection.settings.get("stock_location") or 1)
    sold = [level for level in levels if level.item_id in refs]
    problems: dict[int, str] = {}
    for start in range(0, len(sold), AT_ONCE):
        part = sold[start : start + AT_ONCE]
        items = [
            {"location_id": place, "variant_id": int(refs[level.item_id]), "quantity": max(level.total, 0)}
            for level in part
        ]
        given = {"reason": f"Backroom {key}", "items": items}
        try:
            call(connection, "PUT", "v3/inventory/adjustments/absolute", purpose="set stock", json=given)
        except http.FailedForGood as refused:
            if refused.status not in {404, 409, 422}:
                raise
            problems |= {level.item_id: str(refused)[:300] for level in part}
    return [
        Outcome(each.item_id, refs.get(each.item_id, ""), each.item_id not in refs, problems.get(each.item_id, ""))
        for each in levels
    ]


def _variants(connection: Connection, levels: Sequence[Level]) -> dict[int, str]:
    known = {level.item_id: level.ref for level in levels if level.ref}
    codes = [code for level in levels if not level.ref for code in level.codes]
    found: dict[str, str] = {}
    for start in range(0, len(codes), 50):
        asked = {"sku:in": ",".join(codes[start : start + 50]), "limit": LISTED_AT_MOST}
        answer = call(connection, "GET", "v3/catalog/variants", purpose="find variants", **asked)
        for each in answer.get("data") or [] if isinstance(answer, dict) else []:
            found.setdefault(str(each.get("sku") or ""), str(each["id"]))
    for level in levels:
        ref = next((found[code] for code in level.codes if code in found), "")
        if ref and level.item_id not in known:
            known[level.item_id] = ref
    return known
