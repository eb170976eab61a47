"""Calls to a marketplace that runs on Mirakl, as its seller: orders read, accepted and shipped, stock imported.

A connection has the setting `api` (the marketplace's own address) and the secret `api_key`; `shop_id` where the key is
good for several shops, `carriers` from our carriers to the marketplace's codes. Orders that wait to be accepted are
accepted with `"accept_orders": true` and otherwise left to a person. An order is shipped as a whole (OR23 and OR24);
where only some of it leaves, as a shipment of its own (ST01), which not every marketplace allows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from core.errors import Permanent
from integrations import http, tokens
from integrations.channels.news import ChangeMemory, ChangeNews, ShipmentNews
from integrations.channels.vendor import Document, Feed, Page
from integrations.channels.walking import Walk
from integrations.documents import write_json
from integrations.models import Connection

AT_ONCE = 100


def can_be_called(connection: Connection) -> bool:
    return bool(connection.settings.get("api"))


def call(
    connection: Connection,
    method: str,
    path: str,
    *,
    purpose: str,
    json: Any = None,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    **asked: Any,
) -> http.Answer:
    base, key = tokens.needed(connection, ["api"], ["api_key"])
    if shop := connection.settings.get("shop_id"):
        asked["shop_id"] = shop
    url = base.rstrip("/") + path + (f"?{urlencode(asked)}" if asked else "")
    sent = {"Authorization": key, **(headers or {})}
    return http.request(connection, method, url, purpose=purpose, headers=sent, json=json, content=content)


# --- Orders in


def changed_orders(connection: Connection, cursor: str) -> Page:
    """A page of the orders that changed since, in the order they were made, which changes don't disturb (OR11).

    Without an end: an order that changed under way would leave the window and let another slip past the offset.
    """
    walk = Walk.at(cursor, datetime.now(UTC))
    orders = tokens.listed(
        call(
            connection, "GET", "/api/orders", purpose="list changed orders", start_update_date=_written(walk.since),
            max=AT_ONCE, offset=(walk.page - 1) * AT_ONCE, sort="dateCreated",
            order="asc",
        ).json(),
        "orders",
    )  # fmt: skip
    if connection.settings.get("accept_orders"):
        for order in orders:
            if order.get("order_state") == "WAITING_ACCEPTANCE":
                _accept(connection, order)
    more = len(orders) >= AT_ONCE
    return Page(tuple(map(_document, orders)), walk.onward(more=more), more)


FEEDS = (Feed("orders", "Changed orders", timedelta(minutes=5), changed_orders),)


def fetch(connection: Connection, what: str, ref: str) -> list[Document]:
    if what != "order":
        raise Permanent(f"Mirakl is not asked for {what}.")
    return [_document(_order(connection, ref))]


def _order(connection: Connection, ref: str) -> dict[str, Any]:
    answer = call(connection, "GET", "/api/orders", purpose="read order", order_ids=ref).json()
    found = next((each for each in tokens.listed(answer, "orders") if each.get("order_id") == ref), None)
    if found is None:
        raise Permanent(f"Mirakl knows no order {ref}.")
    return found


def _accept(connection: Connection, order: dict[str, Any]) -> None:
    """Accept its lines (OR21). The order comes again once it may be shipped."""
    lines = [{"id": line["order_line_id"], "accepted": True} for line in tokens.listed(order, "order_lines")]
    path = f"/api/orders/{quote(str(order['order_id']), safe='')}/accept"
    call(connection, "PUT", path, purpose="accept order lines", json={"order_lines": lines})


def _document(order: dict[str, Any]) -> Document:
    return Document.named_by_itself(f"order:{order.get('order_id')}", write_json({"orders": [order]}))


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- Shipments and cancellations out


def tell_shipment(connection: Connection, news: ShipmentNews) -> str:
    """Ship the order, or what of it leaves, once: what is shipped there already isn't told again."""
    order = _order(connection, news.order_ref)
    parcels = tokens.listed(
        call(connection, "GET", "/api/shipments", purpose="read shipments", order_id=news.order_ref).json(), "data"
    )
    for each in parcels:
        if news.tracking_number and (each.get("tracking") or {}).get("tracking_number") == news.tracking_number:
            return str(each["id"])
    if parcels or not _is_all(order, news):
        return _ship_part(connection, news)
    if order.get("order_state") == "SHIPPING":
        path = f"/api/orders/{quote(news.order_ref, safe='')}"
        tracking = _tracking(connection, news)
        if order.get("shipping_tracking") != news.tracking_number:
            given = {"carrier_url" if name == "tracking_url" else name: value for name, value in tracking.items()}
            call(connection, "PUT", f"{path}/tracking", purpose="tell tracking", json=given)
        call(connection, "PUT", f"{path}/ship", purpose="ship order")
    return f"{news.order_ref}:{news.tracking_number or news.reference}"


def _is_all(order: dict[str, Any], news: ShipmentNews) -> bool:
    leaving: Counter[str] = Counter()
    for ref, units in news.lines:
        leaving[ref] += units
    return all(leaving[str(line["order_line_id"])] >= _units(line) for line in tokens.listed(order, "order_lines"))


def _units(line: dict[str, Any]) -> int:
    """What of a line is still to be delivered or was."""
    if line.get("order_line_state") in {"REFUSED", "CANCELED"}:
        return 0
    off = sum(int(each.get("quantity") or 0) for each in tokens.listed(line, "cancelations"))
    return int(line.get("quantity") or 0) - off


def _ship_part(connection: Connection, news: ShipmentNews) -> str:
    lines = [{"order_line_id": ref, "quantity": units} for ref, units in news.lines]
    parcel = {"order_id": news.order_ref, "shipped": True, "shipment_lines": lines}
    given = {"shipments": [parcel | {"tracking": _tracking(connection, news)}]}
    answer = call(connection, "POST", "/api/shipments", purpose="create shipment", json=given).json()
    made = tokens.listed(answer, "shipment_success")
    if not made:
        raise Permanent(f"Mirakl makes no shipment: {answer.get('shipment_errors')}"[:300])
    return str(made[0]["id"])


def _tracking(connection: Connection, news: ShipmentNews) -> dict[str, str]:
    """A carrier the marketplace knows by its code, any other by its name."""
    code = (connection.settings.get("carriers") or {}).get(news.carrier)
    tracking = {"carrier_code": str(code)} if code else {"carrier_name": news.carrier or "-"}
    if news.tracking_number:
        tracking["tracking_number"] = news.tracking_number
    if news.tracking_url and not code:
        tracking["tracking_url"] = news.tracking_url
    return tracking


def tell_change(connection: Connection, news: ChangeNews, memory: ChangeMemory) -> str:
    """Cancel the order (OR29). A part of it is cancelled there by hand, because that takes amounts to give back."""
    if not news.cancels:
        raise Permanent("Mirakl can be told of a cancelled order only: change it there.")
    order = _order(connection, news.order_ref)
    if order.get("order_state") in {"CANCELED", "REFUSED"}:
        return "It was cancelled at the marketplace already."
    if not order.get("can_cancel"):
        raise Permanent(f"The marketplace doesn't let order {news.order_ref} be cancelled: refund it there.")
    call(connection, "PUT", f"/api/orders/{quote(news.order_ref, safe='')}/cancel", purpose="cancel order")
    return "It is cancelled at the marketplace."
