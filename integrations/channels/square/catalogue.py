"""Square's catalogue: which SKU each of its variations has, so that orders and stock know them by their ids. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from integrations.channels.meaning import Listed
from integrations.reading import Node

RANGE = "the range is kept in Backroom"


def codes(node: Node) -> list[Listed] | None:
    """Its variations as they are sold; None for no part of a catalogue."""
    listed = [key for key in ("objects", "items", "related_objects") if isinstance(node.raw(key), list)]
    single = node.object("object") or node.object("catalog_object")
    if single is None and node.has("type") and node.has("version") and node.has("present_at_all_locations"):
        single = node
    if not listed and single is None:
        return None
    found: list[Listed] = []
    for each in [single] if single else [item for key in listed for item in node.items(key)]:
        for variation in _variations(each):
            data = variation.object("item_variation_data")
            ref = variation.line("id", 100)
            if data and ref and variation.raw("is_deleted") is not True:
                found.append(Listed(f"variation:{ref}", data.line("sku", 100), data.line("name", 200)))
    return found


def _variations(node: Node) -> Iterator[Node]:
    if node.text("type", 40) == "ITEM_VARIATION":
        yield node
    item = node.object("item_data")
    if item is not None:
        yield from item.items("variations")
