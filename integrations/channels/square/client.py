"""Calls to Square's API: orders, refunds, disputes and codes read as they change, shipments and cancellations told.

A connection has the settings `api` (https://connect.squareup.com) and, to have its token renewed, `client_id`; the
secret `token`, or `client_secret` and `refresh_token`. `locations` names those that are ours, else all active ones are.
An order is changed at the version that was read: Square refuses what somebody else changed meanwhile (409).
"""

from __future__ import annotations

import json as jsonlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.utils import timezone

from core.errors import Permanent
from integrations import http, tokens
from integrations.channels.news import ChangeMemory, ChangeNews, ShipmentNews
from integrations.channels.vendor import Document, Feed, Page
from integrations.documents import write_json
from integrations.failures import FailureClass
from integrations.models import Connection

VERSION = "2025-06-18"  # of Square's API
LOOKS_BACK = timedelta(minutes=10)  # what Square indexes late, and what a till that was offline sends late
FIRST = timedelta(days=2)
ORDERS_AT_ONCE, LISTED_AT_ONCE = 200, 100
LOCATIONS_AT_ONCE = 10  # of one search


def can_be_called(connection: Connection) -> bool:
    return bool(connection.settings.get("api"))


def call(connection: Connection, method: str, path: str, *, purpose: str, json: Any = None) -> dict[str, Any]:
    """One call; raises what http.request raises, with Square's own words."""
    base = str(connection.settings.get("api") or "").rstrip("/")

    def make(token: str) -> http.Answer:
        headers = {"Authorization": f"Bearer {token}", "Square-Version": VERSION}
        return http.request(connection, method, base + path, purpose=purpose, headers=headers, json=json)

    refresh, secret, fixed = (connection.secret(name) for name in ("refresh_token", "client_secret", "token"))
    if not base or not (fixed or (refresh and secret)):
        words = f"{connection.name} is not set up for calls: api and token are needed."
        raise http.FailedForGood(FailureClass.AUTHENTICATION, words)
    if refresh and secret:
        answer = tokens.call(connection, refresh + secret, lambda: _renew(connection, base), make)
    else:
        answer = make(fixed)
    found = answer.json() if answer.body.strip() else {}
    if not isinstance(found, dict):
        raise Permanent("The answer is no object.")
    return found


def _renew(connection: Connection, base: str) -> tuple[str, float]:
    """A new access token; Square says when it ends, not how long it lasts."""
    asked = {
        "client_id": connection.settings.get("client_id"),
        "client_secret": connection.secret("client_secret"),
        "grant_type": "refresh_token",
        "refresh_token": connection.secret("refresh_token"),
    }
    answer = http.request(connection, "POST", f"{base}/oauth2/token", purpose="get access token", json=asked).json()
    if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
        raise http.FailedForNow(FailureClass.AUTHENTICATION, "The token endpoint answered without a token.")
    ends = datetime.fromisoformat(str(answer.get("expires_at") or timezone.now().isoformat()))
    return answer["access_token"], max(0.0, (ends - timezone.now()).total_seconds())


# --- Feeds


@dataclass(frozen=True, slots=True)
class _Walk:
    """Where a walk through what changed stands: from `since` to `until`, at Square's own cursor."""

    since: datetime
    until: datetime
    cursor: str = ""
    part: int = 0  # of the locations, which are searched ten at a time

    @classmethod
    def at(cls, kept: str) -> _Walk:
        now = datetime.now(UTC)
        if not kept:
            return cls(now - FIRST, now)
        if not kept.startswith("{"):
            return cls(datetime.fromisoformat(kept).astimezone(UTC), now)
        told = jsonlib.loads(kept)
        until = datetime.fromisoformat(told["until"]) if told.get("until") else now
        return cls(datetime.fromisoformat(told["since"]), until, told.get("cursor", ""), told.get("part", 0))

    def next(self, cursor: str, *, parts: int = 1) -> tuple[str, bool]:
        """Our cursor of the next page or the next walk, and whether there is more now."""
        if cursor or self.part + 1 < parts:
            part = self.part if cursor else self.part + 1
            kept = {"since": self.since.isoformat(), "until": self.until.isoformat(), "cursor": cursor, "part": part}
            return jsonlib.dumps(kept), True
        return jsonlib.dumps({"since": (self.until - LOOKS_BACK).isoformat()}), False

    def afresh(self) -> str:
        kept = {"since": self.since.isoformat(), "until": self.until.isoformat(), "part": self.part}
        return jsonlib.dumps(kept)


def changed_orders(connection: Connection, cursor: str) -> Page:
    """Orders by their last change, location by location."""
    walk, places = _Walk.at(cursor), _locations(connection)
    parts = [places[at : at + LOCATIONS_AT_ONCE] for at in range(0, len(places), LOCATIONS_AT_ONCE)]
    if walk.part >= len(parts):
        return Page((), walk.next("")[0])
    asked: dict[str, Any] = {
        "location_ids": parts[walk.part],
        "limit": ORDERS_AT_ONCE,
        "query": {
            "filter": {"date_time_filter": {"updated_at": {"start_at": _at(walk.since), "end_at": _at(walk.until)}}},
            "sort": {"sort_field": "UPDATED_AT", "sort_order": "ASC"},
        },
    } | ({"cursor": walk.cursor} if walk.cursor else {})

    def ask() -> dict[str, Any]:
        return call(connection, "POST", "/v2/orders/search", purpose="search changed orders", json=asked)

    return _page(walk, ask, "orders", "order", parts=len(parts))


def changed_refunds(connection: Connection, cursor: str) -> Page:
    walk = _Walk.at(cursor)
    query = {
        "updated_at_begin_time": _at(walk.since),
        "updated_at_end_time": _at(walk.until),
        "sort_field": "UPDATED_AT",
        "sort_order": "ASC",
        "limit": LISTED_AT_ONCE,
    } | ({"cursor": walk.cursor} if walk.cursor else {})
    path = f"/v2/refunds?{urlencode(query)}"
    return _page(walk, lambda: call(connection, "GET", path, purpose="list changed refunds"), "refunds", "refund")


def changed_codes(connection: Connection, cursor: str) -> Page:
    """The catalogue's variations that changed, a page as one document."""
    walk = _Walk.at(cursor or datetime(2000, 1, 1, tzinfo=UTC).isoformat())
    asked: dict[str, Any] = {"object_types": ["ITEM_VARIATION"], "begin_time": _at(walk.since), "limit": LISTED_AT_ONCE}
    asked |= {"cursor": walk.cursor} if walk.cursor else {}
    answer = call(connection, "POST", "/v2/catalog/search", purpose="read codes", json=asked)
    kept, more = walk.next(str(answer.get("cursor") or ""))
    listed = tokens.listed(answer, "objects")
    if not listed:
        return Page((), kept, more)
    named = f"codes:{listed[0].get('id')}@{max(str(each.get('version')) for each in listed)}+{len(listed)}"
    return Page((Document(named, "catalog", write_json({"objects": listed})),), kept, more)


def _page(walk: _Walk, ask: Callable[[], dict[str, Any]], many: str, one: str, *, parts: int = 1) -> Page:
    try:
        answer = ask()
    except http.FailedForGood as refused:
        # Square forgets its cursors after some minutes: then the walk begins anew, and what was read counts once.
        if refused.status == 400 and walk.cursor and b"cursor" in (refused.body or b"").lower():
            return Page((), walk.afresh(), more=True)
        raise
    kept, more = walk.next(str(answer.get("cursor") or ""), parts=parts)
    documents = tuple(
        Document(
            f"{one}:{each.get('id')}@{each.get('version') or ''}@{each.get('updated_at')}",
            one,
            write_json({one: each}),
        )
        for each in tokens.listed(answer, many)
    )
    return Page(documents, kept, more)


def _locations(connection: Connection) -> list[str]:
    named = connection.settings.get("locations")
    if named:
        return [str(each) for each in named]
    answer = call(connection, "GET", "/v2/locations", purpose="list locations")
    return [str(each["id"]) for each in tokens.listed(answer, "locations") if each.get("status") != "INACTIVE"]


def _at(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


FEEDS = (
    Feed("orders", "Changed orders", timedelta(minutes=5), changed_orders),
    Feed("refunds", "Changed refunds", timedelta(minutes=15), changed_refunds),
    Feed("codes", "Codes of articles", timedelta(hours=1), changed_codes),
)


def fetch(connection: Connection, what: str, ref: str) -> list[Document]:
    if what != "order":
        raise Permanent(f"Square is not asked for {what}.")
    order = _order(connection, ref)
    named = f"order:{order.get('id')}@{order.get('version') or ''}@{order.get('updated_at')}"
    return [Document(named, "order", write_json({"order": order}))]


def _order(connection: Connection, ref: str) -> dict[str, Any]:
    order = call(connection, "GET", f"/v2/orders/{ref}", purpose="read order").get("order")
    if not isinstance(order, dict):
        raise Permanent(f"Square knows no order {ref}.")
    return order


# --- Out


def tell_shipment(connection: Connection, news: ShipmentNews) -> str:
    """Complete the fulfilment these units are of, once; returns its uid. Square keeps one shipment of each."""
    order = _order(connection, news.order_ref)
    wanted = {ref for ref, _ in news.lines}
    open_ones = []
    for each in tokens.listed(order, "fulfillments"):
        details = each.get("shipment_details") or {}
        if each.get("state") == "COMPLETED" and details.get("tracking_number", "") == news.tracking_number:
            return str(each.get("uid"))
        entries = {str(entry.get("line_item_uid")) for entry in tokens.listed(each, "entries")}
        if each.get("type") == "SHIPMENT" and each.get("state") in {"PROPOSED", "RESERVED", "PREPARED"}:
            open_ones += [each] if not entries or wanted & entries else []
    if not open_ones:
        raise Permanent(f"Square's order {news.order_ref} has no shipment that is still to be made.")
    uid = open_ones[0]["uid"]
    details = {"carrier": news.carrier, "tracking_number": news.tracking_number, "tracking_url": news.tracking_url}
    told = {"uid": uid, "state": "COMPLETED", "shipment_details": {key: text for key, text in details.items() if text}}
    _update(connection, order, {"fulfillments": [told]}, purpose="complete shipment")
    return str(uid)


def tell_change(connection: Connection, news: ChangeNews, memory: ChangeMemory) -> str:
    """Cancel the order. Everything else is done by hand at Square."""
    if not news.cancels:
        raise Permanent("Square can be told of a cancelled order only: change it there.")
    order = _order(connection, news.order_ref)
    if order.get("state") == "CANCELED":
        return "It was cancelled at Square already."
    if order.get("state") == "COMPLETED":
        raise Permanent("The sale is completed at Square: refund it there.")
    dropped = [
        {"uid": each["uid"], "state": "CANCELED"}
        for each in tokens.listed(order, "fulfillments")
        if each.get("state") not in {"CANCELED", "COMPLETED", "FAILED"}
    ]
    _update(connection, order, {"state": "CANCELED", "fulfillments": dropped}, purpose="cancel order")
    return "It is cancelled at Square."


def _update(connection: Connection, order: dict[str, Any], change: dict[str, Any], *, purpose: str) -> None:
    given = {"order": {"location_id": order.get("location_id"), "version": order.get("version"), **change}}
    try:
        call(connection, "PUT", f"/v2/orders/{order.get('id')}", purpose=purpose, json=given)
    except http.FailedForGood as refused:
        if refused.status != 409:
            raise
        words = "The order changed at Square meanwhile."  # the next try reads it again
        raise http.FailedForNow(FailureClass.CONFLICT, words, seconds=2) from None
