"""Calls to Walmart's Marketplace API: orders read and acknowledged, shipments and cancellations told, stock set.

A connection has the setting `client_id` and the secret `client_secret`; a token is good for a quarter of an hour.
Orders come by two feeds: those released and not acknowledged yet, which are acknowledged as they are read (Walmart
wants that within four hours; `"acknowledge": false` leaves it to somebody else), and all that changed, which also finds
an order whose acknowledgement was made and whose document was lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

from core.errors import Permanent
from integrations import aliases, http, tokens
from integrations.channels import cancelling
from integrations.channels.news import ChangeMemory, ChangeNews, ShipmentNews
from integrations.channels.vendor import Document, Feed, Page
from integrations.channels.walking import FIRST, Walk
from integrations.documents import write_json
from integrations.models import AliasKind, Connection

API = "https://marketplace.walmartapis.com"
AT_ONCE = 100
CARRIERS = {name.upper(): name for name in ("UPS", "USPS", "FedEx", "OnTrac", "DHL", "LaserShip", "Pilot", "UDS")}
_EACH = "EACH"


def can_be_called(connection: Connection) -> bool:
    return bool(connection.settings.get("client_id"))


def call(connection: Connection, method: str, path: str, *, purpose: str, json: Any = None) -> Any:
    base = str(connection.settings.get("api") or API).rstrip("/")
    client, secret = tokens.needed(connection, ["client_id"], ["client_secret"])

    def headers(**more: str) -> dict[str, str]:
        return {"WM_SVC.NAME": "Walmart Marketplace", "WM_QOS.CORRELATION_ID": str(uuid4()), **more}

    def renew() -> tuple[str, float]:
        form = {"grant_type": "client_credentials"}
        pair = (client, secret)
        return tokens.lasting(tokens.ask(connection, f"{base}/v3/token", form, client=pair, headers=headers()))

    def make(token: str) -> http.Answer:
        sent = headers(**{"WM_SEC.ACCESS_TOKEN": token})
        return http.request(connection, method, base + path, purpose=purpose, headers=sent, json=json)

    answer = tokens.call(connection, client + secret, renew, make)
    return answer.json() if answer.body.strip() else None


# --- Orders in


def released(connection: Connection, cursor: str) -> Page:
    """Orders nobody has acknowledged, whenever they were made; each look begins from the start."""
    walk = Walk.at(cursor, datetime.now(UTC))
    window = {"createdStartDate": _written(walk.began - FIRST)}
    return _walked(connection, walk, "/v3/orders/released", window, acknowledge=True)


def changed_orders(connection: Connection, cursor: str) -> Page:
    walk = Walk.at(cursor, datetime.now(UTC))
    window = {"lastModifiedStartDate": _written(walk.since), "lastModifiedEndDate": _written(walk.began)}
    return _walked(connection, walk, "/v3/orders", window)


def _walked(
    connection: Connection, walk: Walk, path: str, window: dict[str, str], *, acknowledge: bool = False
) -> Page:
    """A page of a list. Walmart names the next one by a whole query."""
    query = walk.token or "?" + urlencode({**window, "limit": AT_ONCE})
    try:
        answer = call(connection, "GET", path + query, purpose="list orders")
    except http.FailedForGood as refused:
        return walk.afresh(refused)
    page = answer.get("list") if isinstance(answer, dict) else None
    if not isinstance(page, dict):
        raise Permanent("Walmart's answer holds no list of orders.")
    orders = tokens.listed(page.get("elements"), "order")
    if acknowledge and connection.settings.get("acknowledge", True):
        orders = [_acknowledged(connection, order) for order in orders]
    following = str((page.get("meta") or {}).get("nextCursor") or "")
    return Page(tuple(map(_document, orders)), walk.onward(more=bool(following), token=following), bool(following))


FEEDS = (
    Feed("orders", "Changed orders", timedelta(minutes=10), changed_orders),
    Feed("released", "Released orders", timedelta(minutes=5), released),
)


def fetch(connection: Connection, what: str, ref: str) -> list[Document]:
    if what != "order":
        raise Permanent(f"Walmart is not asked for {what}.")
    return [_document(_order(connection, ref))]


def _order(connection: Connection, ref: str) -> dict[str, Any]:
    answer = call(connection, "GET", f"/v3/orders/{quote(ref, safe='')}", purpose="read order")
    found = answer.get("order") if isinstance(answer, dict) else None
    if not isinstance(found, dict):
        raise Permanent(f"Walmart's answer holds no order {ref}.")
    return found


def _acknowledged(connection: Connection, order: dict[str, Any]) -> dict[str, Any]:
    path = f"/v3/orders/{order.get('purchaseOrderId')}/acknowledge"
    answer = call(connection, "POST", path, purpose="acknowledge order")
    return (answer or {}).get("order") or order


def _document(order: dict[str, Any]) -> Document:
    return Document.named_by_itself(f"order:{order.get('purchaseOrderId')}", write_json({"order": order}))


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


# --- Shipments and cancellations out


def tell_shipment(connection: Connection, news: ShipmentNews) -> str:
    """Mark the lines as shipped under this number, once: those that bear it are there already."""
    if not news.tracking_number:
        raise Permanent("Walmart takes no shipment without a tracking number.")
    order = _order(connection, news.order_ref)
    told = {line for line, state in _states(order) if _number(state) == news.tracking_number}
    left = [(ref, units) for ref, units in news.lines if ref not in told]
    if left:
        if any(str(state.get("status")).upper() == "CREATED" for _, state in _states(order)):
            _acknowledged(connection, order)
        lines = [_line(ref, "Shipped", units, trackingInfo=_tracking(connection, news, order)) for ref, units in left]
        given = {"orderShipment": {"orderLines": {"orderLine": lines}}}
        path = f"/v3/orders/{quote(news.order_ref, safe='')}/shipping"
        call(connection, "POST", path, purpose="ship order lines", json=given)
    return f"{news.order_ref}:{news.tracking_number}"


def _tracking(connection: Connection, news: ShipmentNews, order: dict[str, Any]) -> dict[str, Any]:
    named = str(aliases.outward(connection, AliasKind.CARRIER, "carriers").get(news.carrier) or news.carrier)
    known = CARRIERS.get(named.upper())
    tracking = {
        "shipDateTime": int(datetime.now(UTC).timestamp() * 1000),
        "carrierName": {"carrier": known} if known else {"otherCarrier": named or "Other"},
        "methodCode": (order.get("shippingInfo") or {}).get("methodCode") or "Standard",
        "trackingNumber": news.tracking_number,
    }
    return tracking | ({"trackingURL": news.tracking_url} if news.tracking_url else {})


def tell_change(connection: Connection, news: ChangeNews, memory: ChangeMemory) -> str:
    """Cancel the units that are no longer wanted, of each line as many as are not cancelled there yet."""
    standing: dict[str, int] = {}
    for line, state in _states(_order(connection, news.order_ref)):
        units = int((state.get("statusQuantity") or {}).get("amount") or 0)
        standing[line] = standing.get(line, 0) + (units if str(state.get("status")).upper() != "CANCELLED" else 0)
    off = cancelling.units_off(news, standing, "Walmart")
    if not off:
        return "It was cancelled at Walmart already."
    reason = str(connection.settings.get("cancel_reason") or "CANCEL_BY_SELLER")
    lines = [_line(ref, "Cancelled", units, cancellationReason=reason) for ref, units in off.items()]
    path = f"/v3/orders/{quote(news.order_ref, safe='')}/cancel"
    given = {"orderCancellation": {"orderLines": {"orderLine": lines}}}
    call(connection, "POST", path, purpose="cancel order lines", json=given)
    return "It is cancelled at Walmart."


def _line(ref: str, status: str, units: int, **more: Any) -> dict[str, Any]:
    quantity = {"unitOfMeasurement": _EACH, "amount": str(units)}
    state = {"status": status, "statusQuantity": quantity, **more}
    return {"lineNumber": ref, "orderLineStatuses": {"orderLineStatus": [state]}}


def _states(order: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for line in tokens.listed(order.get("orderLines"), "orderLine"):
        for state in tokens.listed(line.get("orderLineStatuses"), "orderLineStatus"):
            yield str(line.get("lineNumber")), state


def _number(state: dict[str, Any]) -> str:
    return str((state.get("trackingInfo") or {}).get("trackingNumber") or "")
