"""What Tryton is asked for: products, warehouses and parties that changed, and what it believes to have."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from integrations.channels.vendor import Feed
from integrations.erp import sweep
from integrations.erp.reading import ACCOUNT, ITEM, LOCATION
from integrations.erp.sweep import Row
from integrations.erp.tryton import lookups
from integrations.erp.tryton.client import Rest
from integrations.models import Connection

PRODUCT = (
    "code", "name", "type", "active", "cost_price", "write_date", "create_date", "identifiers.code",
    "default_uom.symbol", "template.write_date", "template.create_date", "template.account_category.name",
)  # fmt: skip
# What modules bring that not every Tryton has.
MAYBE = {"weight": ("weight", "weight_uom.symbol"), "lot_required": ("lot_required",)}
WAREHOUSE = (
    "code", "name", "type", "active", "write_date", "create_date", "address.street", "address.city",
    "address.postal_code",
)  # fmt: skip
PARTY = (
    "code", "name", "active", "write_date", "create_date", "identifiers.code", "customer_payment_term.name",
    "customer_payment_term.lines.type",
    *(f"customer_payment_term.lines.relativedeltas.{name}" for name in ("days", "weeks", "months", "day")),
)  # fmt: skip
EVER = ["active", "in", [True, False]]


def _products(connection: Connection, since: datetime | None, after: str, limit: int) -> Sequence[Row]:
    rest = Rest(connection)
    known = lookups.known_fields(rest, "product.template", MAYBE)
    fields = (*PRODUCT, *(field for name in known for field in MAYBE[name]))
    when = _changed(since, "", "template.") if since else []
    rows = rest.raw("product.product", [_after(after), EVER, *when], fields, limit=limit)
    currency = lookups.company_currency(rest)
    return [_row({**row, "company_currency": currency}) for row in rows]


def _warehouses(connection: Connection, since: datetime | None, after: str, limit: int) -> Sequence[Row]:
    when = _changed(since, "") if since else []
    domain = [_after(after), EVER, ["type", "=", "warehouse"], *when]
    return [_row(row) for row in Rest(connection).raw("stock.location", domain, WAREHOUSE, limit=limit)]


def _parties(connection: Connection, since: datetime | None, after: str, limit: int) -> Sequence[Row]:
    rest = Rest(connection)
    when = _changed(since, "") if since else []
    rows = rest.raw("party.party", [_after(after), EVER, *when], PARTY, limit=limit)
    currency = lookups.company_currency(rest)
    return [_row({**row, "company_currency": currency}) for row in rows]


def _levels(connection: Connection, after: str, limit: int) -> Sequence[Row]:
    """Each product with its quantity in each warehouse, as of now."""
    rest = Rest(connection)
    domain = [_after(after), ["type", "=", "goods"], ["consumable", "=", False]]
    found: dict[int, dict[str, Any]] = {}
    for code, key in lookups.warehouses(rest).items():
        context = {"locations": [key], "with_childs": True}
        for row in rest.raw("product.product", domain, ("code", "quantity"), limit=limit, context=context):
            kept = found.setdefault(row["id"], {"id": row["id"], "code": row["code"], "levels": []})
            kept["levels"].append({"warehouse": code, "quantity": row["quantity"]})
    return [Row(str(key), "", record) for key, record in sorted(found.items())]


def _after(key: str) -> list[Any]:
    return ["id", ">", int(key or 0)]


def _changed(since: datetime, *prefixes: str) -> list[Any]:
    """Written since then or, where nobody ever wrote it, made since then."""
    dates = [[f"{prefix}{name}", ">=", since] for prefix in prefixes for name in ("write_date", "create_date")]
    return [["OR", *dates]]


def _row(record: dict[str, Any]) -> Row:
    moments = [record.get("write_date") or record.get("create_date")]
    if template := record.get("template"):
        moments.append(template.get("write_date") or template.get("create_date"))
    version = "/".join(_spelled(moment) for moment in moments if moment)
    return Row(str(record["id"]), version, record)


def _spelled(moment: dict[str, int]) -> str:
    parts = ("year", "month", "day", "hour", "minute", "second", "microsecond")
    return "-".join(str(moment.get(part, 0)) for part in parts)


FEEDS: tuple[Feed, ...] = (
    sweep.changed("items", "Products", ITEM, _products),
    sweep.changed("locations", "Warehouses", LOCATION, _warehouses, minutes=60),
    sweep.changed("customers", "Customers", ACCOUNT, _parties),
    sweep.levels(_levels),
)
