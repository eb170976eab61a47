"""Shopify's variants: its inventory speaks of inventory items, so those are the codes. An order of what has no SKU
names the variant."""

from __future__ import annotations

from collections.abc import Iterator

from integrations.channels import catalogue
from integrations.channels.catalogue import Part
from integrations.channels.meaning import Listed
from integrations.channels.shopify import client, graphql
from integrations.channels.walking import Walk
from integrations.models import Connection
from integrations.reading import Node

AT_ONCE = 250

_CHANGED = """
query Catalogue($query: String!, $after: String) {
  productVariants(first: 250, after: $after, query: $query, sortKey: ID) {
    nodes { id sku displayName inventoryItem { id } }
    pageInfo { hasNextPage endCursor }
  }
}
"""


def page(connection: Connection, walk: Walk) -> Part:
    """Variants by id, changed since."""
    asked = {"query": f"updated_at:>='{walk.since:%Y-%m-%dT%H:%M:%SZ}'", "after": walk.token or None}
    found = client.call(connection, _CHANGED, asked, purpose="read catalogue").get("productVariants") or {}
    onward = found.get("pageInfo") or {}
    more = bool(onward.get("hasNextPage") and onward.get("endCursor"))
    return Part(found.get("nodes") or [], more, str(onward.get("endCursor") or "") if more else "")


def listed(entry: Node) -> Iterator[Listed]:
    item, sku, title = entry.object("inventoryItem"), entry.line("sku", 100), entry.line("displayName", 200)
    if item is not None:
        yield Listed(f"inventory_item:{graphql.gid_number(item, 'id', needed=True)}", sku, title)
    if not sku:  # an order can only call it by its variant
        yield Listed(f"variant:{graphql.gid_number(entry, 'id', needed=True)}", "", title)


FEED = catalogue.feed(page, listed)
