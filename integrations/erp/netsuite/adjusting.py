"""Units found or gone in NetSuite: an inventory adjustment under an external id of ours, which NetSuite has once."""

from __future__ import annotations

from typing import Any

from core.errors import TryLater
from integrations.erp import lines
from integrations.erp.netsuite.client import NetSuite
from integrations.erp.port import Rejected
from integrations.failures import FailureClass
from integrations.models import Connection

RECORD = "inventoryAdjustment"


def post(connection: Connection, document: dict[str, Any]) -> tuple[str, str]:
    """Its id and number. Putting it again under its external id would make no second one; it is looked for all the
    same, because one that is there may have been closed with its period."""
    erp = NetSuite(connection)
    external_id = f"backroom-{str(connection.pk)[:8]}-{document['reference']}"
    made = erp.read(RECORD, f"eid:{external_id}")
    if made is None:
        erp.put(RECORD, external_id, _values(erp, connection, document), replace="inventory")
        made = erp.read(RECORD, f"eid:{external_id}")
    if made is None:
        raise TryLater("NetSuite doesn't show the adjustment yet.")
    return str(made["id"]), str(made.get("tranId") or "")


def _values(erp: NetSuite, connection: Connection, document: dict[str, Any]) -> dict[str, Any]:
    settings = connection.settings
    skus = [line["sku"] for line in document["lines"]]
    items = erp.ids("item", "itemid", skus)
    lines.refuse_missing(skus, items, "NetSuite")
    name = lines.named(settings, "warehouse", "warehouses", document["place"], "NetSuite")
    place = {"id": _id(erp, "location", "name", name)}
    if not settings.get("adjustment_account"):
        words = "No account of NetSuite's is named for adjustments (adjustment_account)."
        raise Rejected(FailureClass.MISSING_REFERENCE, words)
    account = {"id": _id(erp, "account", "acctnumber", str(settings["adjustment_account"]))}
    subsidiary = {"subsidiary": {"id": str(settings["subsidiary"])}} if settings.get("subsidiary") else {}
    sign = 1 if document["direction"] == "found" else -1
    rows = [
        {"item": {"id": items[line["sku"]]}, "location": place, "adjustQtyBy": sign * line["quantity"]}
        for line in document["lines"]
    ]
    about = {"account": account, "adjLocation": place, "tranDate": document["day"], **subsidiary}
    memo = f"Backroom {document['reference']} {', '.join(document['reasons'])}".strip()[:250]
    return {**about, "memo": memo, "inventory": {"items": rows}}


def _id(erp: NetSuite, table: str, field: str, name: str) -> str:
    found = erp.ids(table, field, [name])
    if name not in found:
        raise Rejected(FailureClass.MISSING_REFERENCE, f"NetSuite has no {table} {name}.")
    return found[name]
