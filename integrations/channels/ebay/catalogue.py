"""eBay's inventory items, by their SKU (Inventory API). Listings made by other tools of eBay's aren't in it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

from integrations import tokens
from integrations.channels import catalogue
from integrations.channels.catalogue import Part
from integrations.channels.ebay import client
from integrations.channels.meaning import Listed
from integrations.channels.walking import Walk
from integrations.models import Connection
from integrations.reading import Node

AT_ONCE = 100


def page(connection: Connection, walk: Walk) -> Part:
    """All of them: eBay can't be asked what changed."""
    asked = {"limit": AT_ONCE, "offset": (walk.page - 1) * AT_ONCE}
    path = f"/sell/inventory/v1/inventory_item?{urlencode(asked)}"
    answer = client.call(connection, "GET", path, purpose="read catalogue").json()
    found = tokens.listed(answer, "inventoryItems")
    return Part(found, more=bool(found and isinstance(answer, dict) and answer.get("next")))


def listed(entry: Node) -> Iterator[Listed]:
    sku, product = entry.line("sku", 100), entry.object("product")
    yield Listed(sku, sku, product.line("title", 200) if product else "")


FEED = catalogue.feed(page, listed, tells_changes=False)
