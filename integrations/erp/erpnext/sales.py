"""A sale in ERPNext, once (see attempt.py): the order, its delivery note and its invoice, each submitted.

Our reference is `po_no`. What follows the order is mapped from it by ERPNext itself and names the order on its rows: it
is looked for by the order before it is made, and a draft that was left is submitted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from core.errors import TryLater
from integrations.erp import lines
from integrations.erp.attempt import CANCELLED, DONE, DRAFT, Attempt, AttemptPort, Found
from integrations.erp.erpnext.client import ErpNext
from integrations.erp.erpnext.journals import ErpNextJournal
from integrations.erp.lines import Line
from integrations.erp.port import Behind, Memory, Rejected
from integrations.failures import FailureClass
from integrations.models import Connection

PLACES = 2
PROGRESS = {0: DRAFT, 1: DONE, 2: CANCELLED}
MAKE = "erpnext.selling.doctype.sales_order.sales_order.make_"
DELIVERY, INVOICE, ORDER = "Delivery Note", "Sales Invoice", "Sales Order"
# Where a document of ours carries the mark: fields every installation has, that ERPNext leaves alone.
MARKED = {ORDER: "terms", INVOICE: "remarks"}
FIELDS = ("name", "docstatus", "po_no", "grand_total")


class ErpNextPort(AttemptPort):
    """The ERP port of one company in one ERPNext site."""

    def ping(self) -> str:
        name = str(self.connection.settings.get("company", ""))
        company = ErpNext(self.connection).read("Company", name)
        return f"ERPNext answers for {company['name']} ({company['default_currency']})."

    def attempt(self, document: Mapping[str, Any], memory: Memory) -> Attempt:
        kind = _CreditMemo if Decimal(document["total"]) < 0 else _Sale
        return kind(self.connection, document, memory)

    def journal(self, document: Mapping[str, Any], memory: Memory) -> Attempt:
        return ErpNextJournal(self.connection, document, memory)


class _Document(Attempt):
    name = "ERPNext"
    doctype: str

    def __init__(self, connection: Connection, document: Mapping[str, Any], memory: Memory):
        super().__init__(connection, document, memory)
        self.erp = ErpNext(connection)

    def candidates(self) -> list[Found]:
        found = self.erp.find(self.doctype, self._ours(), (*FIELDS, MARKED[self.doctype]))
        return [self._found(each) for each in found]

    def _ours(self) -> list[list[Any]]:
        return [["po_no", "=", self.document["reference"]], ["company", "=", self.settings.get("company")]]

    def create(self, values: Mapping[str, Any]) -> Found:
        return self._found(self.erp.create(self.doctype, values))

    def take_away(self, found: Found) -> None:
        self.erp.delete(self.doctype, found.key)

    def level(self, found: Found, difference: Decimal) -> Found:
        line = lines.rounding(difference, self.settings)
        draft = self.erp.read(self.doctype, found.key)
        items = [*draft["items"], self._item(line)]
        return self._found(self.erp.write(self.doctype, found.key, {"items": items}))

    def confirm(self, found: Found) -> Found:
        self.memory.still_ours()
        return self._found(self.erp.write(self.doctype, found.key, {"docstatus": 1}))

    def _values(self, found: list[Line]) -> dict[str, Any]:
        self._refuse_unknown(found)
        tax = sum((line.amount for line in found if line.code == self._tax_code), Decimal(0))
        goods = [line for line in found if line.code != self._tax_code]
        return {
            "company": self.settings.get("company"),
            "customer": lines.named(self.settings, "customer", "customers", self.document["channel"], self.name),
            "po_no": self.document["reference"],
            "currency": self.document["currency"],
            "items": [self._item(line) for line in goods],
            "taxes": [self._tax(tax)] if tax else [],
            "ignore_pricing_rule": 1,
            "disable_rounded_total": 1,
            MARKED[self.doctype]: self.words,
        }

    def _item(self, line: Line) -> dict[str, Any]:
        place = lines.named(self.settings, "warehouse", "warehouses", self.document["location"], self.name)
        values = {"item_code": line.code, "qty": line.quantity, "rate": line.unit_price, "warehouse": place}
        return {**values, "description": line.description, "delivery_date": self.document["booked_on"]}

    def _tax(self, amount: Decimal) -> dict[str, Any]:
        """The channel's tax to the cent, as an actual charge on the account the settings name."""
        account = self.settings.get("tax_account")
        if not account:
            raise Rejected(FailureClass.MISSING_REFERENCE, "No account of ERPNext's is named for tax (tax_account).")
        words = "Tax collected by the channel"
        return {"charge_type": "Actual", "account_head": account, "tax_amount": amount, "description": words}

    @property
    def _tax_code(self) -> str:
        return lines.services(self.settings)["collected_tax"]

    def _lines(self) -> list[Line]:
        return list(lines.of(self.document, self.settings, places=int(self.settings.get("price_places", PLACES))))

    def _refuse_unknown(self, found: Iterable[Line]) -> None:
        wanted = sorted(lines.codes(self.document, self.settings))
        known = {one["name"] for one in self.erp.find("Item", [["name", "in", wanted]], ["name"], limit=1000)}
        lines.refuse_unknown(found, self.document, known | {self._tax_code}, self.name)

    def _found(self, made: Mapping[str, Any]) -> Found:
        words = made.get(MARKED[self.doctype]) or ""
        progress = PROGRESS[int(made["docstatus"])]
        return Found(made["name"], made["name"], words, progress, self.amount(made["grand_total"]), made)


class _Sale(_Document):
    doctype = ORDER

    def values(self) -> Mapping[str, Any]:
        day = self.document["booked_on"]
        return {**self._values(self._lines()), "transaction_date": day, "delivery_date": day, "order_type": "Sales"}

    def follow(self, found: Found) -> Mapping[str, Any]:
        wanted = self.settings.get("documents", ["delivery", "invoice"])
        deliveries = [self._stands(found, DELIVERY, "against_sales_order")] if "delivery" in wanted else []
        invoices = [self._stands(found, INVOICE, "sales_order")] if "invoice" in wanted else []
        return {"state": "submitted", "deliveries": deliveries, "invoices": invoices}

    def counted(self, found: Found) -> Behind:
        wanted = self.settings.get("documents", ["delivery", "invoice"])
        deliveries = self._submitted(found, DELIVERY, "against_sales_order") if "delivery" in wanted else None
        invoices = self._submitted(found, INVOICE, "sales_order") if "invoice" in wanted else None
        return Behind(
            None if deliveries is None else len(deliveries),
            None if invoices is None else len(invoices),
            sum((self.amount(each["grand_total"]) for each in invoices or ()), Decimal(0)),
        )

    def _submitted(self, found: Found, doctype: str, names: str) -> list[dict[str, Any]]:
        filters: list[list[Any]] = [[f"{doctype} Item", names, "=", found.key], [doctype, "docstatus", "=", 1]]
        rows = self.erp.find(doctype, filters, ["name", "docstatus", "grand_total"])
        return list({each["name"]: each for each in rows}.values())  # a document comes once for each of its rows

    def _stands(self, found: Found, doctype: str, names: str) -> str:
        """The submitted document that was made from the order; returns its number."""
        filters: list[list[Any]] = [[f"{doctype} Item", names, "=", found.key], [doctype, "docstatus", "<", 2]]
        there = self.erp.find(doctype, filters, ["name", "docstatus", "grand_total"])
        made = max(there, key=lambda each: int(each["docstatus"]), default=None)
        if made is None:
            self.memory.still_ours()
            draft = self.erp.ask(f"{MAKE}{doctype.lower().replace(' ', '_')}", source_name=found.key)
            on = {"set_posting_time": 1, "posting_date": self.document["booked_on"]}
            made = self.erp.create(doctype, {**draft, **on})
        if (total := self.amount(made["grand_total"])) != found.total:
            raise self.differs(total, order=found.number)
        if int(made["docstatus"]) == 0:
            self.memory.still_ours()
            made = self.erp.write(doctype, made["name"], {"docstatus": 1})
        if int(made["docstatus"]) != 1:
            raise TryLater(f"ERPNext left {made['name']} unsubmitted.")
        return str(made["name"])


class _CreditMemo(_Document):
    """A return invoice: ERPNext counts what goes back below zero."""

    doctype = INVOICE

    def _ours(self) -> list[list[Any]]:
        return [*super()._ours(), ["is_return", "=", 1]]

    def values(self) -> Mapping[str, Any]:
        given = lines.credited(self._lines())
        back = [Line(line.code, -line.quantity, line.unit_price, line.description) for line in given]
        day = self.document["booked_on"]
        return {**self._values(back), "is_return": 1, "update_stock": 0, "set_posting_time": 1, "posting_date": day}

    def follow(self, found: Found) -> Mapping[str, Any]:
        return {"state": "submitted", "credit_memos": [found.number]}
