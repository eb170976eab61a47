"""BigCommerce's products with their variants: what has no options is sold as its one base variant."""

from __future__ import annotations

from collections.abc import Iterator

from integrations import tokens
from integrations.channels import catalogue
from integrations.channels.bigcommerce.client import call
from integrations.channels.catalogue import Part
from integrations.channels.meaning import Listed
from integrations.channels.walking import Walk
from integrations.models import Connection
from integrations.reading import Node

PER_PAGE = 50


def page(connection: Connection, walk: Walk) -> Part:
    """Products that changed, by id. Asked for with their variants, because those can't be asked for by their change."""
    asked = {"date_modified:min": walk.since.isoformat(), "include": "variants", "include_fields": "name,sku"}
    answer = call(
        connection, "GET", "v3/catalog/products", purpose="read catalogue", sort="id", direction="asc",
        limit=PER_PAGE, page=walk.page, **asked,
    )  # fmt: skip
    found = tokens.listed(answer, "data")
    return Part(found, more=len(found) >= PER_PAGE)


def listed(entry: Node) -> Iterator[Listed]:
    """A webhook of stock names the variant, or of a product without options the product."""
    title, variants = entry.line("name", 200), list(entry.items("variants"))
    for each in variants:
        options = ", ".join(filter(None, (option.line("label", 60) for option in each.items("option_values"))))
        named = f"{title}, {options}" if options else title
        yield Listed(f"variant:{each.number_id('id', needed=True)}", each.line("sku", 100), named[:200])
        if len(variants) == 1 and not options:
            yield Listed(f"product:{entry.number_id('id', needed=True)}", each.line("sku", 100), title)


FEED = catalogue.feed(page, listed)
