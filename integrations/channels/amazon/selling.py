"""Stock out to Amazon: a few figures as patches of their listings, many as a feed with a report of what it refused."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from core.errors import Permanent
from integrations import http
from integrations.channels import stock_feeds
from integrations.channels.amazon import client
from integrations.documents import read_json, write_json
from integrations.models import Connection
from inventory.services.figures import Level
from inventory.services.publishing import Outcome

AT_ONCE = 500
PATCHED_AT_MOST = 20
_FEEDS = "/feeds/2021-06-30"
_WAITS = {"IN_QUEUE", "IN_PROGRESS"}


def set_levels(connection: Connection, levels: Sequence[Level], key: str) -> list[Outcome]:
    """Absolute figures, so a repeat changes nothing."""
    told: list[Outcome] = []
    if stock_feeds.under_way(connection) or len(levels) > PATCHED_AT_MOST:
        told = stock_feeds.set_levels(connection, levels, _WAY)
    heard = {each.item_id for each in told}
    return told + [_patched(connection, level) for level in levels if level.item_id not in heard]


# --- One by one


def _patched(connection: Connection, level: Level) -> Outcome:
    seller = _seller(connection)
    asked = {"marketplaceIds": client.marketplaces(connection), "issueLocale": "en_US"}
    for sku in [level.ref] if level.ref else level.codes:
        path = f"/listings/2021-08-01/items/{quote(seller, safe='')}/{quote(sku, safe='')}"
        given = {"productType": "PRODUCT", "patches": _patches(level.total)}
        try:
            answer = client.call(connection, "PATCH", path, operation="patchListingsItem", json=given, **asked)
        except http.FailedForGood as refused:
            if refused.status != 404:
                raise
            continue
        if str(answer.get("status")).upper() == "ACCEPTED":
            return Outcome(level.item_id, sku)
        return Outcome(level.item_id, sku, problem=_issues(answer.get("issues")) or f"It is {answer.get('status')}.")
    return Outcome(level.item_id, unlisted=True)


def _patches(units: int) -> list[dict[str, Any]]:
    value = [{"fulfillment_channel_code": "DEFAULT", "quantity": max(units, 0)}]
    return [{"op": "replace", "path": "/attributes/fulfillment_availability", "value": value}]


def _issues(found: Any) -> str:
    errors = [each for each in found or [] if isinstance(each, dict) and each.get("severity", "ERROR") == "ERROR"]
    return "; ".join(f"{each.get('code')}: {each.get('message')}" for each in errors)[:300]


def _seller(connection: Connection) -> str:
    named = str(connection.settings.get("seller_id") or "")
    if not named:
        raise Permanent(f"{connection.name} has no seller_id in its settings.")
    return named


# --- As a feed


def _send(connection: Connection, figures: stock_feeds.Figures) -> str:
    messages = [
        {"messageId": n, "sku": sku, "operationType": "PATCH", "productType": "PRODUCT", "patches": _patches(units)}
        for n, (sku, units) in enumerate(figures, start=1)
    ]
    header = {"sellerId": _seller(connection), "version": "2.0", "issueLocale": "en_US"}
    kind = "application/json; charset=UTF-8"
    given: dict[str, Any] = {"contentType": kind}
    place = client.call(connection, "POST", f"{_FEEDS}/documents", operation="createFeedDocument", json=given)
    content = write_json({"header": header, "messages": messages})
    http.request(
        connection, "PUT", place["url"], purpose="upload feed", headers={"Content-Type": kind}, content=content
    )
    given = {
        "feedType": "JSON_LISTINGS_FEED",
        "marketplaceIds": client.marketplaces(connection).split(","),
        "inputFeedDocumentId": place["feedDocumentId"],
    }
    return str(client.call(connection, "POST", f"{_FEEDS}/feeds", operation="createFeed", json=given)["feedId"])


def _refused(connection: Connection, name: str, figures: stock_feeds.Figures) -> Mapping[str, str] | None:
    feed = client.call(connection, "GET", f"{_FEEDS}/feeds/{name}", operation="getFeed")
    state = str(feed.get("processingStatus"))
    if state in _WAITS:
        return None
    report = _report(connection, str(feed.get("resultFeedDocumentId") or ""))
    if state != "DONE":
        stock_feeds.forget(connection)
        raise Permanent(f"Amazon's feed {name} is {state}: {_issues(report.get('issues'))}")
    found: dict[str, list[Any]] = {}
    for issue in report.get("issues") or []:
        number = issue.get("messageId")
        if isinstance(number, int) and 0 < number <= len(figures):
            found.setdefault(figures[number - 1][0], []).append(issue)
    return {sku: _issues(issues) for sku, issues in found.items()}


def _report(connection: Connection, document: str) -> dict[str, Any]:
    if not document:
        return {}
    found = client.call(connection, "GET", f"{_FEEDS}/documents/{document}", operation="getFeedDocument")
    body = http.request(connection, "GET", found["url"], purpose="read feed report").body
    report = read_json(gzip.decompress(body) if found.get("compressionAlgorithm") == "GZIP" else body)
    return report if isinstance(report, dict) else {}


_WAY = stock_feeds.Way(_send, _refused, pause=30.0)
