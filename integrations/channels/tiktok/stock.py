"""TikTok Shop's product list with stock per warehouse: what it would still sell from there. Pure.

`update_time` is the product's, not its stock's, so the figures are about the moment they arrive.
"""

from __future__ import annotations

from typing import Any

from integrations.channels import stock_documents
from integrations.channels.meaning import Meaning
from integrations.channels.stock_documents import units
from integrations.reading import Faults, Node
from inventory.snapshots import ALIAS, Code, ReportedLine

VERSION = "tiktok-stock/1"
STATUSES = {"quantity": "free"}


def translate(document: dict[str, Any], faults: Faults) -> Meaning | None:
    if not isinstance(document.get("products"), list):
        return None
    lines = []
    for product in Node(document, "", faults).items("products"):
        for sku in product.items("skus"):
            own = [Code(sku.line("seller_sku"))] if sku.line("seller_sku") else []
            codes = (*own, Code(f"sku_id:{sku.number_id('id', needed=True)}", ALIAS))
            lines += [
                ReportedLine(codes, each.line("warehouse_id"), "quantity", units(each, "quantity"))
                for each in sku.items("inventory")
            ]
    return stock_documents.snapshot(lines, STATUSES, body_of=document)
