"""A journal entry in Tryton: an account move found by our mark or made, then posted."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from core.errors import TryLater
from integrations.erp.port import Memory, Posted, Rejected
from integrations.erp.tryton.client import Rest
from integrations.failures import FailureClass
from integrations.models import Connection

MODEL = "account.move"
FIELDS = ("id", "number", "post_number", "state", "description")


def post(connection: Connection, document: Mapping[str, Any], memory: Memory) -> Posted:
    """Posted there once: looked for by our mark before it is made, and posted from wherever it is found."""
    rest = Rest(connection)
    mark = f"{document['reference']} Backroom {str(connection.pk)[:8]}"
    found = rest.find(MODEL, [["description", "=", mark]], FIELDS)
    found.sort(key=lambda each: (each["state"] != "posted", each["id"]))
    if found:
        move = found[0]
    else:
        values = _values(rest, document, mark)
        memory.still_ours()
        move = rest.create(MODEL, values, FIELDS)
    memory.keep(str(move["id"]))
    if move["state"] != "posted":
        memory.still_ours()
        move = rest.press(MODEL, int(move["id"]), "post", FIELDS)
    number = move.get("post_number") or move.get("number") or ""
    if move["state"] != "posted" or not number:
        raise TryLater("Tryton has not posted the journal entry yet.")
    return Posted(number=number, erp_id=str(move["id"]), total=Decimal(document["total"]))


def _values(rest: Rest, document: Mapping[str, Any], mark: str) -> dict[str, Any]:
    settings = rest.connection.settings
    company = int(settings.get("company", 1))
    journal = _one(rest, "account.journal", "code", str(settings.get("journal", "MISC")), "journal")
    lines = []
    for entry in document["entries"]:
        if not entry["account"]:
            words = f"The chart names no account for “{entry['role'].replace('_', ' ')}”."
            raise Rejected(FailureClass.MISSING_REFERENCE, words)
        account = rest.find(
            "account.account", [["code", "=", entry["account"]], ["company", "=", company]], ["id", "party_required"]
        )
        if not account:
            words = f"Tryton has no account with the code {entry['account']}."
            raise Rejected(FailureClass.MISSING_REFERENCE, words)
        line = {
            "account": int(account[0]["id"]),
            "debit": Decimal(entry["debit"]),
            "credit": Decimal(entry["credit"]),
            "description": entry["note"],
        }
        if account[0].get("party_required"):
            line["party"] = _party(rest, document)
        lines.append(line)
    return {
        "company": company, "journal": journal, "date": document["booked_on"], "description": mark,
        "lines": [["create", lines]],
    }  # fmt: skip


def _party(rest: Rest, document: Mapping[str, Any]) -> int:
    named = rest.connection.settings.get("customers", {}).get(document["channel"])
    code = str(named or rest.connection.settings.get("customer", ""))
    if not code:
        raise Rejected(FailureClass.MISSING_REFERENCE, "The connection names no customer for journal entries.")
    return _one(rest, "party.party", "code", code, "party")


def _one(rest: Rest, model: str, field: str, value: str, what: str) -> int:
    found = rest.find(model, [[field, "=", value]], ["id"])
    if not found:
        raise Rejected(FailureClass.MISSING_REFERENCE, f"Tryton has no {what} with the code {value}.")
    return int(found[0]["id"])
