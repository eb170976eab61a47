"""What ERPNext is asked for: items, warehouses and customers that changed, and its bins.

Child tables are asked for beside their documents, once a page: asking for each document would cost a call each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.channels.vendor import Feed
from integrations.erp import sweep
from integrations.erp.erpnext.client import ErpNext
from integrations.erp.erpnext.masters import zone
from integrations.erp.reading import ACCOUNT, ITEM, LOCATION
from integrations.erp.sweep import Row
from integrations.models import Connection

ITEMS = (
    "name", "item_code", "item_name", "disabled", "is_stock_item", "has_variants", "has_serial_no", "has_batch_no",
    "stock_uom", "item_group", "weight_per_unit", "weight_uom", "valuation_rate", "modified",
)  # fmt: skip
WAREHOUSES = (
    "name", "warehouse_name", "is_group", "disabled", "company", "address_line_1", "address_line_2", "city", "state",
    "pin", "modified",
)  # fmt: skip
CUSTOMERS = (
    "name", "customer_name", "customer_type", "disabled", "is_frozen", "tax_id", "default_currency", "payment_terms",
    "modified",
)  # fmt: skip
TERM = ("parent", "credit_days", "due_date_based_on", "invoice_portion")
ANY_ZONE = timedelta(hours=14)  # how far a site's clock may be behind UTC


def _items(connection: Connection, since: datetime | None, after: str, limit: int) -> Sequence[Row]:
    erp = ErpNext(connection)
    rows = _changed(erp, "Item", ITEMS, since, after, limit)
    codes = _children(erp, "Item Barcode", "Item", (row["name"] for row in rows), ("parent", "barcode"))
    currency = _currency(erp)
    return [_row("Item", {**row, "barcodes": codes[row["name"]], "company_currency": currency}) for row in rows]


def _warehouses(connection: Connection, since: datetime | None, after: str, limit: int) -> Sequence[Row]:
    company = connection.settings.get("company")
    own = [["company", "=", company]] if company else []
    rows = _changed(ErpNext(connection), "Warehouse", WAREHOUSES, since, after, limit, own)
    return [_row("Warehouse", row) for row in rows]


def _customers(connection: Connection, since: datetime | None, after: str, limit: int) -> Sequence[Row]:
    erp = ErpNext(connection)
    rows = _changed(erp, "Customer", CUSTOMERS, since, after, limit)
    fields = ("parent", "company", "credit_limit")
    limits = _children(erp, "Customer Credit Limit", "Customer", (row["name"] for row in rows), fields)
    named = (row["payment_terms"] for row in rows if row.get("payment_terms"))
    terms = _children(erp, "Payment Terms Template Detail", "Payment Terms Template", named, TERM)
    currency = _currency(erp)
    return [
        _row("Customer", {
            **row,
            "credit_limits": limits[row["name"]],
            "payment_terms_rows": terms[row.get("payment_terms") or ""],
            "company_currency": currency,
        })
        for row in rows
    ]  # fmt: skip


def _levels(connection: Connection, after: str, limit: int) -> Sequence[Row]:
    filters = [["name", ">", after]] if after else []
    fields = ("name", "item_code", "warehouse", "actual_qty")
    rows = ErpNext(connection).find("Bin", filters, fields, limit=limit, order="name asc")
    return [Row(row["name"], "", {"doctype": "Bin", **row}) for row in rows]


def _changed(
    erp: ErpNext,
    doctype: str,
    fields: Sequence[str],
    since: datetime | None,
    after: str,
    limit: int,
    own: Sequence[Sequence[Any]] = (),
) -> list[dict[str, Any]]:
    filters = [*own, *([["name", ">", after]] if after else [])]
    if since:
        known = zone(erp.settings)
        local = since.astimezone(known) if known else since.astimezone(UTC) - ANY_ZONE
        filters.append(["modified", ">=", local.strftime("%Y-%m-%d %H:%M:%S")])
    return erp.find(doctype, filters, fields, limit=limit, order="name asc")


def _children(
    erp: ErpNext, doctype: str, parent: str, names: Iterable[str], fields: Sequence[str]
) -> dict[str, list[dict[str, Any]]]:
    """Rows of a child table by the document they belong to."""
    wanted = sorted(set(names))
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    if wanted:
        for row in erp.find(doctype, [["parent", "in", wanted]], fields, limit=0, order="idx asc", parent=parent):
            found[row["parent"]].append({name: value for name, value in row.items() if name != "parent"})
    return found


def _currency(erp: ErpNext) -> str:
    company = erp.settings.get("company")
    rows = erp.find("Company", [["name", "=", company]], ["default_currency"], limit=1) if company else []
    return str(rows[0]["default_currency"]) if rows else ""


def _row(doctype: str, record: dict[str, Any]) -> Row:
    return Row(record["name"], str(record["modified"]), {"doctype": doctype, **record})


FEEDS: tuple[Feed, ...] = (
    sweep.changed("items", "Items", ITEM, _items),
    sweep.changed("locations", "Warehouses", LOCATION, _warehouses, minutes=60),
    sweep.changed("customers", "Customers", ACCOUNT, _customers),
    sweep.levels(_levels),
)
