"""Units found or gone in Odoo: an internal transfer between the warehouse's stock and the inventory-loss location."""

from __future__ import annotations

from typing import Any

from integrations.erp import lines
from integrations.erp.odoo.client import Odoo
from integrations.erp.port import Rejected
from integrations.failures import FailureClass
from integrations.models import Connection

PICKING, FIELDS = "stock.picking", ("id", "name", "state")


def post(connection: Connection, document: dict[str, Any]) -> tuple[str, str]:
    """Its id and number, done. Found by our reference first: of two (an answer was lost) one is taken away."""
    odoo = Odoo(connection)
    company = int(connection.settings.get("company", 1))
    mark = f"{document['reference']} Backroom {str(connection.pk)[:8]}"
    domain = [["origin", "=", mark], ["state", "!=", "cancel"], ["company_id", "=", company]]
    found = odoo.find(PICKING, domain, FIELDS)
    found.sort(key=lambda each: (each["state"] != "done", each["id"]))
    for other in found[1:]:
        if other["state"] != "done":
            odoo.do(PICKING, "action_cancel", [other["id"]])
    if not found:
        key = odoo.create(PICKING, _values(odoo, connection, document, mark, company))
        found = odoo.find(PICKING, [["id", "=", key]], FIELDS)
    made = found[0]
    if made["state"] != "done":
        _finish(odoo, int(made["id"]), made["state"])
    return str(made["id"]), str(made["name"] or "")


def _finish(odoo: Odoo, key: int, state: str) -> None:
    if state == "draft":
        odoo.do(PICKING, "action_confirm", [key])
    moves = odoo.find("stock.move", [["picking_id", "=", key]], ["id", "product_uom_qty", "state"])
    for move in moves:
        if move["state"] not in {"done", "cancel"}:
            odoo.write("stock.move", move["id"], {"quantity": move["product_uom_qty"], "picked": True})
    odoo.do(PICKING, "button_validate", [key], context={"skip_sms": True, "skip_backorder": True})


def _values(odoo: Odoo, connection: Connection, document: dict[str, Any], mark: str, company: int) -> dict[str, Any]:
    code = lines.named(connection.settings, "warehouse", "warehouses", document["place"], "Odoo")
    warehouse = _one(odoo, "stock.warehouse", [["code", "=", code]], ["id", "lot_stock_id", "int_type_id"], code)
    anyones = ["company_id", "in", [company, False]]
    lost = _one(odoo, "stock.location", [["usage", "=", "inventory"], anyones], ["id"], "for inventory losses")
    stock, loss = warehouse["lot_stock_id"][0], lost["id"]
    start, end = (loss, stock) if document["direction"] == "found" else (stock, loss)
    places = {"location_id": start, "location_dest_id": end, "company_id": company}
    moves = [
        [
            0,
            0,
            {**places, "product_id": key, "product_uom_qty": quantity, **({"name": sku} if _older(connection) else {})},
        ]
        for sku, key, quantity in _products(odoo, document)
    ]
    about = {
        "picking_type_id": warehouse["int_type_id"][0],
        "origin": mark,
        "scheduled_date": f"{document['day']} 12:00:00",
    }
    return {**places, **about, "move_ids": moves}


def _older(connection: Connection) -> bool:
    """A move was named by its own words until Odoo 18."""
    return bool(connection.settings.get("api") == "jsonrpc")


def _products(odoo: Odoo, document: dict[str, Any]) -> list[tuple[str, int, int]]:
    skus = [line["sku"] for line in document["lines"]]
    found = odoo.find("product.product", [["default_code", "in", skus]], ["id", "default_code"], limit=1000)
    known = {each["default_code"]: int(each["id"]) for each in found}
    lines.refuse_missing(skus, known, "Odoo")
    return [(line["sku"], known[line["sku"]], line["quantity"]) for line in document["lines"]]


def _one(odoo: Odoo, model: str, domain: list[Any], fields: list[str], name: str) -> dict[str, Any]:
    found = odoo.find(model, domain, fields, limit=1)
    if not found:
        noun = "warehouse" if model == "stock.warehouse" else "location"
        raise Rejected(FailureClass.MISSING_REFERENCE, f"Odoo has no {noun} {name}.")
    return found[0]
