"""Unicommerce's answer to a bulk inventory adjustment. Pure.

A REPLACE sets the level of one shelf, so it says what is there; ADD, REMOVE and TRANSFER only say what changed. A shelf
other than DEFAULT is a place of its own, for its facility may have more. An adjustment it refused says nothing.
"""

from __future__ import annotations

from typing import Any

from integrations.channels import stock_documents
from integrations.channels.meaning import Meaning
from integrations.channels.stock_documents import units
from integrations.reading import Faults, Node
from inventory.snapshots import Code, ReportedLine

VERSION = "unicommerce-stock/1"
STATUSES = {
    "REPLACE GOOD_INVENTORY": "sellable",
    "REPLACE BAD_INVENTORY": "damaged",
    "REPLACE QC_REJECTED": "quarantined",
    **{
        f"{change} {kind}": "ignored"
        for change in ("ADD", "REMOVE", "TRANSFER")
        for kind in ("GOOD_INVENTORY", "BAD_INVENTORY", "QC_REJECTED")
    },
}


def translate(document: dict[str, Any], faults: Faults) -> Meaning | None:
    node = Node(document, "", faults)
    if "inventoryAdjustmentResponses" not in document:
        return None
    lines, refused = [], 0
    for each in node.items("inventoryAdjustmentResponses"):
        adjusted = each.object("facilityInventoryAdjustment")
        if adjusted is None or each.raw("successful") is not True:
            refused += 1
            continue
        lines.append(_line(adjusted))
    remarks = (f"{refused} adjustments Unicommerce itself refused are left out.",) if refused else ()
    return stock_documents.snapshot(lines, STATUSES, body_of=document, remarks=remarks)


def _line(node: Node) -> ReportedLine:
    sku, facility, shelf = node.line("itemSKU"), node.line("facilityCode"), node.line("shelfCode")
    if not sku:
        node.fault("names no itemSKU")
    place = facility if shelf in {"", "DEFAULT"} else f"{facility}/{shelf}"
    status = f"{node.line('adjustmentType')} {node.line('inventoryType')}".strip()
    return ReportedLine((Code(sku),), place, status, units(node, "quantity"))
