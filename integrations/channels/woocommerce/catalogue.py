"""WooCommerce's products and their variations, which share one series of ids."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from typing import Any

from core.errors import Permanent
from integrations.channels import catalogue, listings
from integrations.channels.catalogue import Part
from integrations.channels.meaning import Listed
from integrations.channels.walking import Walk
from integrations.channels.woocommerce.client import call
from integrations.models import Connection
from integrations.reading import Node

PER_PAGE = 50
VARIATIONS_AT_ONCE = 100
_FIELDS = "id,sku,name,type,date_modified_gmt"


def page(connection: Connection, walk: Walk) -> Part:
    """Products that changed, by id, each with its variations: saving one of these changes its product as well."""
    found = _list(
        connection, "wc/v3/products", modified_after=walk.since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        dates_are_gmt="true", orderby="id", order="asc", per_page=PER_PAGE, page=walk.page, status="any",
        _fields=_FIELDS,
    )  # fmt: skip
    entries = [
        each | {"variations": _variations(connection, each)} if "variable" in str(each.get("type")) else each
        for each in found
    ]
    return Part(entries, more=len(found) >= PER_PAGE)


def _variations(connection: Connection, product: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    number = 1
    while True:
        path = f"wc/v3/products/{product.get('id')}/variations"
        part = _list(connection, path, orderby="id", order="asc", per_page=VARIATIONS_AT_ONCE, page=number,
                     _fields="id,sku,name")  # fmt: skip
        found += part
        if len(part) < VARIATIONS_AT_ONCE:
            return found
        number += 1


def _list(connection: Connection, path: str, **asked: Any) -> list[dict[str, Any]]:
    listed = call(connection, "GET", path, purpose="read catalogue", **asked)
    if not isinstance(listed, list):
        raise Permanent("The answer holds no list of products.")
    return [each for each in listed if isinstance(each, dict)]


def listed(entry: Node) -> Iterator[Listed]:
    """A product with variations is sold as these, never as itself; each may carry its product's SKU."""
    title = entry.line("name", 200)
    if not entry.has("variations"):
        yield listings.of(entry, f"product:{entry.number_id('id', needed=True)}")
    for each in entry.items("variations"):
        named = each.line("name", 200)
        whole = f"{title}, {named}" if named and not named.startswith(title) else named or title
        yield Listed(f"product:{each.number_id('id', needed=True)}", each.line("sku", 100), whole[:200])


FEED = catalogue.feed(page, listed)
