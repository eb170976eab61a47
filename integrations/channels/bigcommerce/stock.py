"""BigCommerce's inventory webhooks: the level after a change, for the whole shop. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from integrations.channels import stock_documents
from integrations.channels.meaning import Meaning, ignored
from integrations.channels.stock_documents import units
from integrations.reading import Faults, Node
from inventory.snapshots import ALIAS, Code, ReportedLine

VERSION = "bigcommerce-stock/1"
STATUSES = {"inventory level": "free"}
PLACE = "shop"


def translate(document: dict[str, Any], faults: Faults) -> Meaning | None:
    node = Node(document, "", faults)
    if "/inventory/" not in node.text("scope"):
        return None
    data = node.object("data")
    inventory = data.object("inventory") if data else None
    if inventory is None:
        return None
    if inventory.text("method") != "absolute":
        return ignored("a relative change says what happened, not what is there")
    variant = inventory.number_id("variant_id")
    code = f"variant:{variant}" if variant else f"product:{inventory.number_id('product_id', needed=True)}"
    line = ReportedLine((Code(code, ALIAS),), PLACE, "inventory level", units(inventory, "value"))
    return stock_documents.snapshot([line], STATUSES, body_of=document, as_of=_moment(node))


def _moment(node: Node) -> datetime | None:
    seconds = node.number_id("created_at")
    return datetime.fromtimestamp(int(seconds), UTC) if 0 < len(seconds) <= 10 else None
