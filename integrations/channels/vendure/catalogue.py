"""Vendure's product variants."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC

from integrations import tokens
from integrations.channels import catalogue, listings
from integrations.channels.catalogue import Part
from integrations.channels.meaning import Listed
from integrations.channels.vendure.client import call
from integrations.channels.walking import Walk
from integrations.models import Connection
from integrations.reading import Node

PER_PAGE = 100

_CHANGED = """
query Catalogue($since: DateTime!, $skip: Int!, $take: Int!) {
  productVariants(options: { filter: { updatedAt: { after: $since } }, sort: { id: ASC }, skip: $skip, take: $take }) {
    totalItems
    items { id sku name }
  }
}
"""


def page(connection: Connection, walk: Walk) -> Part:
    """Variants that changed, by id."""
    since = walk.since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    asked = {"since": since, "skip": (walk.page - 1) * PER_PAGE, "take": PER_PAGE}
    answer = call(connection, _CHANGED, asked, purpose="read catalogue").get("productVariants") or {}
    total = answer.get("totalItems") or 0
    return Part(tokens.listed(answer, "items"), more=walk.page * PER_PAGE < int(total))


def listed(entry: Node) -> Iterator[Listed]:
    yield listings.of(entry, f"variant:{entry.line('id', 60)}")


FEED = catalogue.feed(page, listed)
