"""ERPNext as Frappe's REST documentation has it: token authentication, filters, docstatus, errors within errors.

References are not unique, a submitted document can be changed no more, and what is mapped from an order names it on its
rows. An order that is delivered in full has nothing left to deliver: submitting a second note is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from tests.integrations.servers.erp import Asked, ErpServer, No, Told, netted

STATUS = {
    "ValidationError": 417,
    "ClosedAccountingPeriod": 417,
    "MandatoryError": 417,
    "LinkValidationError": 417,
    "DoesNotExistError": 404,
    "AuthenticationError": 401,
}
MARKS = {"Sales Order": "SAL-ORD", "Delivery Note": "MAT-DN", "Sales Invoice": "ACC-SINV", "Stock Entry": "MAT-STE",
         "Journal Entry": "ACC-JV"}  # fmt: skip
ROWS = {"Delivery Note": "against_sales_order", "Sales Invoice": "sales_order"}


class ErpNextServer(ErpServer):
    secrets = {"key": "public", "secret": "private"}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in MARKS}
        self.tables["Item"] = {code: {"name": code} for code in self.products}
        self.tables["Account"] = {
            f"{code} - OS": {
                "name": f"{code} - OS", "account_number": code, "company": "Our Shop", "is_group": 0,
                "account_type": "Receivable" if code == "1200" else "", "account_currency": "USD",
            }
            for code in sorted(self.accounts)
        }  # fmt: skip
        self.tables["Company"] = {"Our Shop": {"name": "Our Shop", "default_currency": "USD"}}

    def is_write(self, asked: Asked) -> bool:
        return asked.path.startswith("/api/resource/") and asked.method != "GET"

    def answer(self, asked: Asked) -> Told:
        if asked.headers.get("authorization") != "token public:private":
            raise _no("AuthenticationError", "")
        _, _, kind, *rest = asked.path.split("/")
        if kind == "method":
            return Told(200, {"message": self._map(rest[0], asked.body["source_name"])})
        doctype, *name = (unquote(each) for each in rest)
        table = self.tables.get(doctype, {})
        if asked.method == "POST":
            return Told(200, {"data": self._insert(doctype, asked.body)})
        if not name and doctype in self.masters:
            return Told(200, {"data": self._master(doctype, asked.query)})
        if not name:
            filters = json.loads(asked.query["filters"])
            return Told(200, {"data": [row for row in table.values() if all(_meets(row, each) for each in filters)]})
        if name[0] not in table:
            raise _no("DoesNotExistError", f"{doctype} {name[0]} not found")
        row = table[name[0]]
        if asked.method == "DELETE":
            self._refuse_submitted(row)
            del table[name[0]]
            return Told(202, {"data": "ok"})
        return Told(200, {"data": self._update(doctype, row, asked.body) if asked.method == "PUT" else row})

    def _master(self, doctype: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
        terms = {field: value for field, _, value in json.loads(query["filters"])}
        key = query["order_by"].split()[0]
        limit, since = int(query["limit_page_length"]), terms.get("modified", "")
        found = self.listed(doctype, key, after=terms.get("name"), changed="modified", since=since, limit=limit)
        fields = json.loads(query["fields"])
        return [
            {name: row.get(name) for name in fields}
            for row in found
            if row.get("parent", "") in terms.get("parent", [""])
        ]

    def _insert(self, doctype: str, values: dict[str, Any]) -> dict[str, Any]:
        number = f"{MARKS[doctype]}-2026-{self.next_id():05}"
        row = {**values, "name": number, "doctype": doctype, "docstatus": 0}
        self._validate(row)
        self.tables[doctype][number] = row
        return row

    def _update(self, doctype: str, row: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
        self._refuse_submitted(row)
        self._validate({**row, **values})
        if doctype == "Journal Entry" and values.get("docstatus") == 1 and row["posting_date"] <= self.closed_until:
            words = "You cannot create a Journal Entry within the closed Accounting Period <b>Closed</b>"
            raise _no("ClosedAccountingPeriod", words)
        if values.get("docstatus") == 1 and doctype == "Delivery Note":
            order = row["items"][0]["against_sales_order"]
            others = [each for each in self.tables[doctype].values() if each["docstatus"] == 1]
            if any(each["items"][0]["against_sales_order"] == order for each in others):
                raise _no("ValidationError", f"This document is over limit by <b>Qty</b> for {order}")
        row |= values
        self._validate(row)
        return row

    def _validate(self, row: dict[str, Any]) -> None:
        if row["doctype"] == "Journal Entry":
            self._balance(row)
            return
        for item in row["items"]:
            if item["item_code"] not in self.tables["Item"]:
                raise _no("LinkValidationError", f"Could not find Row #1: Item: <b>{item['item_code']}</b>")
        if "stock_entry_type" in row:
            return
        net = sum((Decimal(str(each["qty"])) * Decimal(str(each["rate"])) for each in row["items"]), Decimal(0))
        row["grand_total"] = float(net + sum((Decimal(str(each["tax_amount"])) for each in row["taxes"]), Decimal(0)))

    def _balance(self, row: dict[str, Any]) -> None:
        if row.get("cheque_no") and not row.get("cheque_date"):
            raise _no("MandatoryError", "Please enter Reference date")
        sums = {"debit": Decimal(0), "credit": Decimal(0)}
        for n, line in enumerate(row["accounts"], 1):
            account = self.tables["Account"].get(line["account"])
            if account is None:
                raise _no("LinkValidationError", f"Could not find Row #{n}: Account: <b>{line['account']}</b>")
            if account["account_type"] == "Receivable" and not line.get("party"):
                words = "Row {}: Party Type and Party is required for Receivable / Payable account {}"
                raise _no("ValidationError", words.format(n, line["account"]))
            for side in sums:
                sums[side] += Decimal(str(line[f"{side}_in_account_currency"]))
        if sums["debit"] != sums["credit"]:
            words = f"Total Debit must be equal to Total Credit. The difference is {sums['debit'] - sums['credit']}"
            raise _no("ValidationError", words)
        row["total_debit"] = float(sums["debit"])

    def _refuse_submitted(self, row: dict[str, Any]) -> None:
        if row["docstatus"] == 1:
            raise _no("ValidationError", "Cannot edit or delete a submitted document")

    def _map(self, method: str, name: str) -> dict[str, Any]:
        doctype = {"make_delivery_note": "Delivery Note", "make_sales_invoice": "Sales Invoice"}[
            method.rsplit(".", maxsplit=1)[-1]
        ]
        order = self.tables["Sales Order"][name]
        kept = {key: order[key] for key in ("company", "customer", "po_no", "currency", "taxes")}
        return {**kept, "doctype": doctype, "items": [{**item, ROWS[doctype]: name} for item in order["items"]]}

    # --- what tests ask

    def settings(self) -> dict[str, Any]:
        named = {"customer": "Channel", "warehouse": "Stores - OS", "tax_account": "VAT - OS"}
        return {"company": "Our Shop", **named}

    def booked(self, reference: str) -> list[dict[str, Any]]:
        found = []
        for order in self._submitted("Sales Order"):
            if order["po_no"] == reference:
                counts = {
                    doctype: [each["items"][0][row] for each in self._submitted(doctype) if row in each["items"][0]]
                    for doctype, row in ROWS.items()
                }
                deliveries, invoices = (counts[doctype].count(order["name"]) for doctype in ROWS)
                found.append(_told(order, deliveries, invoices))
        returns = [each for each in self._submitted("Sales Invoice") if each.get("is_return")]
        return found + [_told(each, 0, 0) for each in returns if each["po_no"] == reference]

    def _submitted(self, doctype: str) -> list[dict[str, Any]]:
        return [each for each in self.tables[doctype].values() if each["docstatus"] == 1]

    def journals(self, reference: str) -> list[dict[str, Any]]:
        numbers = {row["name"]: row["account_number"] for row in self.tables["Account"].values()}
        return [
            {
                "number": each["name"],
                "sides": netted(
                    (numbers[r["account"]], r["debit_in_account_currency"], r["credit_in_account_currency"])
                    for r in each["accounts"]
                ),
            }
            for each in self._submitted("Journal Entry")
            if each["cheque_no"] == reference
        ]

    def adjusted(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for entry in self._submitted("Stock Entry"):
            for item in entry["items"]:
                sign = 1 if "t_warehouse" in item else -1
                found[item["item_code"]] = found.get(item["item_code"], 0) + sign * item["qty"]
        return found

    def by_hand(self, reference: str) -> None:
        row = {"name": "SAL-ORD-2026-00001", "docstatus": 1, "po_no": reference, "company": "Our Shop", "items": []}
        self.tables["Sales Order"][str(row["name"])] = {**row, "taxes": [], "grand_total": 1.0}


def _told(row: dict[str, Any], deliveries: int, invoices: int) -> dict[str, Any]:
    total = Decimal(str(row["grand_total"])).quantize(Decimal("0.01"))
    return {"number": row["name"], "total": total, "deliveries": deliveries, "invoices": invoices}


def _no(kind: str, words: str) -> No:
    messages = json.dumps([json.dumps({"message": words, "title": "Message", "indicator": "red"})])
    exception = f"frappe.exceptions.{kind}: {words}"
    body = {"exception": exception, "exc_type": kind, "exc": '["Traceback …"]', "_server_messages": messages}
    return No(Told(STATUS[kind], body))


def _meets(row: dict[str, Any], term: list[Any]) -> bool:
    *table, field, operator, value = term
    if table and table[0].endswith(" Item"):
        return any(item.get(field) == value for item in row["items"])
    mine = row.get(field, 0)
    return {"=": mine == value, "<": operator == "<" and mine < value, "in": operator == "in" and mine in value}[
        operator
    ]
