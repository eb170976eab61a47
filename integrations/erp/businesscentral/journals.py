"""A journal entry in Business Central: a general journal of its own, which is posted and taken away again.

Posting posts a whole journal, so each document gets one by itself (`journals` of the API; its code comes from our
reference): nobody else's lines are ever posted with ours, and two workers never meet in one. What is posted is found
among the ledger entries under the document's number. Lines carry numbers of ours, so one is never written twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from core.errors import Permanent, TryLater
from integrations.erp.attempt import DONE, DRAFT, Found
from integrations.erp.businesscentral.client import BusinessCentral, quoted
from integrations.erp.calls import Refused
from integrations.erp.journals import Entry, Journal
from integrations.erp.port import Memory
from integrations.failures import FailureClass
from integrations.models import Connection

NUMBER, DESCRIPTION, STEP = 20, 100, 10_000
# An account of the chart is one of the general ledger, or says what else it is: customer:10000, bank:GIRO.
TYPES = {"customer": "Customer", "vendor": "Vendor", "bank": "Bank Account"}


class BusinessCentralJournal(Journal):
    name = "Business Central"

    def __init__(self, connection: Connection, document: Mapping[str, Any], memory: Memory):
        super().__init__(connection, document, memory)
        self.erp = BusinessCentral(connection)
        self.number = number_of(document["reference"])
        self.code = f"BR{hashlib.sha256(self.mark.encode()).hexdigest()[:8]}".upper()

    def candidates(self) -> list[Found]:
        posted = self.erp.find("generalLedgerEntries", f"documentNumber eq {quoted(self.number)}")
        if posted:
            ours = [each for each in posted if each["description"].startswith(f"{self.mark} ")]
            return [self._posted(ours or posted)]
        drafts = self.erp.find("journals", f"code eq {quoted(self.code)}")
        return [self._draft(each) for each in drafts]

    def values(self) -> Mapping[str, Any]:
        if not self.settings.get("currency"):
            raise Permanent("Its settings lack the company's currency, which journals are kept in.")
        self.refuse_foreign(str(self.settings["currency"]))
        ledger = [code for code in self.codes if _typed(code)[0] == "G/L Account"]
        wanted = " or ".join(f"number eq {quoted(code)}" for code in ledger)
        known = {each["number"] for each in self.erp.find("accounts", wanted)} if ledger else set()
        self.refuse_unknown(sorted(known | (set(self.codes) - set(ledger))))
        rows = [self._line(entry, place) for place, entry in enumerate(self.entries, 1)]
        return {"code": self.code, "displayName": f"Backroom {self.document['reference']}"[:50], "lines": rows}

    def create(self, values: Mapping[str, Any]) -> Found:
        """The journal, then its lines: those that are there already are left, and what isn't ours is none of it."""
        made = self._journal(values)
        there = {int(each["lineNumber"]) for each in self._lines(made)}
        for row in values["lines"]:
            if row["lineNumber"] not in there:
                self._write(made, row)
        return self._draft(made)

    def take_away(self, found: Found) -> None:
        self.erp.delete("journals", found.raw)

    def confirm(self, found: Found) -> Found:
        self.memory.still_ours()
        refused = None
        try:
            self.erp.do("journals", found.key, "post")
        except Refused as no:  # a call whose answer was lost may have posted it meanwhile: nothing is left to post then
            refused = no
        made = [each for each in self.candidates() if each.progress >= DONE]
        if not made:
            raise refused or TryLater("Business Central doesn't show what it posted yet.")
        return made[0]

    def follow(self, found: Found) -> Mapping[str, Any]:
        """Its journal is empty once it is posted: it is taken away, so that none are left over."""
        for left in self.erp.find("journals", f"code eq {quoted(self.code)}"):
            self.erp.delete("journals", left)
        return {}

    def _journal(self, values: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return self.erp.create("journals", {name: values[name] for name in ("code", "displayName")})
        except Refused as no:
            if no.failure_class != FailureClass.DUPLICATE:
                raise
            return self.erp.find("journals", f"code eq {quoted(self.code)}")[0]

    def _write(self, journal: Mapping[str, Any], row: Mapping[str, Any]) -> None:
        try:
            self.erp.create(f"journals({journal['id']})/journalLines", row)
        except Refused as no:
            if no.failure_class != FailureClass.DUPLICATE:
                raise

    def _lines(self, journal: Mapping[str, Any]) -> list[dict[str, Any]]:
        return self.erp.find(f"journals({journal['id']})/journalLines", "lineNumber gt 0")

    def _line(self, entry: Entry, place: int) -> dict[str, Any]:
        kind, number = _typed(entry.account)
        return {
            "lineNumber": place * STEP,
            "accountType": kind,
            "accountNumber": number,
            "postingDate": self.document["booked_on"],
            "documentNumber": self.number,
            "externalDocumentNumber": self.document["reference"][:35],
            "amount": entry.debit - entry.credit,
            "description": f"{self.words.partition(' · ')[0]} · {entry.words}"[:DESCRIPTION],
        }

    def _draft(self, journal: Mapping[str, Any]) -> Found:
        """As far as it came: half of its lines are no version of ours, so it is made anew."""
        rows = self._lines(journal)
        words = next((each["description"] for each in rows), "") if len(rows) == len(self.entries) else ""
        total = sum((self.amount(max(Decimal(str(each["amount"])), Decimal(0))) for each in rows), Decimal(0))
        return Found(str(journal["id"]), "", words or f"{self.mark} unfinished", DRAFT, total, journal)

    def _posted(self, rows: list[dict[str, Any]]) -> Found:
        total = sum((self.amount(each["debitAmount"]) for each in rows), Decimal(0))
        return Found(self.number, self.number, rows[0]["description"], DONE, total, rows[0])


def number_of(reference: str) -> str:
    """The document's number there: our reference, in capitals and at most twenty characters."""
    if len(reference) <= NUMBER:
        return reference.upper()
    return f"{reference[: NUMBER - 9]}-{hashlib.sha256(reference.encode()).hexdigest()[:8]}".upper()


def _typed(account: str) -> tuple[str, str]:
    kind, _, number = account.partition(":")
    return (TYPES[kind.lower()], number) if number and kind.lower() in TYPES else ("G/L Account", account)
