"""Calls to eBay's Sell Fulfillment API: orders read as they change, shipments and cancellations told.

A connection has the settings `api` (https://api.ebay.com) and `client_id`, and the secrets `client_secret` and
`refresh_token`; `carriers` maps our carriers to eBay's codes where they differ.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from core.errors import Permanent
from integrations import aliases, http, tokens
from integrations.channels import signers
from integrations.channels.news import ChangeMemory, ChangeNews, ShipmentNews
from integrations.channels.vendor import Document, Feed, Page
from integrations.channels.walking import Walk
from integrations.documents import write_json
from integrations.models import AliasKind, Connection

AT_ONCE = 200
FIRST = timedelta(days=2)
_FORM = "%Y-%m-%dT%H:%M:%S.000Z"
_ORDERS = "/sell/fulfillment/v1/order"


def can_be_called(connection: Connection) -> bool:
    return bool(connection.settings.get("api"))


def changed_orders(connection: Connection, cursor: str) -> Page:
    """A page of the orders that changed since.

    Without an end: an order that changed under way would leave the window and let another slip past the offset.
    """
    walk = Walk.at(cursor, datetime.now(UTC), first=FIRST)
    query = {
        "filter": f"lastmodifieddate:[{walk.since.strftime(_FORM)}..]",
        "limit": AT_ONCE,
        "offset": (walk.page - 1) * AT_ONCE,
    }
    answer = call(connection, "GET", f"{_ORDERS}?{urlencode(query)}", purpose="list changed orders").json()
    orders = tokens.listed(answer, "orders")
    more = bool(answer.get("next") and orders)
    return Page(tuple(map(_document, orders)), walk.onward(more=more), more)


ORDERS = Feed("orders", "Changed orders", timedelta(minutes=5), changed_orders)


def missing_key(connection: Connection, cursor: str) -> Page:
    """Learn the public key that signed a notification nobody could check; eBay repeats the notification."""
    if name := signers.take(connection):
        path = f"/commerce/notification/v1/public_key/{quote(name, safe='')}"
        try:
            told = call(connection, "GET", path, purpose="get public key").json()
        except http.FailedForGood as refused:
            if refused.status not in {400, 404}:  # no key of eBay's: whoever named it is somebody else
                raise
            return Page((), cursor)
        known = {each.partition(" ")[0] for each in connection.secrets_named("webhook")}
        if name not in known and isinstance(told.get("key"), str):
            connection.keep_secret("webhook", f"{name} {told['key']}")
    return Page((), cursor)


KEYS = Feed("keys", "Keys of notifications", timedelta(minutes=1), missing_key)


def fetch(connection: Connection, what: str, ref: str) -> list[Document]:
    """An order with what has left of it."""
    if what != "order":
        raise Permanent(f"eBay is not asked for {what}.")
    order = call(connection, "GET", f"{_ORDERS}/{quote(ref, safe='')}", purpose="read order").json()
    return [_document(order | {"fulfillments": _fulfilments(connection, ref)})]


def tell_shipment(connection: Connection, news: ShipmentNews) -> str:
    """Make eBay's fulfilment of this shipment, once; returns its id.

    Fulfilments have no key of ours, so they are read first: the same number, or without a number the same lines, is the
    same shipment. eBay takes letters and digits of a number only.
    """
    number = "".join(c for c in news.tracking_number if c.isascii() and c.isalnum())
    wanted = Counter(dict(news.lines))
    for each in _fulfilments(connection, news.order_ref):
        same = Counter(
            {str(line.get("lineItemId")): int(line.get("quantity") or 0) for line in each.get("lineItems") or []}
        )
        if number == str(each.get("shipmentTrackingNumber") or "") and (number or same == wanted):
            return str(each.get("fulfillmentId"))
    body: dict[str, Any] = {"lineItems": [{"lineItemId": ref, "quantity": units} for ref, units in news.lines]}
    if number:
        codes = aliases.outward(connection, AliasKind.CARRIER, "carriers")
        body |= {"trackingNumber": number, "shippingCarrierCode": codes.get(news.carrier, news.carrier) or "OTHER"}
    path = f"{_ORDERS}/{quote(news.order_ref, safe='')}/shipping_fulfillment"
    answer = call(connection, "POST", path, purpose="create fulfilment", json=body)
    return answer.headers.get("location", "").rpartition("/")[2]


def tell_change(connection: Connection, news: ChangeNews, memory: ChangeMemory) -> str:
    """Cancel the order; eBay cancels none of its lines alone. For sellers in the EU and the UK eBay wants such calls
    signed with a key of their own, which is not done here: theirs are refused, and cancelled there by hand.
    """
    if not news.cancels:
        raise Permanent("eBay can be told of a cancelled order only: change it there.")
    path = f"{_ORDERS}/{quote(news.order_ref, safe='')}"
    state = (call(connection, "GET", path, purpose="read order").json().get("cancelStatus") or {}).get("cancelState")
    if state in {"CANCELED", "IN_PROGRESS"}:
        return "It was cancelled at eBay already."
    reason = str(connection.settings.get("cancel_reason") or "OUT_OF_STOCK_OR_CANNOT_FULFILL")
    given = {"legacyOrderId": news.order_ref, "cancelReason": reason}
    call(connection, "POST", "/post-order/v2/cancellation", purpose="cancel order", json=given, scheme="IAF")
    return "It is cancelled at eBay."


def _fulfilments(connection: Connection, ref: str) -> list[dict[str, Any]]:
    path = f"{_ORDERS}/{quote(ref, safe='')}/shipping_fulfillment"
    return tokens.listed(call(connection, "GET", path, purpose="read fulfilments").json(), "fulfillments")


def _document(order: dict[str, Any]) -> Document:
    version = (
        f"{order.get('lastModifiedDate')}+{len(order['fulfillments'])}"
        if "fulfillments" in order
        else (f"{order.get('lastModifiedDate')}")
    )
    return Document(f"order:{order.get('orderId')}@{version}", "", write_json(order))


def call(
    connection: Connection, method: str, path: str, *, purpose: str, json: Any = None, scheme: str = "Bearer"
) -> http.Answer:
    """One call; `scheme` is what the older APIs want before the same token."""
    base = str(connection.settings.get("api") or "").rstrip("/")
    client, secret, refresh = tokens.needed(connection, ["client_id"], ["client_secret", tokens.REFRESH])

    def renew() -> tuple[str, float]:
        form = {"grant_type": "refresh_token", "refresh_token": refresh}
        url = f"{base}/identity/v1/oauth2/token"
        return tokens.lasting(tokens.ask(connection, url, form, client=(client, secret)))

    def make(token: str) -> http.Answer:
        headers = {"Authorization": f"{scheme} {token}"}
        if place := connection.settings.get("marketplace"):
            headers["X-EBAY-C-MARKETPLACE-ID"] = str(place)
        return http.request(connection, method, base + path, purpose=purpose, headers=headers, json=json)

    return tokens.call(connection, refresh + secret, renew, make)
