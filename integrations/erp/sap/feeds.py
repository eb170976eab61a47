"""What SAP is asked for: products that changed, plants, customers of our sales area, and material stock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from integrations.channels.vendor import Feed
from integrations.erp import sweep
from integrations.erp.reading import ACCOUNT, ITEM, LOCATION
from integrations.erp.sap.client import CUSTOMERS, PLANTS, PRODUCTS, STOCK, Sap, quoted
from integrations.erp.sweep import Row
from integrations.models import Connection


def _items(connection: Connection, since: datetime | None, after: str, limit: int) -> Sequence[Row]:
    terms = [f"Product gt {quoted(after)}"] if after else []
    if since:
        terms.append(f"LastChangeDateTime ge datetimeoffset'{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}'")
    expand = {"$expand": "to_Description"}
    rows = Sap(connection).page(PRODUCTS, "A_Product", " and ".join(terms), order="Product", limit=limit, **expand)
    return [Row(row["Product"], str(row.get("LastChangeDateTime") or ""), row) for row in rows]


def _plants(connection: Connection, since: datetime | None, after: str, limit: int) -> Sequence[Row]:
    """All of them: a plant doesn't say when it changed. What did is told by what it says."""
    condition = f"Plant gt {quoted(after)}" if after else ""
    rows = Sap(connection).page(PLANTS, "A_Plant", condition, order="Plant", limit=limit)
    return [Row(row["Plant"], "", row) for row in rows]


def _customers(connection: Connection, since: datetime | None, after: str, limit: int) -> Sequence[Row]:
    """All of them, for the same reason."""
    condition = f"Customer gt {quoted(after)}" if after else ""
    expand = {"$expand": "to_CustomerSalesArea"}
    rows = Sap(connection).page(CUSTOMERS, "A_Customer", condition, order="Customer", limit=limit, **expand)
    return [Row(row["Customer"], "", row) for row in rows]


def _levels(connection: Connection, after: str, limit: int) -> Sequence[Row]:
    """Sums by material, plant and type of stock: storage locations and batches are not told apart here. A page may end
    within a material, so the last one is left to the next page."""
    condition = f"InventorySpecialStockType eq ''{f' and Material gt {quoted(after)}' if after else ''}"
    room = limit * 10
    entities = "A_MatlStkInAcctMod"
    rows = Sap(connection).page(STOCK, entities, condition, order="Material,Plant,InventoryStockType", limit=room)
    if len(rows) >= room and rows[0]["Material"] != rows[-1]["Material"]:
        rows = [row for row in rows if row["Material"] != rows[-1]["Material"]]
    sums: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for row in rows:
        key = (row["Material"], row["Plant"], row["InventoryStockType"])
        sums[key] += Decimal(str(row["MatlWrhsStkQtyInMatlBaseUnit"]))
    return [
        Row(material, "", _level(material, plant, kind, sums[material, plant, kind])) for material, plant, kind in sums
    ]


def _level(material: str, plant: str, kind: str, quantity: Decimal) -> dict[str, Any]:
    figure = {"MatlWrhsStkQtyInMatlBaseUnit": str(quantity)}
    return {"Material": material, "Plant": plant, "InventoryStockType": kind, **figure}


FEEDS: tuple[Feed, ...] = (
    sweep.changed("items", "Products", ITEM, _items),
    sweep.changed("locations", "Plants", LOCATION, _plants, minutes=360),
    sweep.changed("customers", "Customers", ACCOUNT, _customers, minutes=360),
    sweep.levels(_levels),
)
