"""Shopify's inventory levels, REST and GraphQL, as one snapshot. Pure.

An inventory item's id says nothing by itself: only an alias makes it an item of ours. A level of null means the shop
does not track the item there, which is not zero; a level below zero is kept as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from integrations.channels import stock_documents
from integrations.channels.meaning import Act
from integrations.channels.shopify import graphql
from integrations.channels.stock_documents import units
from integrations.reading import Node, moment_of
from inventory.snapshots import ALIAS, Code, ReportedLine

STATUSES = {
    "available": "free",
    "committed": "reserved",
    "reserved": "quarantined",  # set aside by hand or by an app: there, but not for sale
    "safety_stock": "reserved",  # sellable, held back
    "damaged": "damaged",
    "quality_control": "quarantined",
    "incoming": "in_transit_in",
    "on_hand": "on_hand",
}


def levels(nodes: Sequence[Node]) -> Sequence[Act]:
    lines = [line for node in nodes for line in _lines(node)]
    as_of = stock_documents.latest(moment for node in nodes for moment in _moments(node))
    body = [node.value for node in nodes]
    return stock_documents.snapshot(lines, STATUSES, body_of=body, as_of=as_of).acts


def _lines(node: Node) -> Iterator[ReportedLine]:
    if not node.has("quantities"):
        code = Code(f"inventory_item:{node.number_id('inventory_item_id', needed=True)}", ALIAS)
        yield ReportedLine((code,), node.number_id("location_id", needed=True), "available", units(node, "available"))
        return
    item, place = node.object("item"), node.object("location")
    if item is None or place is None:
        node.fault("names no item or no location")
        return
    codes = [Code(f"inventory_item:{graphql.gid_number(item, 'id', needed=True)}", ALIAS)]
    if item.has("sku"):
        codes.insert(0, Code(item.line("sku")))
    for each in node.items("quantities"):
        where = graphql.gid_number(place, "id", needed=True)
        yield ReportedLine(tuple(codes), where, each.line("name"), units(each, "quantity"))


def _moments(node: Node) -> Iterator[datetime | None]:
    if node.has("quantities"):
        yield from (moment_of(each.raw("updatedAt")) for each in node.items("quantities"))
    else:
        yield node.moment("updated_at")
