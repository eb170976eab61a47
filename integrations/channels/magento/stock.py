"""Magento's multi-source inventory: one figure per SKU and source, with promised units in it. Pure.

Source items carry no time, so they are about the moment they arrive. `status` 0 takes an item off sale without saying
why: such a figure gets a status word of its own, which somebody has to explain.
"""

from __future__ import annotations

from typing import Any

from integrations.channels import stock_documents
from integrations.channels.meaning import Meaning, ignored
from integrations.channels.stock_documents import units
from integrations.reading import Faults, Node
from inventory.snapshots import Code, ReportedLine

VERSION = "magento-stock/1"
STATUSES = {"quantity": "sellable"}


def translate(document: dict[str, Any], faults: Faults) -> Meaning | None:
    node = Node(document, "", faults)
    for name in ("items", "sourceItems"):
        listed = document.get(name)
        if not isinstance(listed, list) or not listed or not isinstance(listed[0], dict):
            continue
        keys = listed[0].keys()
        if {"sku", "source_code", "quantity"} <= keys:
            return _source_items(node, name)
        if "stock_id" in keys or "pickup_location_code" in keys or {"source_code", "country_id"} <= keys:
            return ignored("sources and places are kept in Backroom")
    return None


def _source_items(node: Node, name: str) -> Meaning:
    lines = []
    for each in node.items(name):
        sku = each.line("sku")
        if not sku:
            each.fault("names no sku")
        status = "quantity" if each.raw("status") in (1, "1", None) else "quantity while out of stock"
        lines.append(ReportedLine((Code(sku),), each.line("source_code"), status, units(each, "quantity")))
    total = node.count("total_count")
    partial = total is not None and total > len(lines)
    remarks = (f"It is {len(lines)} of {total} source items.",) if partial else ()
    return stock_documents.snapshot(lines, STATUSES, body_of=node.value, remarks=remarks)
