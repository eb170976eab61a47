"""A journal entry in Tryton: an account move with our mark as its description, posted in the period of its day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from core.errors import TryLater
from integrations.erp.attempt import DONE, DRAFT, Found
from integrations.erp.journals import Entry, Journal
from integrations.erp.port import Memory, Rejected
from integrations.erp.tryton import lookups
from integrations.erp.tryton.client import Rest
from integrations.failures import FailureClass
from integrations.models import Connection

MODEL, JOURNAL = "account.move", "MISC"
FIELDS = ("id", "number", "state", "description", "lines.debit")


class TrytonJournal(Journal):
    name = "Tryton"

    def __init__(self, connection: Connection, document: Mapping[str, Any], memory: Memory):
        super().__init__(connection, document, memory)
        self.rest = Rest(connection)
        self.company = int(self.settings.get("company", 1))

    def candidates(self) -> list[Found]:
        ours = [["description", "like", f"{self.mark} %"], ["company", "=", self.company]]
        return [self._found(each) for each in self.rest.find(MODEL, ours, FIELDS)]

    def values(self) -> Mapping[str, Any]:
        self.refuse_foreign(lookups.company_currency(self.rest))
        accounts = self._accounts()
        day = date.fromisoformat(self.document["booked_on"])
        return {
            "company": self.company,
            "journal": self._one("account.journal", "code", str(self.settings.get("journal", JOURNAL)), "journal"),
            "period": self._period(day),
            "date": day,
            "description": self.words,
            "lines": [["create", [self._line(entry, accounts[entry.account]) for entry in self.entries]]],
        }

    def create(self, values: Mapping[str, Any]) -> Found:
        return self._found(self.rest.create(MODEL, values, FIELDS))

    def take_away(self, found: Found) -> None:
        self.rest.delete(MODEL, int(found.key))

    def confirm(self, found: Found) -> Found:
        self.memory.still_ours()
        made = self._found(self.rest.press(MODEL, int(found.key), "post", FIELDS))
        if made.progress < DONE:
            raise TryLater("Tryton has not posted the journal entry yet.")
        return made

    def _line(self, entry: Entry, account: Mapping[str, Any]) -> dict[str, Any]:
        owed = {"party": self._party()} if account.get("party_required") else {}
        made = {"account": int(account["id"]), "debit": entry.debit, "credit": entry.credit}
        return {**made, "description": entry.words, **owed}

    def _accounts(self) -> dict[str, dict[str, Any]]:
        domain = [["code", "in", self.codes], ["company", "=", self.company]]
        found = self.rest.find("account.account", domain, ["id", "code", "party_required"], limit=1000)
        known = {str(each["code"]): each for each in found}
        self.refuse_unknown(known)
        return known

    def _period(self, day: date) -> int:
        """The day's: Tryton itself would take today's."""
        domain = [["company", "=", self.company], ["start_date", "<=", day], ["end_date", ">=", day]]
        found = self.rest.find("account.period", [*domain, ["type", "=", "standard"]], ["id", "name", "state"])
        if not found:
            raise Rejected(FailureClass.MISSING_REFERENCE, f"Tryton has no period with the day {day}.")
        if found[0]["state"] != "open":
            raise Rejected(FailureClass.CONFLICT, f"Tryton's period {found[0]['name']} is {found[0]['state']}.")
        return int(found[0]["id"])

    def _party(self) -> int:
        settings = self.settings
        code = settings.get("parties", {}).get(self.document["channel"]) or settings.get("party", "")
        if not code:
            raise Rejected(FailureClass.MISSING_REFERENCE, "The connection names no party for journal entries.")
        return self._one("party.party", "code", str(code), "party")

    def _one(self, model: str, field: str, value: str, what: str) -> int:
        found = self.rest.find(model, [[field, "=", value]], ["id"])
        if not found:
            raise Rejected(FailureClass.MISSING_REFERENCE, f"Tryton has no {what} with the code {value}.")
        return int(found[0]["id"])

    def _found(self, move: Mapping[str, Any]) -> Found:
        total = sum((self.amount(line["debit"]) for line in move.get("lines") or ()), Decimal(0))
        progress = DONE if move["state"] == "posted" else DRAFT
        return Found(str(move["id"]), move["number"] or "", move["description"] or "", progress, total, move)
