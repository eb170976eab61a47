"""Walmart's items of one seller, by their SKU."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

from integrations import tokens
from integrations.channels import catalogue, listings
from integrations.channels.catalogue import Part
from integrations.channels.meaning import Listed
from integrations.channels.walking import Walk
from integrations.channels.walmart.client import call
from integrations.models import Connection
from integrations.reading import Node

AT_ONCE = 200
FIRST = "*"  # how Walmart wants the first page to be named


def page(connection: Connection, walk: Walk) -> Part:
    """All of them: Walmart can't be asked what changed."""
    path = f"/v3/items?{urlencode({'limit': AT_ONCE, 'nextCursor': walk.token or FIRST})}"
    answer = call(connection, "GET", path, purpose="read catalogue") or {}
    found = tokens.listed(answer, "ItemResponse")
    following = str(answer.get("nextCursor") or "") if found else ""
    return Part(found, more=bool(following), token=following)


def listed(entry: Node) -> Iterator[Listed]:
    yield listings.of(entry, entry.line("sku", 100), title="productName")


FEED = catalogue.feed(page, listed, tells_changes=False)
