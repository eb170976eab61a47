"""Units found or gone in SAP S/4HANA: a material document, posted at once, under our reference.

Which movement type books them is the client's own choice: 501 (receipt without an order) and 551 (scrapping) are what
most use, and the settings may name others (`movement_found`, `movement_lost`) and the cost centre these ask for.
"""

from __future__ import annotations

from typing import Any

from core.errors import TryLater
from integrations.erp import lines
from integrations.erp.sap.client import MATERIALS, PRODUCTS, Sap, day, quoted
from integrations.models import Connection

HEADER = "A_MaterialDocumentHeader"
FOUND, LOST = ("movement_found", "501", "05"), ("movement_lost", "551", "03")  # setting, usual type, transaction
REFERENCE_AT_MOST = 16


def post(connection: Connection, document: dict[str, Any]) -> tuple[str, str]:
    """Its year and number. One call posts all of it or nothing; found by our reference before another is made."""
    erp = Sap(connection)
    text = f"Backroom {str(connection.pk)[:8]}"
    made = _ours(erp, document["reference"], text)
    if made is None:
        erp.change("POST", f"{MATERIALS}/{HEADER}", _values(erp, connection, document, text))
        made = _ours(erp, document["reference"], text)
    if made is None:
        raise TryLater("SAP doesn't show the material document yet.")
    return f"{made['MaterialDocumentYear']}/{made['MaterialDocument']}", str(made["MaterialDocument"])


def _ours(erp: Sap, reference: str, text: str) -> dict[str, Any] | None:
    found = erp.find(MATERIALS, HEADER, f"ReferenceDocument eq {quoted(reference[:REFERENCE_AT_MOST])}")
    return next((each for each in found if each.get("MaterialDocumentHeaderText") == text), None)


def _values(erp: Sap, connection: Connection, document: dict[str, Any], text: str) -> dict[str, Any]:
    settings = connection.settings
    skus = [line["sku"] for line in document["lines"]]
    condition = " or ".join(f"Product eq {quoted(sku)}" for sku in skus)
    known = {each["Product"]: each for each in erp.find(PRODUCTS, "A_Product", condition)}
    lines.refuse_missing(skus, known, "SAP")
    name, usual, transaction = FOUND if document["direction"] == "found" else LOST
    plant = lines.named(settings, "warehouse", "warehouses", document["place"], "SAP")
    where = {"Plant": plant, "StorageLocation": str(settings.get("storage_location") or "")}
    centre = {"CostCenter": str(settings["cost_center"])} if settings.get("cost_center") else {}
    rows = [
        {
            "Material": line["sku"],
            **{key: value for key, value in where.items() if value},
            "GoodsMovementType": str(settings.get(name) or usual),
            "EntryUnit": str(known[line["sku"]].get("BaseUnit") or "PC"),
            "QuantityInEntryUnit": str(line["quantity"]),
            **centre,
        }
        for line in document["lines"]
    ]
    return {
        "GoodsMovementCode": transaction,
        "PostingDate": day(document["day"]),
        "DocumentDate": day(document["day"]),
        "ReferenceDocument": document["reference"][:REFERENCE_AT_MOST],
        "MaterialDocumentHeaderText": text,
        "to_MaterialDocumentItem": rows,
    }
