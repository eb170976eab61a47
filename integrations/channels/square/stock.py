"""Square's inventory: counts and physical counts say what is there; adjustments and transfers what happened. Pure."""

from __future__ import annotations

from typing import Any

from integrations.channels import stock_documents
from integrations.channels.meaning import Meaning, ignored
from integrations.channels.stock_documents import units
from integrations.reading import Faults, Node
from inventory.snapshots import ALIAS, Code, ReportedLine

VERSION = "square-stock/1"
STATUSES = {
    "IN_STOCK": "sellable",
    "RESERVED_FOR_SALE": "reserved",
    "RETURNED_BY_CUSTOMER": "awaiting_inspection",
    "RECEIVED_FROM_VENDOR": "ignored",
    "ORDERED_FROM_VENDOR": "ignored",
    "SOLD": "ignored",
    "SOLD_ONLINE": "ignored",
    "NONE": "ignored",
    "WASTE": "ignored",
    "UNLINKED_RETURN": "ignored",
    "IN_TRANSIT": "in_transit_in",
}
_HAPPENED = "an adjustment or transfer says what happened, not what is there; the counts say that"


def translate(document: dict[str, Any], faults: Faults) -> Meaning | None:
    node = Node(document, "", faults)
    if "counts" in document:
        return levels(document, list(node.items("counts")), "calculated_at")
    if "count" in document and isinstance(document["count"], dict):
        return levels(document, [node.at("count")], "calculated_at")
    if "adjustment" in document or "transfer" in document:
        return ignored(_HAPPENED)
    if "physical_count" in document:
        return levels(document, [node.at("physical_count")], "occurred_at")
    if "changes" in document:
        counted = [each.at("physical_count") for each in node.items("changes") if each.has("physical_count")]
        return levels(document, counted, "occurred_at") if counted else ignored(_HAPPENED)
    return None


def levels(document: dict[str, Any], counts: list[Node], moment: str) -> Meaning:
    lines = []
    for each in counts:
        variation = each.line("catalog_object_id")
        if not variation:
            each.fault("names no catalog_object_id")
        code = Code(f"variation:{variation}", ALIAS)
        lines.append(ReportedLine((code,), each.line("location_id"), each.line("state"), units(each, "quantity")))
    as_of = stock_documents.latest(each.moment(moment) for each in counts)
    return stock_documents.snapshot(lines, STATUSES, body_of=document, as_of=as_of)
