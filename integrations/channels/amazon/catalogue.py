"""Amazon's listings of one seller, which orders and stock call by the seller's SKU (Listings Items API).

A search counts all that fit and lists a thousand of them: the walk then goes on from the last one's change.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from typing import Any
from urllib.parse import quote

from core.errors import Permanent
from integrations import tokens
from integrations.channels import catalogue
from integrations.channels.amazon.client import call, marketplaces, seller, written
from integrations.channels.catalogue import Part
from integrations.channels.meaning import Listed
from integrations.channels.walking import Walk
from integrations.models import Connection
from integrations.reading import Node, moment_of

AT_ONCE = 20


def page(connection: Connection, walk: Walk) -> Part:
    """Listings by their last change. The token of a page: when its search begins, what that listed before, and Amazon's
    own name of the page."""
    after, before, name = walk.token.split("|", 2) if walk.token else (written(walk.since), "0", "")
    asked: dict[str, Any] = {
        "marketplaceIds": marketplaces(connection), "includedData": "summaries", "lastUpdatedAfter": after,
        "sortBy": "lastUpdatedDate", "sortOrder": "ASC", "pageSize": AT_ONCE,
    } | ({"pageToken": name} if name else {})  # fmt: skip
    path = f"/listings/2021-08-01/items/{quote(seller(connection), safe='')}"
    answer = call(connection, "GET", path, operation="searchListingsItems", **asked) or {}
    found = tokens.listed(answer, "items")
    shown = int(before) + len(found)
    if following := str((answer.get("pagination") or {}).get("nextToken") or ""):
        return Part(found, more=True, token=f"{after}|{shown}|{following}")
    if not found or shown >= int(answer.get("numberOfResults") or 0):
        return Part(found)
    latest = _latest(found)
    if latest <= after:
        raise Permanent(f"Amazon says more listings changed at {after} than the {shown} it lists.")
    return Part(found, more=True, token=f"{latest}|0|")


def _latest(found: list[dict[str, Any]]) -> str:
    moments = [moment_of(each.get("lastUpdatedDate")) for item in found for each in tokens.listed(item, "summaries")]
    return max((written(moment.astimezone(UTC)) for moment in moments if moment), default="")


def listed(entry: Node) -> Iterator[Listed]:
    titles = [each.line("itemName", 200) for each in entry.items("summaries")]
    sku = entry.line("sku", 100)
    yield Listed(sku, sku, next(filter(None, titles), ""))


FEED = catalogue.feed(page, listed)
