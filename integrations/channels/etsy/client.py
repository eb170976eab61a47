"""Calls to Etsy's Open API v3: receipts read as they change, parcels told.

A connection has the settings `client_id` (the app's keystring) and `shop_id`, and the secrets `shared_secret` and
`refresh_token` (OAuth 2 with PKCE; scopes transactions_r, transactions_w, listings_r, listings_w). Each renewal brings
the next refresh token, which replaces the one that was kept.

Etsy marks the whole receipt as sent with its first parcel, so parcels wait and are told once all of an order has left.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from core.errors import Permanent, TryLater
from integrations import http, tokens
from integrations.channels.news import ShipmentNews
from integrations.channels.vendor import Document, Feed, Page
from integrations.channels.walking import Walk
from integrations.documents import write_json
from integrations.models import Connection

API = "https://api.etsy.com"
AT_ONCE = 100
WAITS = 900.0  # seconds until a parcel looks again whether all has left


def can_be_called(connection: Connection) -> bool:
    return bool(connection.settings.get("client_id") and connection.settings.get("shop_id"))


def call(
    connection: Connection,
    method: str,
    path: str,
    *,
    purpose: str,
    body: bytes | None = None,
    kind: str = "application/json",
    **asked: Any,
) -> Any:
    base = str(connection.settings.get("api") or API).rstrip("/")
    client, secret, _ = tokens.needed(connection, ["client_id"], ["shared_secret", tokens.REFRESH])
    url = f"{base}/v3/application/{path}" + (f"?{urlencode(asked)}" if asked else "")

    def renew() -> tuple[str, float]:
        def ask(refresh: str) -> dict[str, Any]:
            form = {"grant_type": "refresh_token", "client_id": client, "refresh_token": refresh}
            return tokens.ask(connection, f"{base}/v3/public/oauth/token", form)

        return tokens.lasting(tokens.rotated(connection, ask))

    def make(token: str) -> http.Answer:
        headers = {"x-api-key": f"{client}:{secret}", "Authorization": f"Bearer {token}", "Content-Type": kind}
        return http.request(connection, method, url, purpose=purpose, headers=headers, content=body)

    answer = tokens.call(connection, client + secret, renew, make)
    return answer.json() if answer.body.strip() else None


# --- Receipts in


def changed_receipts(connection: Connection, cursor: str) -> Page:
    """A page of the receipts that changed since, in the order they were made, which changes don't disturb.

    Without an end: a receipt that changed under way would leave the window and let another slip past the offset.
    """
    walk = Walk.at(cursor, datetime.now(UTC))
    answer = call(
        connection, "GET", f"shops/{connection.settings['shop_id']}/receipts", purpose="list changed receipts",
        min_last_modified=int(walk.since.timestamp()), limit=AT_ONCE,
        offset=(walk.page - 1) * AT_ONCE, sort_on="created", sort_order="asc",
    )  # fmt: skip
    receipts = tokens.listed(answer, "results")
    more = len(receipts) >= AT_ONCE
    return Page(tuple(map(_document, receipts)), walk.onward(more=more), more)


FEEDS = (Feed("orders", "Changed receipts", timedelta(minutes=5), changed_receipts),)


def fetch(connection: Connection, what: str, ref: str) -> list[Document]:
    if what not in {"receipt", "order"}:
        raise Permanent(f"Etsy is not asked for {what}.")
    return [_document(_receipt(connection, ref))]


def _receipt(connection: Connection, ref: str) -> dict[str, Any]:
    path = f"shops/{connection.settings['shop_id']}/receipts/{int(ref)}"
    found = call(connection, "GET", path, purpose="read receipt")
    if not isinstance(found, dict):
        raise Permanent(f"Etsy knows no receipt {ref}.")
    return found


def _document(receipt: dict[str, Any]) -> Document:
    return Document.named_by_itself(f"receipt:{receipt.get('receipt_id')}", write_json(receipt))


# --- Parcels out


def tell_shipment(connection: Connection, news: ShipmentNews) -> str:
    """Add the parcel to the receipt, once: one that bears its number is there already."""
    if not news.completes:
        raise TryLater("The rest of the order has not left yet.", seconds=WAITS, spends_attempt=False)
    receipt = _receipt(connection, news.order_ref)
    for each in tokens.listed(receipt, "shipments"):
        if str(each.get("tracking_code") or "") == news.tracking_number:
            return str(each.get("receipt_shipping_id") or news.order_ref)
    path = f"shops/{connection.settings['shop_id']}/receipts/{int(news.order_ref)}"
    form: dict[str, Any] = {"was_shipped": "true"}
    if news.tracking_number:
        names = connection.settings.get("carriers") or {}
        form = {"tracking_code": news.tracking_number, "carrier_name": names.get(news.carrier) or "other"}
    elif receipt.get("is_shipped"):
        return news.order_ref
    method, path = ("POST", f"{path}/tracking") if news.tracking_number else ("PUT", path)
    content, kind = urlencode(form).encode(), "application/x-www-form-urlencoded"
    told = call(connection, method, path, purpose="tell parcel", body=content, kind=kind)
    parcels = tokens.listed(told, "shipments")
    return str(parcels[-1].get("receipt_shipping_id") or news.order_ref) if parcels else news.order_ref
