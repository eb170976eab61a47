"""Magento's products, which everything else there calls by their SKU."""

from __future__ import annotations

from collections.abc import Iterator

from integrations.channels import catalogue, listings
from integrations.channels.catalogue import Part
from integrations.channels.magento.client import changed
from integrations.channels.meaning import Listed
from integrations.channels.walking import Walk
from integrations.models import Connection
from integrations.reading import Node

NEVER_SOLD_ALONE = {"configurable", "grouped"}  # what is sold of them is a product of its own


def page(connection: Connection, walk: Walk) -> Part:
    return Part(*changed("products", "products", walk, connection))


def listed(entry: Node) -> Iterator[Listed]:
    if entry.text("type_id", 40) not in NEVER_SOLD_ALONE:
        yield listings.of(entry, entry.line("sku", 100))


FEED = catalogue.feed(page, listed)
