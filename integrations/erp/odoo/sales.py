"""A sale in Odoo, once (see attempt.py): the order, then its delivery and its invoice; a credit memo is an out_refund.

Odoo's own rules keep what follows once too: a delivery that is done can't be done again, and of two calls that invoice
an order the second finds nothing left to invoice. So each is looked for on the order before it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from core.errors import TryLater
from integrations.erp import lines
from integrations.erp.attempt import CANCELLED, DONE, DRAFT, OFFERED, Attempt, AttemptPort, Found
from integrations.erp.lines import Line, Tax
from integrations.erp.odoo.client import JSON_RPC, Odoo
from integrations.erp.odoo.journals import OdooJournal
from integrations.erp.port import Behind, Memory, Rejected
from integrations.failures import FailureClass
from integrations.models import Connection

PLACES = 2  # Odoo's “Product Price” as it comes
AMOUNTS = ("amount_total", "amount_untaxed", "amount_tax")
ORDER = ("id", "name", "state", "origin", *AMOUNTS, "picking_ids", "invoice_ids")
INVOICE = ("id", "name", "state", "invoice_origin", *AMOUNTS)
PROGRESS = {"draft": DRAFT, "sent": OFFERED, "sale": DONE, "done": DONE + 1, "posted": DONE, "cancel": CANCELLED}


class OdooPort(AttemptPort):
    """The ERP port of one company in one Odoo database."""

    def ping(self) -> str:
        company = int(self.connection.settings.get("company", 1))
        found = Odoo(self.connection).find("res.company", [["id", "=", company]], ["name", "currency_id"])
        if not found:
            raise Rejected(FailureClass.MISSING_REFERENCE, f"Odoo has no company {company}.")
        return f"Odoo answers for {found[0]['name']} ({found[0]['currency_id'][1]})."

    def attempt(self, document: Mapping[str, Any], memory: Memory) -> Attempt:
        kind = _CreditMemo if Decimal(document["total"]) < 0 else _Sale
        return kind(self.connection, document, memory)

    def journal(self, document: Mapping[str, Any], memory: Memory) -> Attempt:
        return OdooJournal(self.connection, document, memory)


class _Document(Attempt):
    """What orders and credit memos share."""

    name = "Odoo"
    model: str

    def __init__(self, connection: Connection, document: Mapping[str, Any], memory: Memory):
        super().__init__(connection, document, memory)
        self.odoo = Odoo(connection)
        self.company = int(self.settings.get("company", 1))

    def create(self, values: Mapping[str, Any]) -> Found:
        return self._read(self.odoo.create(self.model, values))

    def _read(self, key: int) -> Found:
        raise NotImplementedError

    def _one(self, model: str, field: str, value: str, noun: str) -> int:
        found = self.odoo.find(model, [[field, "=", value]], ["id"], limit=1)
        if not found:
            raise Rejected(FailureClass.MISSING_REFERENCE, f"Odoo has no {noun} {value}.", answer={"request": model})
        return int(found[0]["id"])

    def _customer(self) -> int:
        name = lines.named(self.settings, "customer", "customers", self.document["channel"], "Odoo")
        return self._one("res.partner", "ref", name, "customer with the reference")

    def _currency(self) -> int:
        return self._one("res.currency", "name", self.document["currency"], "active currency")

    def _products(self, wanted: Iterable[Line]) -> dict[str, int]:
        found = self.odoo.find(
            "product.product",
            [["default_code", "in", sorted(lines.codes(self.document, self.settings))]],
            ["id", "default_code"],
            limit=1000,
        )
        known = {one["default_code"]: int(one["id"]) for one in found}
        lines.refuse_unknown(wanted, self.document, known, "Odoo")
        return known

    def _lines(self) -> list[Line]:
        places = int(self.settings.get("price_places", PLACES))
        return list(lines.of(self.document, self.settings, self._taxes(), places))

    def _taxes(self) -> tuple[Tax, ...]:
        names = self.settings.get("taxes") or []
        if not names:
            return ()
        domain = [["name", "in", names], ["type_tax_use", "=", "sale"], ["amount_type", "=", "percent"]]
        domain += [["price_include", "=", False], ["company_id", "=", self.company]]
        found = self.odoo.find("account.tax", domain, ["id", "name", "amount"])
        if missing := sorted(set(names) - {tax["name"] for tax in found}):
            words = f"Odoo has no tax {', '.join(missing)} on sales that is a percentage on top."
            raise Rejected(FailureClass.MISSING_REFERENCE, words)
        return tuple(Tax(tax["id"], tax["name"], Decimal(str(tax["amount"])) / 100) for tax in found)


class _Sale(_Document):
    model = "sale.order"

    def candidates(self) -> list[Found]:
        domain = [["client_order_ref", "=", self.document["reference"]], ["company_id", "=", self.company]]
        return [self._found(each) for each in self.odoo.find(self.model, domain, ORDER)]

    def values(self) -> Mapping[str, Any]:
        found = self._lines()
        known = self._products(found)
        place = lines.named(self.settings, "warehouse", "warehouses", self.document["location"], "Odoo")
        return {
            "company_id": self.company,
            "partner_id": self._customer(),
            "client_order_ref": self.document["reference"],
            "origin": self.words,
            "date_order": f"{self.document['booked_on']} 12:00:00",
            "currency_id": self._currency(),
            "warehouse_id": self._one("stock.warehouse", "code", place, "warehouse"),
            "order_line": [self._line(line, known) for line in found],
        }

    def take_away(self, found: Found) -> None:
        self.odoo.do(self.model, "action_cancel", [int(found.key)])
        self.odoo.do(self.model, "unlink", [int(found.key)])

    def level(self, found: Found, difference: Decimal) -> Found:
        line = lines.rounding(difference, self.settings)
        self.odoo.write(self.model, int(found.key), {"order_line": [self._line(line, self._products([line]))]})
        return self._read(int(found.key))

    def confirm(self, found: Found) -> Found:
        self.memory.still_ours()
        self.odoo.do(self.model, "action_confirm", [int(found.key)])
        return self._read(int(found.key))

    def counted(self, found: Found) -> Behind:
        wanted = self.settings.get("documents", ["delivery", "invoice"])
        done = [each for each in self._pickings(found) if each["state"] == "done"] if "delivery" in wanted else None
        if "invoice" not in wanted:
            return Behind(None if done is None else len(done), None)
        posted = [each for each in self._invoices(found) if each["state"] == "posted"]
        total = sum((self.amount(each["amount_total_signed_of_type"]) for each in _signed(posted)), Decimal(0))
        return Behind(None if done is None else len(done), len(posted), total)

    def follow(self, found: Found) -> Mapping[str, Any]:
        wanted = self.settings.get("documents", ["delivery", "invoice"])
        deliveries = self._deliver(found) if "delivery" in wanted else []
        invoices = self._invoice(found) if "invoice" in wanted else []
        return {"state": found.raw["state"], "deliveries": deliveries, "invoices": invoices}

    def _line(self, line: Line, known: Mapping[str, int]) -> list[Any]:
        taxes = "tax_id" if self.settings.get("api") == JSON_RPC else "tax_ids"  # renamed in 19
        return [
            0,
            0,
            {
                "product_id": known[line.code],
                "product_uom_qty": line.quantity,
                "price_unit": line.unit_price,
                "name": line.description,
                taxes: [[6, 0, [line.tax.id] if line.tax else []]],
            },
        ]

    def _read(self, key: int) -> Found:
        found = self.odoo.find(self.model, [["id", "=", key]], ORDER)
        if not found:
            raise TryLater(f"Odoo's order {key} is gone.")
        return self._found(found[0])

    def _found(self, order: Mapping[str, Any]) -> Found:
        state = PROGRESS[order["state"]]
        return Found(
            str(order["id"]), order["name"], order["origin"] or "", state, self.amount(order["amount_total"]), order
        )

    def _deliver(self, found: Found) -> list[str]:
        """Everything has left: its deliveries are done, in full."""
        numbers = []
        for picking in self._pickings(found):
            if picking["state"] != "done":
                self.memory.still_ours()
                self._ship(picking)
            numbers.append(picking["name"])
        undone = [each["name"] for each in self._pickings(found) if each["state"] != "done"]
        if undone:
            raise Rejected(FailureClass.BAD_VALUE, f"Odoo leaves the delivery {undone[0]} of {found.number} open.")
        return numbers

    def _ship(self, picking: Mapping[str, Any]) -> None:
        self.odoo.do("stock.picking", "action_assign", [picking["id"]])
        for move in self.odoo.find(
            "stock.move", [["picking_id", "=", picking["id"]]], ["id", "product_uom_qty", "state"]
        ):
            if move["state"] not in {"done", "cancel"}:
                self.odoo.write("stock.move", move["id"], {"quantity": move["product_uom_qty"], "picked": True})
        self.odoo.do("stock.picking", "button_validate", [picking["id"]], context={"skip_sms": True})

    def _pickings(self, found: Found) -> list[dict[str, Any]]:
        domain = [["sale_id", "=", int(found.key)], ["state", "!=", "cancel"]]
        return self.odoo.find("stock.picking", domain, ["id", "name", "state"], order="id")

    def _invoice(self, found: Found) -> list[str]:
        invoices = self._invoices(found)
        if not invoices:
            self.memory.still_ours()
            context = {"active_model": self.model, "active_ids": [int(found.key)], "active_id": int(found.key)}
            values = {"advance_payment_method": "delivered", "sale_order_ids": [[6, 0, [int(found.key)]]]}
            wizard = self.odoo.create("sale.advance.payment.inv", values, context=context)
            self.odoo.do("sale.advance.payment.inv", "create_invoices", [wizard], context=context)
            invoices = self._invoices(found)
        total = sum((self.amount(each["amount_total_signed_of_type"]) for each in _signed(invoices)), Decimal(0))
        if total != found.total:
            raise self.differs(total, order=found.number)
        for invoice in invoices:
            if invoice["state"] == "draft":
                self.memory.still_ours()
                self.odoo.do("account.move", "action_post", [invoice["id"]])
        return [each["name"] for each in self._invoices(found)]

    def _invoices(self, found: Found) -> list[dict[str, Any]]:
        keys = self._read(int(found.key)).raw["invoice_ids"]
        domain = [["id", "in", keys], ["state", "!=", "cancel"]]
        return self.odoo.find("account.move", domain, [*INVOICE, "move_type"], order="id") if keys else []


def _signed(invoices: Iterable[Mapping[str, Any]]) -> Iterable[dict[str, Any]]:
    """A refund's total counts against the order's: Odoo states it without a sign."""
    for each in invoices:
        sign = -1 if each["move_type"] == "out_refund" else 1
        yield {**each, "amount_total_signed_of_type": sign * Decimal(str(each["amount_total"]))}


class _CreditMemo(_Document):
    """A refund to the channel's customer, by our reference; the goods, if any came back, are Odoo's to book in."""

    model = "account.move"

    def candidates(self) -> list[Found]:
        domain = [["ref", "=", self.document["reference"]], ["move_type", "=", "out_refund"]]
        domain += [["company_id", "=", self.company]]
        return [self._found(each) for each in self.odoo.find(self.model, domain, INVOICE)]

    def values(self) -> Mapping[str, Any]:
        found = lines.credited(self._lines())
        known = self._products(found)
        return {
            "company_id": self.company,
            "move_type": "out_refund",
            "partner_id": self._customer(),
            "ref": self.document["reference"],
            "invoice_origin": self.words,
            "invoice_date": self.document["booked_on"],
            "currency_id": self._currency(),
            "invoice_line_ids": [self._line(line, known) for line in found],
        }

    def take_away(self, found: Found) -> None:
        self.odoo.do(self.model, "unlink", [int(found.key)])

    def level(self, found: Found, difference: Decimal) -> Found:
        line = lines.credited([lines.rounding(difference, self.settings)])[0]
        values = {"invoice_line_ids": [self._line(line, self._products([line]))]}
        self.odoo.write(self.model, int(found.key), values)
        return self._read(int(found.key))

    def confirm(self, found: Found) -> Found:
        self.memory.still_ours()
        self.odoo.do(self.model, "action_post", [int(found.key)])
        return self._read(int(found.key))

    def follow(self, found: Found) -> Mapping[str, Any]:
        return {"state": found.raw["state"], "credit_memos": [found.number]}

    def _line(self, line: Line, known: Mapping[str, int]) -> list[Any]:
        taxes = [[6, 0, [line.tax.id] if line.tax else []]]
        values = {"product_id": known[line.code], "quantity": line.quantity, "price_unit": line.unit_price}
        return [0, 0, {**values, "name": line.description, "tax_ids": taxes}]

    def _read(self, key: int) -> Found:
        found = self.odoo.find(self.model, [["id", "=", key]], INVOICE)
        if not found:
            raise TryLater(f"Odoo's credit memo {key} is gone.")
        return self._found(found[0])

    def _found(self, move: Mapping[str, Any]) -> Found:
        name = "" if move["name"] in {False, "/"} else move["name"]  # numbered when it is posted
        total = -self.amount(move["amount_total"])
        return Found(str(move["id"]), name, move["invoice_origin"] or "", PROGRESS[move["state"]], total, move)
