"""Calls to TikTok Shop's Open API (202309): orders and returns read as they change, parcels told, stock set.

A connection has the settings `app_key` and `shop_cipher`, and the secrets `app_secret` and `refresh_token`, which each
renewal replaces; `carriers` maps our carriers to ids of TikTok's shipping providers, and `warehouse_id` names the
warehouse stock is set for where the shop has several. Every call is signed: HMAC-SHA256 over the path, the query in
order of its names and the body, between the app's secret.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from core.errors import Permanent
from integrations import http, tokens
from integrations.channels import cancelling
from integrations.channels.news import ChangeMemory, ChangeNews, ShipmentNews
from integrations.channels.vendor import Document, Feed, Page
from integrations.channels.walking import Walk
from integrations.documents import write_json
from integrations.failures import FailureClass
from integrations.models import Connection

API = "https://open-api.tiktokglobalshop.com"
LOGIN = "https://auth.tiktok-shops.com"
AT_ONCE = 50
TOO_MANY = 36009002


def can_be_called(connection: Connection) -> bool:
    return bool(connection.settings.get("app_key"))


def sign(secret: str, path: str, query: Mapping[str, str], body: bytes) -> str:
    """The signature of a call, which itself and the token are no part of."""
    named = "".join(f"{name}{query[name]}" for name in sorted(query) if name not in {"sign", "access_token"})
    signed = secret.encode() + path.encode() + named.encode() + body + secret.encode()
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def call(connection: Connection, method: str, path: str, *, purpose: str, given: Any = None, **asked: Any) -> Any:
    """What an answer holds under `data`; an error told in a good answer is raised as well."""
    app, secret, _ = tokens.needed(connection, ["app_key"], ["app_secret", tokens.REFRESH])
    base = str(connection.settings.get("api") or API).rstrip("/")
    body = write_json(given) if given is not None else b""

    def make(token: str) -> http.Answer:
        query = {"app_key": app, "timestamp": str(int(time.time())), **{name: str(it) for name, it in asked.items()}}
        if cipher := connection.settings.get("shop_cipher"):
            query["shop_cipher"] = str(cipher)
        query["sign"] = sign(secret, path, query, body)
        headers = {"x-tts-access-token": token, "Content-Type": "application/json"}
        url = f"{base}{path}?{urlencode(query)}"
        return http.request(connection, method, url, purpose=purpose, headers=headers, content=body or None)

    answer = tokens.call(connection, app + secret, lambda: _renewed(connection, app, secret), make).json()
    return _judged(answer, purpose)


def _renewed(connection: Connection, app: str, secret: str) -> tuple[str, float]:
    login = str(connection.settings.get("login") or LOGIN).rstrip("/")

    def ask(refresh: str) -> dict[str, Any]:
        query = {"app_key": app, "app_secret": secret, "refresh_token": refresh, "grant_type": "refresh_token"}
        url = f"{login}/api/v2/token/refresh?{urlencode(query)}"
        answer = http.request(connection, "GET", url, purpose="get access token").json()
        if isinstance(answer, dict) and answer.get("code"):
            words = f"TikTok Shop grants no access token: {answer.get('message')}"
            raise http.FailedForGood(FailureClass.AUTHENTICATION, words[:300])
        return tokens.granted(answer.get("data") if isinstance(answer, dict) else None)

    granted = tokens.rotated(connection, ask)
    return str(granted["access_token"]), float(granted.get("access_token_expire_in") or 0) - time.time()


def _judged(answer: Any, purpose: str) -> Any:
    if not isinstance(answer, dict):
        raise Permanent("TikTok Shop's answer is no object.")
    if answer.get("code") == TOO_MANY:
        raise http.FailedForNow(FailureClass.RATE_LIMIT, "TikTok Shop asks for a pause.", seconds=5.0)
    if answer.get("code"):
        words = f"TikTok Shop refuses to {purpose}: {answer.get('code')} {answer.get('message')}"
        raise http.FailedForGood(FailureClass.BAD_VALUE, words[:300])
    return answer.get("data") or {}


# --- Orders and returns in


def changed_orders(connection: Connection, cursor: str) -> Page:
    return _walked(connection, cursor, "/order/202309/orders/search", "orders", "order", "id")


def changed_returns(connection: Connection, cursor: str) -> Page:
    return _walked(connection, cursor, "/return_refund/202309/returns/search", "return_orders", "return", "return_id")


def _walked(connection: Connection, cursor: str, path: str, key: str, what: str, named: str) -> Page:
    """A page of what changed within the walk's window, the oldest first."""
    walk = Walk.at(cursor, datetime.now(UTC))
    window = {"update_time_ge": int(walk.since.timestamp()), "update_time_lt": int(walk.began.timestamp())}
    asked: dict[str, Any] = {"page_size": AT_ONCE, "sort_field": "update_time", "sort_order": "ASC"}
    if walk.token:
        asked["page_token"] = walk.token
    try:
        data = call(connection, "POST", path, purpose=f"list changed {what}s", given=window, **asked)
    except http.FailedForGood as refused:
        return walk.afresh(refused)
    found = tokens.listed(data, key)
    documents = tuple(
        Document.named_by_itself(f"{what}:{each.get(named)}", write_json({"data": {key: [each]}})) for each in found
    )
    following = str(data.get("next_page_token") or "")
    return Page(documents, walk.onward(more=bool(following), token=following), bool(following))


FEEDS = (
    Feed("orders", "Changed orders", timedelta(minutes=5), changed_orders),
    Feed("returns", "Returns", timedelta(minutes=15), changed_returns),
)


def fetch(connection: Connection, what: str, ref: str) -> list[Document]:
    if what != "order":
        raise Permanent(f"TikTok Shop is not asked for {what}.")
    order = _order(connection, ref)
    return [Document.named_by_itself(f"order:{ref}", write_json({"data": {"orders": [order]}}))]


def _order(connection: Connection, ref: str) -> dict[str, Any]:
    data = call(connection, "GET", "/order/202309/orders", purpose="read order", ids=ref)
    found = next((each for each in tokens.listed(data, "orders") if str(each.get("id")) == ref), None)
    if found is None:
        raise Permanent(f"TikTok Shop knows no order {ref}.")
    return found


# --- Parcels and cancellations out


def tell_shipment(connection: Connection, news: ShipmentNews) -> str:
    """Mark these line items (each is one unit) as sent under this number, once."""
    if not news.tracking_number:
        raise Permanent("TikTok Shop takes no parcel without a tracking number.")
    provider = (connection.settings.get("carriers") or {}).get(news.carrier)
    if not provider:
        words = f"The settings of {connection.name} name no shipping provider of TikTok Shop's for {news.carrier!r}."
        raise Permanent(words)
    items = tokens.listed(_order(connection, news.order_ref), "line_items")
    there = {str(item.get("id")): item for item in items if item.get("tracking_number") == news.tracking_number}
    left = [ref for ref, _ in news.lines if ref not in there]
    if not left:
        return str(there[news.lines[0][0]].get("package_id") or news.tracking_number)
    given = {
        "order_line_item_ids": left,
        "tracking_number": news.tracking_number,
        "shipping_provider_id": str(provider),
    }
    path = f"/fulfillment/202309/orders/{quote(news.order_ref, safe='')}/packages"
    return str(call(connection, "POST", path, purpose="mark package as shipped", given=given).get("package_id") or "")


def tell_change(connection: Connection, news: ChangeNews, memory: ChangeMemory) -> str:
    """Cancel the line items that are no longer wanted."""
    items = tokens.listed(_order(connection, news.order_ref), "line_items")
    standing = {str(item.get("id")): int(item.get("display_status") != "CANCELLED") for item in items}
    off = cancelling.units_off(news, standing, "TikTok Shop")
    if not off:
        return "It was cancelled at TikTok Shop already."
    reason = str(connection.settings.get("cancel_reason") or "seller_cancel_reason_out_of_stock")
    given = {"order_id": news.order_ref, "order_line_item_ids": list(off), "cancel_reason": reason}
    call(connection, "POST", "/return_refund/202309/cancellations", purpose="cancel line items", given=given)
    return "It is cancelled at TikTok Shop."
