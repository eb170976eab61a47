"""A journal entry in Odoo: an account.move of the type `entry`, posted.

Our reference is its `ref`, the mark its origin. A draft may be deleted; a posted one is taken back by another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.errors import TryLater
from integrations.erp.attempt import CANCELLED, DONE, DRAFT, Found
from integrations.erp.journals import Journal
from integrations.erp.odoo.client import Odoo
from integrations.erp.port import Memory, Rejected
from integrations.failures import FailureClass
from integrations.models import Connection

MOVE, TYPE, JOURNAL = "account.move", "entry", "MISC"
FIELDS = ("id", "name", "state", "invoice_origin", "amount_total")
PROGRESS = {"draft": DRAFT, "posted": DONE, "cancel": CANCELLED}


class OdooJournal(Journal):
    name = "Odoo"

    def __init__(self, connection: Connection, document: Mapping[str, Any], memory: Memory):
        super().__init__(connection, document, memory)
        self.odoo = Odoo(connection)
        self.company = int(self.settings.get("company", 1))

    def candidates(self) -> list[Found]:
        domain = [["ref", "=", self.document["reference"]], ["move_type", "=", TYPE]]
        domain += [["company_id", "=", self.company]]
        return [self._found(each) for each in self.odoo.find(MOVE, domain, FIELDS)]

    def values(self) -> Mapping[str, Any]:
        self.refuse_foreign(self._currency())
        accounts = self._accounts()
        reversed_id = {"reversed_entry_id": int(self.reverses["id"])} if self.reverses else {}
        return {
            "company_id": self.company,
            "move_type": TYPE,
            "journal_id": self._journal(),
            "date": self.document["booked_on"],
            "ref": self.document["reference"],
            "invoice_origin": self.words,
            "line_ids": [
                [0, 0, {
                    "account_id": accounts[entry.account],
                    "debit": entry.debit,
                    "credit": entry.credit,
                    "name": entry.words,
                    **self._partner(entry.role),
                }]
                for entry in self.entries
            ],
            **reversed_id,
        }  # fmt: skip

    def create(self, values: Mapping[str, Any]) -> Found:
        return self._read(self.odoo.create(MOVE, values))

    def take_away(self, found: Found) -> None:
        self.odoo.do(MOVE, "unlink", [int(found.key)])

    def confirm(self, found: Found) -> Found:
        self.memory.still_ours()
        self.odoo.do(MOVE, "action_post", [int(found.key)])
        return self._read(int(found.key))

    def _accounts(self) -> dict[str, int]:
        within = {"allowed_company_ids": [self.company]}  # a code may be another account's in another company
        found = self.odoo.find(
            "account.account", [["code", "in", self.codes]], ["id", "code"], limit=1000, context=within
        )
        known = {str(each["code"]): int(each["id"]) for each in found}
        self.refuse_unknown(known)
        return known

    def _journal(self) -> int:
        code = str(self.settings.get("journal", JOURNAL))
        return int(self._one("account.journal", [["code", "=", code], ["company_id", "=", self.company]], code)["id"])

    def _partner(self, role: str) -> dict[str, int]:
        if role != "receivable" or not (party := self.party()):
            return {}
        if not hasattr(self, "_party_id"):
            self._party_id = int(self._one("res.partner", [["ref", "=", party]], party)["id"])
        return {"partner_id": self._party_id}

    def _currency(self) -> str:
        found = self._one("res.company", [["id", "=", self.company]], str(self.company), ["currency_id"])
        return str(found["currency_id"][1])

    def _one(self, model: str, domain: list[Any], named: str, fields: list[str] | None = None) -> dict[str, Any]:
        found = self.odoo.find(model, domain, fields or ["id"], limit=1)
        if not found:
            noun = {"account.journal": "journal", "res.partner": "customer"}.get(model, "company")
            raise Rejected(FailureClass.MISSING_REFERENCE, f"Odoo has no {noun} {named}.", answer={"request": model})
        return found[0]

    def _read(self, key: int) -> Found:
        found = self.odoo.find(MOVE, [["id", "=", key]], FIELDS)
        if not found:
            raise TryLater(f"Odoo's journal entry {key} is gone.")
        return self._found(found[0])

    def _found(self, move: Mapping[str, Any]) -> Found:
        name = "" if move["name"] in {False, "/"} else move["name"]  # numbered when it is posted
        total = abs(self.amount(move["amount_total"]))
        return Found(str(move["id"]), name, move["invoice_origin"] or "", PROGRESS[move["state"]], total, move)
