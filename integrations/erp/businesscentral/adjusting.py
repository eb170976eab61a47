"""Units found or gone in Business Central: lines of an item journal under our reference, posted there.

The standard API has no adjustments, so the page Item Journal is published as a web service (`journal` in the settings,
"ItemJournal" by default) and spoken to by OData. Posting is the journal's own business, by a person or a job queue; a
line is looked for in the journal and among the ledger entries it became, so none is written twice.
"""

from __future__ import annotations

from typing import Any

from integrations.erp import lines
from integrations.erp.businesscentral.client import BusinessCentral, any_of, quoted
from integrations.erp.calls import Refused
from integrations.failures import FailureClass
from integrations.models import Connection

# Line numbers of a journal are whole numbers of 32 bits: so many documents have a range of a million each.
DOCUMENTS, RANGE, STEP = 2_000, 1_000_000, 1_000
TYPES = {"found": "Positive Adjmt.", "lost": "Negative Adjmt."}


def post(connection: Connection, document: dict[str, Any]) -> tuple[str, str]:
    """Our reference, which is the document's number there, once every line of it is in the journal or the ledger."""
    erp = BusinessCentral(connection)
    number = document["reference"]
    _refuse_unknown(erp, [line["sku"] for line in document["lines"]])
    posted = erp.find("itemLedgerEntries", f"documentNumber eq {quoted(number)}")
    waiting = erp.published(_journal(connection), f"Document_No eq {quoted(number)}")
    there = {each["itemNumber"] for each in posted} | {each["Item_No"] for each in waiting}
    for place, line in enumerate(document["lines"], 1):
        if line["sku"] not in there:
            _write(erp, connection, _line(connection, document, line, place))
    return number, number


def _write(erp: BusinessCentral, connection: Connection, line: dict[str, Any]) -> None:
    """Each line has a number of its own, so one whose answer was lost can't be written twice."""
    try:
        erp.publish(_journal(connection), line)
    except Refused as no:
        ours = erp.published(_journal(connection), f"Document_No eq {quoted(line['Document_No'])}")
        taken = no.failure_class == FailureClass.DUPLICATE
        if not taken or line["Item_No"] not in {each["Item_No"] for each in ours}:
            raise


def _journal(connection: Connection) -> str:
    return str(connection.settings.get("journal") or "ItemJournal")


def _line(connection: Connection, document: dict[str, Any], line: dict[str, Any], place: int) -> dict[str, Any]:
    settings = connection.settings
    return {
        "Journal_Template_Name": str(settings.get("journal_template") or "ITEM"),
        "Journal_Batch_Name": str(settings.get("journal_batch") or "DEFAULT"),
        "Line_No": int(document["reference"].removeprefix("ADJ-")) % DOCUMENTS * RANGE + place * STEP,
        "Posting_Date": document["day"],
        "Entry_Type": TYPES[document["direction"]],
        "Document_No": document["reference"],
        "Item_No": line["sku"],
        "Location_Code": lines.named(settings, "warehouse", "warehouses", document["place"], "Business Central"),
        "Quantity": line["quantity"],
    }


def _refuse_unknown(erp: BusinessCentral, skus: list[str]) -> None:
    known = {each["number"] for each in erp.find("items", any_of("number", skus[:50]))}
    for start in range(50, len(skus), 50):
        known |= {each["number"] for each in erp.find("items", any_of("number", skus[start : start + 50]))}
    lines.refuse_missing(skus, known, "Business Central")
