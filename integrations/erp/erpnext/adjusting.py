"""Units found or gone in ERPNext: a stock entry, Material Receipt or Material Issue, submitted."""

from __future__ import annotations

from typing import Any

from integrations.erp import lines
from integrations.erp.erpnext.client import ErpNext
from integrations.models import Connection

DOCTYPE, FIELDS = "Stock Entry", ("name", "docstatus")


def post(connection: Connection, document: dict[str, Any]) -> tuple[str, str]:
    """Its number, submitted. Found by our mark first: of two drafts (an answer was lost) one is taken away."""
    erp = ErpNext(connection)
    mark = f"{document['reference']} Backroom {str(connection.pk)[:8]}"
    company = ["company", "=", connection.settings.get("company")]
    found = erp.find(DOCTYPE, [["remarks", "=", mark], ["docstatus", "<", 2], company], FIELDS)
    found.sort(key=lambda each: -int(each["docstatus"]))
    for other in found[1:]:
        if int(other["docstatus"]) == 0:
            erp.delete(DOCTYPE, other["name"])
    made = found[0] if found else erp.create(DOCTYPE, _values(erp, connection, document, mark))
    if int(made["docstatus"]) == 0:
        made = erp.write(DOCTYPE, made["name"], {"docstatus": 1})
    return str(made["name"]), str(made["name"])


def _values(erp: ErpNext, connection: Connection, document: dict[str, Any], mark: str) -> dict[str, Any]:
    skus = [line["sku"] for line in document["lines"]]
    known = {each["name"] for each in erp.find("Item", [["name", "in", skus]], ["name"], limit=1000)}
    lines.refuse_missing(skus, known, "ERPNext")
    place = lines.named(connection.settings, "warehouse", "warehouses", document["place"], "ERPNext")
    came = document["direction"] == "found"
    where = {"t_warehouse" if came else "s_warehouse": place}
    # What is found has no price of its own: ERPNext takes what the warehouse's other units are worth, or nothing.
    worth = {"allow_zero_valuation_rate": 1} if came else {}
    return {
        "company": connection.settings.get("company"),
        "stock_entry_type": "Material Receipt" if came else "Material Issue",
        "set_posting_time": 1,
        "posting_date": document["day"],
        "remarks": mark,
        "items": [{"item_code": line["sku"], "qty": line["quantity"], **where, **worth} for line in document["lines"]],
    }
