"""Lightspeed's levels: X-Series inventory by outlet, R-Series quantities on hand by shop. Pure."""

from __future__ import annotations

from integrations.channels import stock_documents
from integrations.channels.meaning import Meaning
from integrations.channels.shop_documents import listed_or_one
from integrations.channels.stock_documents import units
from integrations.reading import Node
from inventory.snapshots import ALIAS, Code, ReportedLine

STATUSES = {"on_hand": "on_hand"}


def translate(node: Node) -> Meaning | None:
    lines: list[ReportedLine] = []
    if node.has("ItemShop"):
        for each in listed_or_one(node, "ItemShop"):
            if each.text("shopID") != "0":  # the sum over all shops
                code = Code(f"item:{each.number_id('itemID', needed=True)}", ALIAS)
                lines.append(ReportedLine((code,), f"shop:{each.number_id('shopID')}", "on_hand", units(each, "qoh")))
        return stock_documents.snapshot(lines, STATUSES, body_of=node.value)
    key = next((key for key in ("data", "inventory", "") if _are_levels(node.raw(key))), None)
    single = node if _are_levels([node.value]) else None
    if key is None and single is None:
        return None
    for each in [single] if single is not None else node.items(key or ""):
        named = each.line("product_id") or (about.line("id") if (about := each.object("product")) else "")
        level = next(name for name in ("inventory_level", "current_amount", "count") if each.has(name))
        code = Code(f"product:{named}", ALIAS)
        lines.append(ReportedLine((code,), f"outlet:{each.line('outlet_id')}", "on_hand", units(each, level)))
    return stock_documents.snapshot(lines, STATUSES, body_of=node.value)


def _are_levels(value: object) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(
            isinstance(each, dict)
            and "outlet_id" in each
            and ("product_id" in each or "product" in each)
            and any(name in each for name in ("inventory_level", "current_amount", "count"))
            for each in value
        )
    )
