"""Units found or gone in Tryton: an internal shipment between the warehouse's storage and its lost and found."""

from __future__ import annotations

from typing import Any

from integrations.erp import lines
from integrations.erp.port import Rejected
from integrations.erp.tryton import following, lookups
from integrations.erp.tryton.client import Rest
from integrations.failures import FailureClass
from integrations.models import Connection

MODEL = "stock.shipment.internal"
STEPS = {"draft": "wait", "request": "draft", "waiting": "assign_force", "assigned": "do"}


def post(connection: Connection, document: dict[str, Any]) -> tuple[str, str]:
    """Its id and number, done. Found by our reference first: of two drafts (an answer was lost) one is taken away."""
    rest = Rest(connection)
    mark = f"{document['reference']} Backroom {str(connection.pk)[:8]}"
    found = rest.find(MODEL, [["reference", "=", mark], ["state", "!=", "cancelled"]], following.STATES)
    found.sort(key=lambda each: (each["state"] != "done", each["id"]))
    for other in found[1:]:
        if other["state"] != "done":
            rest.press(MODEL, other["id"], "cancel", ["state"], unwarned=True)
    made = found[0] if found else rest.create(MODEL, _values(rest, document, mark), following.STATES)
    if made["state"] != "done":
        made = following.finish(rest, None, MODEL, made, STEPS)
    return str(made["id"]), made["number"] or ""


def _values(rest: Rest, document: dict[str, Any], mark: str) -> dict[str, Any]:
    storage, lost = _ends(rest, lookups.warehouse(rest, document["place"]))
    start, end = (lost, storage) if document["direction"] == "found" else (storage, lost)
    skus = [line["sku"] for line in document["lines"]]
    known = lookups.products(rest, skus)
    lines.refuse_missing(skus, known, "Tryton")
    company = int(rest.connection.settings.get("company", 1))
    places = {"from_location": start, "to_location": end, "company": company}
    moves = [
        {**places, "product": known[line["sku"]].id, "unit": known[line["sku"]].unit, "quantity": line["quantity"]}
        for line in document["lines"]
    ]
    return {**places, "reference": mark, "moves": [["create", moves]]}


def _ends(rest: Rest, warehouse: int) -> tuple[int, int]:
    found = rest.read("stock.location", warehouse, ["storage_location.id", "lost_found_location.id"])
    if not found or not found.get("storage_location") or not found.get("lost_found_location"):
        raise Rejected(FailureClass.MISSING_REFERENCE, "Tryton's warehouse lacks a storage or a lost and found.")
    return int(found["storage_location"]["id"]), int(found["lost_found_location"]["id"])
