"""The offers of one shop on Mirakl, by the shop's own SKU (OF21)."""

from __future__ import annotations

from collections.abc import Iterator

from integrations import tokens
from integrations.channels import catalogue, listings
from integrations.channels.catalogue import Part
from integrations.channels.meaning import Listed
from integrations.channels.mirakl.client import call
from integrations.channels.walking import Walk
from integrations.models import Connection
from integrations.reading import Node

AT_ONCE = 100


def page(connection: Connection, walk: Walk) -> Part:
    """All of them: OF21 can't be asked what changed."""
    offset = (walk.page - 1) * AT_ONCE
    answer = call(connection, "GET", "/api/offers", purpose="read catalogue", max=AT_ONCE, offset=offset).json()
    found = tokens.listed(answer, "offers")
    return Part(found, more=len(found) >= AT_ONCE)


def listed(entry: Node) -> Iterator[Listed]:
    yield listings.of(entry, entry.line("shop_sku", 100), sku="shop_sku", title="product_title")


FEED = catalogue.feed(page, listed, tells_changes=False)
