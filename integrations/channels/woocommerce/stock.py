"""WooCommerce's stock report: one figure a product for the whole shop, none where the shop doesn't manage it. Pure."""

from __future__ import annotations

from typing import Any

from integrations.channels import stock_documents
from integrations.channels.meaning import Meaning
from integrations.channels.stock_documents import units
from integrations.reading import Faults, Node
from inventory.snapshots import ALIAS, Code, ReportedLine

VERSION = "woocommerce-stock/1"
STATUSES = {"stock quantity": "free"}
PLACE = "shop"  # it keeps one stock for all of itself; an alias says which place of ours that is


def translate(document: dict[str, Any], faults: Faults) -> Meaning | None:
    listed = document.get("data")
    if not isinstance(listed, list) or not all(
        isinstance(each, dict) and {"stock_quantity", "manage_stock"} <= each.keys() for each in listed
    ):
        return None
    lines = []
    for each in Node(document, "", faults).items("data"):
        own = [Code(each.line("sku"))] if each.line("sku") else []
        codes = (*own, Code(f"product:{each.number_id('id', needed=True)}", ALIAS))
        managed = each.flag("manage_stock")
        lines.append(ReportedLine(codes, PLACE, "stock quantity", units(each, "stock_quantity") if managed else None))
    return stock_documents.snapshot(lines, STATUSES, body_of=document)
