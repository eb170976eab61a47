"""A journal entry in ERPNext, submitted.

Our reference is its reference number (`cheque_no`, which wants a date beside it) and the mark its user remark. Accounts
are named as ERPNext names them or by their number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.erp.attempt import CANCELLED, DONE, DRAFT, Found
from integrations.erp.erpnext.client import ErpNext
from integrations.erp.journals import Entry, Journal
from integrations.erp.port import Memory, Rejected
from integrations.failures import FailureClass
from integrations.models import Connection

DOCTYPE = "Journal Entry"
FIELDS = ("name", "docstatus", "user_remark", "total_debit")
ACCOUNT = ("name", "account_number", "account_type", "account_currency", "is_group")
PROGRESS = {0: DRAFT, 1: DONE, 2: CANCELLED}
OWED = {"Receivable"}  # ERPNext wants to know by whom


class ErpNextJournal(Journal):
    name = "ERPNext"

    def __init__(self, connection: Connection, document: Mapping[str, Any], memory: Memory):
        super().__init__(connection, document, memory)
        self.erp = ErpNext(connection)

    def candidates(self) -> list[Found]:
        ours = [["cheque_no", "=", self.document["reference"]], ["company", "=", self.settings.get("company")]]
        return [self._found(each) for each in self.erp.find(DOCTYPE, ours, FIELDS)]

    def values(self) -> Mapping[str, Any]:
        accounts = self._accounts()
        day = self.document["booked_on"]
        return {
            "voucher_type": DOCTYPE,
            "company": self.settings.get("company"),
            "posting_date": day,
            "cheque_no": self.document["reference"],
            "cheque_date": day,
            "user_remark": self.words,
            "accounts": [self._row(entry, accounts[entry.account]) for entry in self.entries],
            **({"reversal_of": self.reverses["id"]} if self.reverses else {}),
        }

    def create(self, values: Mapping[str, Any]) -> Found:
        return self._found(self.erp.create(DOCTYPE, values))

    def take_away(self, found: Found) -> None:
        self.erp.delete(DOCTYPE, found.key)

    def confirm(self, found: Found) -> Found:
        self.memory.still_ours()
        return self._found(self.erp.write(DOCTYPE, found.key, {"docstatus": 1}))

    def _row(self, entry: Entry, account: Mapping[str, Any]) -> dict[str, Any]:
        row: dict[str, Any] = {
            "account": account["name"],
            "debit_in_account_currency": entry.debit,
            "credit_in_account_currency": entry.credit,
            "user_remark": entry.words,
        }
        if account.get("account_type") in OWED:
            if not (party := self.party()):
                words = f"No customer of ERPNext's is named for the receivable {account['name']}."
                raise Rejected(FailureClass.MISSING_REFERENCE, words)
            row |= {"party_type": "Customer", "party": party}
        return row

    def _accounts(self) -> dict[str, dict[str, Any]]:
        company = ["company", "=", self.settings.get("company")]
        named = self.erp.find("Account", [["name", "in", self.codes], company], ACCOUNT, limit=1000)
        known = {str(each["name"]): each for each in named}
        if rest := [code for code in self.codes if code not in known]:
            numbered = self.erp.find("Account", [["account_number", "in", rest], company], ACCOUNT, limit=1000)
            known |= {str(each["account_number"]): each for each in numbered}
        self.refuse_unknown(known)
        for code in self.codes:
            if int(known[code].get("is_group") or 0):
                raise Rejected(FailureClass.BAD_VALUE, f"ERPNext's {code} is a group: nothing is booked on it.")
            if known[code].get("account_currency"):
                self.refuse_foreign(str(known[code]["account_currency"]))
        return known

    def _found(self, made: Mapping[str, Any]) -> Found:
        words, progress = made.get("user_remark") or "", PROGRESS[int(made["docstatus"])]
        return Found(made["name"], made["name"], words, progress, self.amount(made["total_debit"]), made)
