"""TikTok Shop's products with the SKUs they are sold as."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from integrations import tokens
from integrations.channels import catalogue
from integrations.channels.catalogue import Part
from integrations.channels.meaning import Listed
from integrations.channels.tiktok.client import call
from integrations.channels.walking import Walk
from integrations.models import Connection
from integrations.reading import Node

AT_ONCE = 100


def page(connection: Connection, walk: Walk) -> Part:
    """Products that changed since, at the names TikTok Shop gives its pages."""
    asked: dict[str, Any] = {"page_size": AT_ONCE} | ({"page_token": walk.token} if walk.token else {})
    given = {"status": "ALL", "update_time_ge": int(walk.since.timestamp())}
    data = call(connection, "POST", "/product/202309/products/search", purpose="read catalogue", given=given, **asked)
    following = str(data.get("next_page_token") or "")
    return Part(tokens.listed(data, "products"), more=bool(following), token=following)


def listed(entry: Node) -> Iterator[Listed]:
    title = entry.line("title", 200)
    for each in entry.items("skus"):
        yield Listed(f"sku_id:{each.number_id('id', needed=True)}", each.line("seller_sku", 100), title)


FEED = catalogue.feed(page, listed)
