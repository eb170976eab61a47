"""Amazon's stock documents: FBA inventory summaries and inventory notifications. Pure.

A marketplace (granularity) is one place to us. `fulfillableQuantity` leaves reserved units out, so it is what is free;
`inboundWorkingQuantity` is planned but not sent, so it is no stock of anybody yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from integrations.channels import stock_documents
from integrations.channels.meaning import Meaning, ignored
from integrations.channels.stock_documents import units
from integrations.reading import Faults, Node
from inventory.snapshots import ALIAS, Code, ReportedLine

VERSION = "amazon-stock/1"
STATUSES = {
    "fulfillable": "free",
    "pending customer order": "reserved",
    "pending transshipment": "quarantined",
    "fc processing": "quarantined",
    "researching": "quarantined",
    "inbound working": "ignored",
    "inbound shipped": "in_transit_in",
    "inbound receiving": "in_transit_in",
    "customer damaged": "damaged",
    "warehouse damaged": "damaged",
    "distributor damaged": "damaged",
    "carrier damaged": "damaged",
    "defective": "damaged",
    "expired": "quarantined",
}
# Where each figure stands: the object it is in, its key, and the status word we give it.
_FIGURES = (
    ("", "fulfillableQuantity", "fulfillable"),
    ("", "inboundWorkingQuantity", "inbound working"),
    ("", "inboundShippedQuantity", "inbound shipped"),
    ("", "inboundReceivingQuantity", "inbound receiving"),
    ("reservedQuantity", "pendingCustomerOrderQuantity", "pending customer order"),
    ("reservedQuantity", "pendingTransshipmentQuantity", "pending transshipment"),
    ("reservedQuantity", "fcProcessingQuantity", "fc processing"),
    ("researchingQuantity", "totalResearchingQuantity", "researching"),
    ("unfulfillableQuantity", "customerDamagedQuantity", "customer damaged"),
    ("unfulfillableQuantity", "warehouseDamagedQuantity", "warehouse damaged"),
    ("unfulfillableQuantity", "distributorDamagedQuantity", "distributor damaged"),
    ("unfulfillableQuantity", "carrierDamagedQuantity", "carrier damaged"),
    ("unfulfillableQuantity", "defectiveQuantity", "defective"),
    ("unfulfillableQuantity", "expiredQuantity", "expired"),
)


def translate(document: dict[str, Any], faults: Faults) -> Meaning | None:
    node = Node(document, "", faults)
    kind = node.text("notificationType") or node.text("NotificationType")
    if kind == "ITEM_INVENTORY_EVENT_CHANGE":
        return _event_change(node)
    if kind == "LISTINGS_ITEM_MFN_QUANTITY_CHANGE":
        return ignored("the quantity a listing shows is what was published to it, not what anybody has")
    if "supplySources" in document or "supplySourceId" in document:
        return ignored("locations are kept in Backroom")
    payload = node.object("payload")
    if payload is not None and "inventorySummaries" in payload.value:
        return _summaries(node, payload)
    return None


def _summaries(node: Node, payload: Node) -> Meaning:
    granularity = payload.object("granularity")
    place = granularity.line("granularityId") if granularity else ""
    lines: list[ReportedLine] = []
    moments = []
    for each in payload.items("inventorySummaries"):
        moments.append(each.moment("lastUpdatedTime"))
        lines += _summary(each, place)
    paging = node.object("pagination")
    remarks = ("It is one page of several.",) if paging and paging.has("nextToken") else ()
    as_of = stock_documents.latest(moments)
    return stock_documents.snapshot(lines, STATUSES, body_of=payload.value, as_of=as_of, remarks=remarks)


def _summary(node: Node, place: str) -> Iterator[ReportedLine]:
    codes = [Code(node.line("sellerSku"))] if node.has("sellerSku") else []
    if node.has("fnSku"):
        codes.append(Code(f"fnsku:{node.line('fnSku')}", ALIAS))
    if not codes:
        node.fault("names neither sellerSku nor fnSku")
        return
    details = node.object("inventoryDetails")
    if details is None:
        # The total holds what is on its way and what is reserved: nobody can say what of it is there.
        yield ReportedLine(tuple(codes), place, "total quantity", units(node, "totalQuantity"))
        return
    found = list(_figures(details))
    total = units(node, "totalQuantity")
    counted = sum(quantity for _, quantity in found)
    if total is not None and total != counted:
        node.at("totalQuantity").fault(f"says {total}, its details add up to {counted}")
    for status, quantity in found:
        yield ReportedLine(tuple(codes), place, status, quantity)


def _figures(details: Node) -> Iterator[tuple[str, int]]:
    for parent, key, status in _FIGURES:
        holder = details.object(parent) if parent else details
        quantity = units(holder, key) if holder else None
        if quantity is not None:
            yield status, quantity


def _event_change(node: Node) -> Meaning:
    payload = node.object("payload")
    changes = list(payload.items("itemInventoryEventChanges")) if payload else []
    lines = [
        ReportedLine(
            (Code(f"asin:{each.line('asin')}", ALIAS),),
            each.line("marketplaceId"),
            "highly available",
            units(each, "highlyAvailableInventory"),
        )
        for each in changes
    ]
    as_of = stock_documents.latest(each.moment("endTime") for each in changes)
    return stock_documents.snapshot(lines, STATUSES, body_of=node.value, as_of=as_of)
