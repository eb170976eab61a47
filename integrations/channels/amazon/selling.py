"""Stock out to Amazon: a few figures as patches of their listings, many as a feed with a report of what it refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from core.errors import Permanent
from integrations import http, tokens
from integrations.channels import stock_feeds
from integrations.channels.amazon import client, feeds
from integrations.documents import read_json, write_json
from integrations.models import Connection
from inventory.services.figures import Level
from inventory.services.publishing import Outcome

AT_ONCE = 500
PATCHED_AT_MOST = 20


def set_levels(connection: Connection, levels: Sequence[Level], key: str) -> list[Outcome]:
    """Absolute figures, so a repeat changes nothing."""
    told: list[Outcome] = []
    if stock_feeds.under_way(connection) or len(levels) > PATCHED_AT_MOST:
        told = stock_feeds.set_levels(connection, levels, _WAY)
    heard = {each.item_id for each in told}
    return told + [_patched(connection, level) for level in levels if level.item_id not in heard]


# --- One by one


def _patched(connection: Connection, level: Level) -> Outcome:
    seller = client.seller(connection)
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


# --- As a feed


def _send(connection: Connection, figures: stock_feeds.Figures) -> str:
    messages = [
        {"messageId": n, "sku": sku, "operationType": "PATCH", "productType": "PRODUCT", "patches": _patches(units)}
        for n, (sku, units) in enumerate(figures, start=1)
    ]
    header = {"sellerId": client.seller(connection), "version": "2.0", "issueLocale": "en_US"}
    content = write_json({"header": header, "messages": messages})
    return feeds.submit(connection, "JSON_LISTINGS_FEED", content, "application/json; charset=UTF-8")


def _refused(connection: Connection, name: str, figures: stock_feeds.Figures) -> Mapping[str, str] | None:
    ended = feeds.outcome(connection, name)
    if ended is None:
        return None
    state, body = ended
    report = read_json(body) if body else {}
    issues = tokens.listed(report, "issues")
    if state != feeds.DONE:
        stock_feeds.forget(connection)
        raise Permanent(f"Amazon's feed {name} is {state}: {_issues(issues)}")
    found: dict[str, list[Any]] = {}
    for issue in issues:
        number = issue.get("messageId")
        if isinstance(number, int) and 0 < number <= len(figures):
            found.setdefault(figures[number - 1][0], []).append(issue)
    return {sku: _issues(each) for sku, each in found.items()}


_WAY = stock_feeds.Way(_send, _refused, pause=30.0)
