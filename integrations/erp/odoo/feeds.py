"""What Odoo is asked for: products, warehouses and customers that changed, and its quants by warehouse."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from integrations.channels.vendor import Feed
from integrations.erp import sweep
from integrations.erp.odoo.client import Odoo
from integrations.erp.reading import ACCOUNT, ITEM, LOCATION
from integrations.erp.sweep import Row
from integrations.models import Connection

PRODUCT = (
    "default_code", "name", "barcode", "active", "type", "tracking", "weight", "weight_uom_name", "standard_price",
    "cost_currency_id", "uom_id", "categ_id", "write_date",
)  # fmt: skip
WAREHOUSE = ("code", "name", "active", "lot_stock_id", "write_date")
PARTNER = (
    "ref", "name", "active", "is_company", "vat", "property_payment_term_id", "currency_id", "credit_limit",
    "use_partner_credit_limit", "write_date",
)  # fmt: skip
ARCHIVED_TOO = {"active_test": False}


def _products(connection: Connection, since: datetime | None, after: str, limit: int) -> Sequence[Row]:
    when: list[Any] = []
    if since:
        moment = _spelled(since)
        when = ["|", ["write_date", ">=", moment], ["product_tmpl_id.write_date", ">=", moment]]
    return _rows(connection, "product.product", when, PRODUCT, after, limit)


def _warehouses(connection: Connection, since: datetime | None, after: str, limit: int) -> Sequence[Row]:
    return _rows(connection, "stock.warehouse", _since(since), WAREHOUSE, after, limit)


def _customers(connection: Connection, since: datetime | None, after: str, limit: int) -> Sequence[Row]:
    domain = [["parent_id", "=", False], ["customer_rank", ">", 0], *_since(since)]
    return _rows(connection, "res.partner", domain, PARTNER, after, limit)


def _levels(connection: Connection, after: str, limit: int) -> Sequence[Row]:
    """Storable products with what their quants add up to in each warehouse; no quant there means none."""
    odoo = Odoo(connection)
    storable = odoo.do("product.product", "fields_get", allfields=["is_storable"], attributes=["type"])
    kind = ["is_storable", "=", True] if storable else ["type", "=", "product"]
    named = {"order": "id asc", "limit": limit}
    products = odoo.find("product.product", [["id", ">", int(after or 0)], kind], ["default_code"], **named)
    if not products:
        return []
    places = {row["id"]: row["code"] for row in odoo.find("stock.warehouse", [], ["code"])}
    domain = [["product_id", "in", [row["id"] for row in products]], ["location_id.usage", "=", "internal"]]
    sums: dict[tuple[int, int], Decimal] = defaultdict(Decimal)
    for quant in odoo.find("stock.quant", domain, ["product_id", "warehouse_id", "quantity"], limit=0):
        if quant["warehouse_id"]:
            sums[quant["product_id"][0], quant["warehouse_id"][0]] += Decimal(str(quant["quantity"]))
    return [
        Row(str(row["id"]), "", {
            "default_code": row["default_code"],
            "levels": [{"warehouse": code, "quantity": sums[row["id"], key]} for key, code in places.items()],
        })
        for row in products
    ]  # fmt: skip


def _rows(
    connection: Connection, model: str, domain: Sequence[Any], fields: Sequence[str], after: str, limit: int
) -> list[Row]:
    wanted = [["id", ">", int(after or 0)], *domain]
    found = Odoo(connection).find(model, wanted, fields, order="id asc", limit=limit, context=ARCHIVED_TOO)
    return [Row(str(row["id"]), str(row["write_date"]), {"_model": model, **row}) for row in found]


def _since(moment: datetime | None) -> list[Any]:
    return [["write_date", ">=", _spelled(moment)]] if moment else []


def _spelled(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


FEEDS: tuple[Feed, ...] = (
    sweep.changed("items", "Products", ITEM, _products),
    sweep.changed("locations", "Warehouses", LOCATION, _warehouses, minutes=60),
    sweep.changed("customers", "Customers", ACCOUNT, _customers),
    sweep.levels(_levels),
)
