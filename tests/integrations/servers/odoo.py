"""Odoo as its External JSON-2 API documents it, and JSON-RPC's execute_kw over the same models.

One transaction a call; taxes on top, rounded per line; an order's delivery appears when it is confirmed; of two calls
that invoice an order the second is a UserError; a done picking can't be validated twice.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tests.integrations.servers.erp import Asked, ErpServer, No, Told, netted

WRITES = {
    "create", "write", "unlink", "action_cancel", "action_confirm", "action_post", "button_validate", "create_invoices",
    "action_assign",
}  # fmt: skip
CENT = Decimal("0.01")
STATUS = {"odoo.exceptions.UserError": 422, "odoo.exceptions.ValidationError": 422, "odoo.exceptions.MissingError": 404}


class OdooServer(ErpServer):
    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[str, dict[int, dict[str, Any]]] = {}
        self._add("res.company", name="Our Shop", currency_id=[1, "USD"])
        self._add("res.currency", name="USD")
        self._add("res.partner", ref="CHANNEL")
        stock, loss = (
            self._add("stock.location", usage=usage, company_id=False)["id"] for usage in ("internal", "inventory")
        )
        self._add("stock.warehouse", code="MAIN", lot_stock_id=[stock, "WH/Stock"], int_type_id=[5, "Internal"])
        tax = {"type_tax_use": "sale", "amount_type": "percent", "price_include": False}
        self._add("account.tax", name="20%", amount=20.0, company_id=self._first("res.company"), **tax)
        for code in sorted(self.products):
            self._add("product.product", default_code=code)
        self._add("account.journal", code="MISC", company_id=self._first("res.company"))
        for code in sorted(self.accounts):
            self._add("account.account", code=code)

    # --- the two protocols

    def answer(self, asked: Asked) -> Told:
        if asked.path == "/jsonrpc":
            return self._older(asked.body["params"])
        if asked.headers.get("authorization") != f"bearer {self.key}":
            raise No(_error("werkzeug.exceptions.Unauthorized", "Invalid apikey", 401))
        _, _, _, model, method = asked.path.split("/")
        named = dict(asked.body)
        return Told(200, self._do(model, method, named.pop("ids", []), named))

    def _older(self, params: dict[str, Any]) -> Told:
        if params["service"] == "common":
            database, login, key = params["args"]
            return Told(200, {"jsonrpc": "2.0", "id": 1, "result": 2 if (login, key) == ("bot", self.key) else False})
        _, _, _, model, method, args, named = params["args"]
        try:
            result = self._do(model, method, args[0] if args else [], named)
        except No as no:
            error = {"code": 200, "message": "Odoo Server Error", "data": no.told.body}
            return Told(200, {"jsonrpc": "2.0", "id": 1, "error": error})
        return Told(200, {"jsonrpc": "2.0", "id": 1, "result": result})

    def is_write(self, asked: Asked) -> bool:
        if asked.path == "/jsonrpc":
            args = asked.body["params"]["args"]
            return len(args) > 4 and args[4] in WRITES
        return asked.path.rsplit("/", 1)[1] in WRITES

    # --- the models

    def _do(self, model: str, method: str, ids: list[int], named: dict[str, Any]) -> Any:
        table = self.tables.setdefault(model, {})
        if method == "fields_get":
            return {name: {"type": "boolean"} for name in named["allfields"]}
        if method == "search_read" and model in self.masters:
            return self._master(model, named)
        if method == "search_read":
            found = [row for row in table.values() if all(_meets(row, term) for term in named["domain"])]
            return [{"id": row["id"], **{name: row.get(name, False) for name in named["fields"]}} for row in found]
        if method == "create":
            return [self._create(model, values, named.get("context") or {}) for values in named["vals_list"]]
        for key in ids:
            if key not in table:
                raise No(_error("odoo.exceptions.MissingError", f"Record does not exist or has been deleted. ({key})"))
            self._on(model, method, table[key], named)
        return True

    def _master(self, model: str, named: dict[str, Any]) -> list[dict[str, Any]]:
        terms = {term[0]: term[2] for term in named["domain"] if isinstance(term, list)}
        since = terms.get("write_date", "")
        found = self.listed(model, "id", after=terms.get("id"), changed="write_date", since=since, limit=named["limit"])
        return [{"id": row["id"], **{name: row.get(name, False) for name in named["fields"]}} for row in found]

    def _create(self, model: str, values: dict[str, Any], context: dict[str, Any]) -> int:
        row = self._add(model, **values)
        if model == "sale.order":
            row |= {"name": f"S{row['id']:05}", "state": "draft", "picking_ids": [], "invoice_ids": []}
            self._reckon(row, values.get("order_line", []), "product_uom_qty")
        if model == "stock.picking":
            row |= {"name": f"WH/INT/{row['id']:05}", "state": "draft"}
            for _, _, move in row.pop("move_ids"):
                self._add("stock.move", picking_id=row["id"], state="draft", **move)
        if model == "account.move":
            row |= {"name": "/", "state": "draft"}
        if row.get("move_type") == "entry":
            self._balance(row)
        elif model == "account.move":
            self._reckon(row, values.get("invoice_line_ids", []), "quantity")
        return int(row["id"])

    def _on(self, model: str, method: str, row: dict[str, Any], named: dict[str, Any]) -> None:
        if method == "write":
            values = named["vals"]
            for name, quantity in (("order_line", "product_uom_qty"), ("invoice_line_ids", "quantity")):
                if name in values:
                    self._reckon(row, values[name], quantity)
            row |= {name: value for name, value in values.items() if not name.endswith(("_line", "_line_ids"))}
        elif method == "unlink":
            if model == "sale.order" and row["state"] not in {"draft", "cancel"}:
                raise No(_error("odoo.exceptions.UserError", "You can not delete a sent quotation or a sales order."))
            del self.tables[model][row["id"]]
        elif method == "action_cancel":
            row["state"] = "cancel"
        elif method == "action_confirm" and model == "stock.picking":
            row["state"] = "confirmed"
        elif method == "action_confirm":
            self._confirm(row)
        elif method == "button_validate":
            moves = [move for move in self.tables["stock.move"].values() if move["picking_id"] == row["id"]]
            if row["state"] == "done" or not all(move.get("picked") for move in moves):
                raise No(
                    _error("odoo.exceptions.UserError", "You cannot validate a transfer if no quantities are set.")
                )
            row["state"] = "done"
        elif method == "create_invoices":
            self._invoice(row["sale_order_ids"][0][2][0])
        elif method == "action_post":
            if row["state"] != "draft":
                raise No(_error("odoo.exceptions.UserError", f"The entry {row['name']} must be in draft."))
            if row["move_type"] == "entry" and row["date"] <= self.closed_until:
                words = "You cannot add/modify entries prior to and inclusive of: Global Lock Date (02/28/2026)."
                raise No(_error("odoo.exceptions.UserError", words))
            row |= {"state": "posted", "name": f"{'R' if row['move_type'] == 'out_refund' else ''}INV/{row['id']:05}"}

    def _balance(self, row: dict[str, Any]) -> None:
        """Odoo looks at it in the transaction that makes it: an entry that doesn't balance is never there."""
        lines = [line for _, _, line in row["line_ids"]]
        if any(line["account_id"] not in self.tables["account.account"] for line in lines):
            raise No(_error("odoo.exceptions.MissingError", "Record does not exist or has been deleted."))
        debit, credit = (sum((Decimal(str(line[side])) for line in lines), Decimal(0)) for side in ("debit", "credit"))
        if debit != credit:
            del self.tables["account.move"][row["id"]]
            raise No(_error("odoo.exceptions.UserError", "The entry is not balanced."))
        row["amount_total"] = float(debit)

    def _confirm(self, order: dict[str, Any]) -> None:
        if order["state"] not in {"draft", "sent"}:
            words = "Some orders are not in a state requiring confirmation."
            raise No(_error("odoo.exceptions.UserError", words))
        order["state"] = "sale"
        picking = self._add("stock.picking", sale_id=order["id"], name=f"WH/OUT/{order['id']}", state="confirmed")
        self._add("stock.move", picking_id=picking["id"], product_uom_qty=1.0, state="confirmed")
        order["picking_ids"].append(picking["id"])

    def _invoice(self, key: int) -> None:
        order = self.tables["sale.order"][key]
        if order["invoice_ids"]:
            raise No(
                _error("odoo.exceptions.UserError", "Cannot create an invoice. No items are available to invoice.")
            )
        amounts = {name: order[name] for name in ("amount_total", "amount_untaxed", "amount_tax")}
        made = self._add("account.move", name="/", state="draft", move_type="out_invoice", invoice_origin=order["name"])
        made |= amounts
        order["invoice_ids"].append(made["id"])

    def _reckon(self, row: dict[str, Any], commands: list[Any], quantity: str) -> None:
        taxes = self.tables["account.tax"]
        untaxed, tax = Decimal(str(row.get("amount_untaxed", 0))), Decimal(str(row.get("amount_tax", 0)))
        for _, _, line in commands:
            if line["product_id"] not in self.tables["product.product"]:
                raise No(_error("odoo.exceptions.ValidationError", "The product does not exist."))
            net = (Decimal(str(line[quantity])) * Decimal(str(line["price_unit"]))).quantize(CENT, ROUND_HALF_UP)
            rates = line.get("tax_ids", line.get("tax_id"))[0][2]
            untaxed += net
            tax += sum((net * Decimal(str(taxes[key]["amount"])) / 100).quantize(CENT, ROUND_HALF_UP) for key in rates)
        row |= {"amount_untaxed": float(untaxed), "amount_tax": float(tax), "amount_total": float(untaxed + tax)}

    def _add(self, model: str, **values: Any) -> dict[str, Any]:
        row = {"id": self.next_id(), **values}
        return self.tables.setdefault(model, {}).setdefault(row["id"], row)

    def _first(self, model: str) -> int:
        return next(iter(self.tables[model]))

    # --- what tests ask

    def settings(self) -> dict[str, Any]:
        named = {"customer": "CHANNEL", "warehouse": "MAIN", "taxes": ["20%"]}
        return {"database": "books", "login": "bot", "company": self._first("res.company"), **named}

    def booked(self, reference: str) -> list[dict[str, Any]]:
        orders = [each for each in self.tables.get("sale.order", {}).values() if each["client_order_ref"] == reference]
        moves = self.tables.get("account.move", {})
        found = []
        for order in orders:
            invoices = [moves[key] for key in order["invoice_ids"]]
            done = [self.tables["stock.picking"][key]["state"] for key in order["picking_ids"]].count("done")
            posted = [each["state"] for each in invoices].count("posted")
            found.append(_told(order["name"], order["amount_total"], done, posted))
        refunds = [each for each in moves.values() if each.get("ref") == reference and each["state"] == "posted"]
        refunds = [each for each in refunds if each["move_type"] == "out_refund"]
        return found + [_told(each["name"], -each["amount_total"], 0, 0) for each in refunds]

    def journals(self, reference: str) -> list[dict[str, Any]]:
        codes = {row["id"]: row["code"] for row in self.tables["account.account"].values()}
        moves = [each for each in self.tables.get("account.move", {}).values() if each.get("move_type") == "entry"]
        return [
            {
                "number": each["name"],
                "sides": netted((codes[li["account_id"]], li["debit"], li["credit"]) for _, _, li in each["line_ids"]),
            }
            for each in moves
            if each["ref"] == reference and each["state"] == "posted"
        ]

    def adjusted(self) -> dict[str, int]:
        skus = {row["id"]: row["default_code"] for row in self.tables["product.product"].values()}
        found: dict[str, int] = {}
        for picking in self.tables.get("stock.picking", {}).values():
            if picking["state"] == "done" and picking["name"].startswith("WH/INT"):
                came = self.tables["stock.location"][picking["location_id"]]["usage"] == "inventory"
                for move in self.tables["stock.move"].values():
                    if move["picking_id"] == picking["id"]:
                        sku = skus[move["product_id"]]
                        found[sku] = found.get(sku, 0) + (1 if came else -1) * move["product_uom_qty"]
        return found

    def by_hand(self, reference: str) -> None:
        row = self._add("sale.order", client_order_ref=reference, origin=False, company_id=self._first("res.company"))
        row |= {"name": "S00001", "state": "sale", "amount_total": 1.0, "invoice_ids": [], "picking_ids": []}


def _told(number: str, total: float, deliveries: int, invoices: int) -> dict[str, Any]:
    return {
        "number": number,
        "total": Decimal(str(total)).quantize(CENT),
        "deliveries": deliveries,
        "invoices": invoices,
    }


def _error(name: str, message: str, status: int = 0) -> Told:
    body = {"name": name, "message": message, "arguments": [message], "context": {}, "debug": "Traceback …"}
    return Told(status or STATUS[name], body)


def _meets(row: dict[str, Any], term: list[Any]) -> bool:
    field, operator, value = term
    mine = row.get(field, False)
    return {"=": mine == value, "!=": mine != value, "in": operator == "in" and mine in value}[operator]
