"""A journal entry in NetSuite, under an external id of ours, which NetSuite has once: approved, so that it posts.

Where an account's own approval routing keeps it from that, it waits there until somebody approves it.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from core.errors import TryLater
from integrations.erp.attempt import DONE, DRAFT, Found
from integrations.erp.journals import Entry, Journal
from integrations.erp.netsuite.client import NetSuite
from integrations.erp.port import Memory, Rejected
from integrations.failures import FailureClass
from integrations.models import Connection

RECORD = "journalEntry"
HOURLY = 3600.0  # how often to look whether somebody approved it there


class NetSuiteJournal(Journal):
    name = "NetSuite"

    def __init__(self, connection: Connection, document: Mapping[str, Any], memory: Memory):
        super().__init__(connection, document, memory)
        self.erp = NetSuite(connection)
        self.external_id = f"backroom-{self.origin}-{document['key']}"

    def candidates(self) -> list[Found]:
        made = self.erp.read(RECORD, f"eid:{self.external_id}", lines=True)
        return [self._found(made)] if made is not None else []

    def values(self) -> Mapping[str, Any]:
        accounts = self.erp.ids("account", "acctnumber", self.codes)
        self.refuse_unknown(accounts)
        named = {"subsidiary": {"id": str(self.settings["subsidiary"])}} if self.settings.get("subsidiary") else {}
        party = self._party() if any(entry.role == "receivable" for entry in self.entries) else {}
        return {
            **named,
            "currency": {"id": self._id("currency", "symbol", self.document["currency"])},
            "tranDate": self.document["booked_on"],
            "memo": self.words,
            "approved": True,
            "line": {"items": [self._line(entry, accounts[entry.account], party) for entry in self.entries]},
        }

    def create(self, values: Mapping[str, Any]) -> Found:
        self.erp.put(RECORD, self.external_id, values, replace="line")
        return self._read()

    def take_away(self, found: Found) -> None:
        """Nothing: putting it again under its external id replaces it."""

    def confirm(self, found: Found) -> Found:
        self.memory.still_ours()
        self.erp.change(RECORD, found.key, {"approved": True})
        made = self._read()
        if made.progress < DONE:
            raise TryLater(f"NetSuite holds {made.number} until somebody approves it there.", seconds=HOURLY)
        return made

    def _line(self, entry: Entry, account: str, party: Mapping[str, Any]) -> dict[str, Any]:
        amount = {"debit": entry.debit} if entry.debit else {"credit": entry.credit}
        owed = party if entry.role == "receivable" else {}
        return {"account": {"id": account}, "memo": entry.words, **amount, **owed}

    def _party(self) -> dict[str, Any]:
        party = self.party()
        return {"entity": {"id": self._id("customer", "entityid", party)}} if party else {}

    def _id(self, table: str, field: str, name: str) -> str:
        found = self.erp.ids(table, field, [name])
        if name not in found:
            raise Rejected(FailureClass.MISSING_REFERENCE, f"NetSuite has no {table} {name}.")
        return found[name]

    def _read(self) -> Found:
        made = self.erp.read(RECORD, f"eid:{self.external_id}", lines=True)
        if made is None:
            raise TryLater("NetSuite doesn't show the journal entry yet.")
        return self._found(made)

    def _found(self, made: Mapping[str, Any]) -> Found:
        rows = (made.get("line") or {}).get("items") or []
        total = sum((self.amount(row.get("debit")) for row in rows), Decimal(0))
        progress = DRAFT if made.get("approved") is False else DONE
        return Found(str(made["id"]), str(made.get("tranId") or ""), made.get("memo") or "", progress, total, made)
