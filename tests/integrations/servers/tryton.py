"""A server that speaks the part of Tryton's REST interface we use, as Tryton 8.2 does: a process of its own.

    python tests/integrations/servers/tryton.py --port 8111 --state FILE --key KEY --database books

State is in SQLite, so the server can be killed and started again. It copies what matters for exactly-once: references
are not unique; numbers come when a sale is quoted; a button pressed on a sale in another state does nothing; a rule's
refusal is 400 with a message; a wrong key is 401. Faults are asked for over `POST /control`:

    {"lose": 0.2}         commit, then hang up before answering, that often
    {"unavailable": 0.2}  503 before doing anything
    {"lose_next": {"create": 1, "quote": 0, "confirm": 0}}  the same, for the next so many calls
    {"seconds": 0.05}     how long each change takes
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import sqlite3
import threading
import time
from decimal import ROUND_HALF_EVEN, Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

CENT = Decimal("0.01")
# Each button: from which states, to which, and of which model.
MOVES = {
    "wait": ({"draft"}, "waiting"),
    "assign_force": ({"waiting"}, "assigned"),
    "pick": ({"assigned"}, "picked"),
    "pack": ({"picked"}, "packed"),
    "receive": ({"draft"}, "received"),
    "do": ({"packed", "received", "assigned"}, "done"),
    "post": ({"draft", "validated"}, "posted"),
    "process": ({"confirmed"}, "processing"),
    "quote": ({"draft"}, "quotation"),
    "confirm": ({"quotation"}, "confirmed"),
    "cancel": ({"draft", "quotation", "waiting"}, "cancelled"),
    "draft": ({"cancelled", "quotation", "confirmed"}, "draft"),
}
SALE_FIELDS = {
    "company", "party", "invoice_address", "shipment_address", "currency", "warehouse", "reference", "description",
    "sale_date", "lines", "invoice_method", "shipment_method", "comment", "payment_term",
}  # fmt: skip


ENDS = ("storage_location", "lost_found_location")


class Refused(Exception):
    """A rule of Tryton's: 400 with this message."""


class HangUp(Exception):
    """Close the line without a word."""


class State:
    """Records by model and id, in one SQLite file; one change at a time, as under Tryton's own locks."""

    def __init__(self, file: Path):
        self.lock = threading.RLock()
        self.db = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA synchronous=OFF")
        self.db.execute("CREATE TABLE IF NOT EXISTS record (model, id INTEGER, body, PRIMARY KEY (model, id))")
        self.db.execute("CREATE TABLE IF NOT EXISTS counter (name PRIMARY KEY, value INTEGER)")

    def next(self, name: str) -> int:
        self.db.execute("INSERT INTO counter VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1", (name,))
        return int(self.db.execute("SELECT value FROM counter WHERE name = ?", (name,)).fetchone()[0])

    def put(self, model: str, body: dict[str, Any]) -> dict[str, Any]:
        if "id" not in body:
            body["id"] = self.next(model)
        self.db.execute("INSERT OR REPLACE INTO record VALUES (?, ?, ?)", (model, body["id"], json.dumps(body)))
        return body

    def get(self, model: str, key: int) -> dict[str, Any] | None:
        row = self.db.execute("SELECT body FROM record WHERE model = ? AND id = ?", (model, key)).fetchone()
        return json.loads(row[0]) if row else None

    def every(self, model: str) -> list[dict[str, Any]]:
        rows = self.db.execute("SELECT body FROM record WHERE model = ? ORDER BY id", (model,))
        return [json.loads(row[0]) for row in rows]

    def drop(self, model: str, key: int) -> None:
        self.db.execute("DELETE FROM record WHERE model = ? AND id = ?", (model, key))

    def found(self) -> None:
        """The master data a fresh one has."""
        if self.every("company.company"):
            return
        currency = [self.put("currency.currency", {"code": code}) for code in ("EUR", "USD", "GBP")]
        party = self.put("party.party", {"name": "Demo", "code": "1", "addresses": []})
        self.put("company.company", {"party": party["id"], "currency": currency[1]["id"]})
        for code in ("MAIN", "STORES"):
            ends = {name: self.put("stock.location", {"type": "storage"})["id"] for name in ENDS}
            self.put("stock.location", {"code": code, "type": "warehouse", **ends})
        address = self.put("party.address", {"street": "Various"})
        self.put("party.party", {"name": "Channel customers", "code": "CHANNEL", "addresses": [address["id"]]})
        for name, rate in (("VAT 20%", "0.20"), ("VAT 10%", "0.10"), ("VAT 5%", "0.05")):
            self.put("account.tax", {"name": name, "rate": decimal(rate), "type": "percentage", "parent": None})
        for code in ("SHIPPING", "TAX-COLLECTED", "ROUNDING", "OTHER"):
            self.product(code, kind="service")

    def product(self, code: str, kind: str = "goods") -> None:
        template = self.put("product.template", {"sale_uom": 1})
        values = {"code": code, "type": kind, "salable": True, "active": True, "default_uom": 1}
        self.put("product.product", {**values, "template": template["id"]})


def decimal(value: Any) -> dict[str, str]:
    return {"__class__": "Decimal", "decimal": str(value)}


def plain(value: Any) -> Decimal:
    return Decimal(value["decimal"]) if isinstance(value, dict) else Decimal(str(value))


# --- Sales ---------------------------------------------------------------------------------------------------------


def create_sale(state: State, given: dict[str, Any]) -> dict[str, Any]:
    unknown = set(given) - SALE_FIELDS
    if unknown:
        raise KeyError(f"sale.sale has no field {unknown}")  # Tryton: 500
    if not given.get("party"):
        raise Refused('A value is required for field "Party" in "Sale".')
    blank = {"state": "draft", "number": None, "company": 1, "reference": None, "description": None}
    sale = {**blank, **given, "lines": [], "shipments": [], "shipment_returns": [], "invoices": []}
    add_lines(state, sale, given.get("lines", []))
    return state.put("sale.sale", sale)


def add_lines(state: State, sale: dict[str, Any], commands: list[Any]) -> None:
    for command, lines in commands:
        assert command == "create"
        for line in lines:
            product = state.get("product.product", line["product"])
            if product is None or not product["salable"]:
                raise Refused('The value for field "Product" in "Sale Line" is not valid according to its domain.')
            if -plain(line["unit_price"]).as_tuple().exponent > 4:
                raise Refused('The number of digits in the value for field "Unit Price" exceeds the limit of "4".')
            taxes = [key for _, keys in line.get("taxes", []) for key in keys]
            sale["lines"].append({**line, "taxes": taxes})


def totals(state: State, sale: dict[str, Any]) -> dict[str, Decimal]:
    untaxed, bases = Decimal(0), {}
    for line in sale["lines"]:
        worth = plain(line["unit_price"]) * Decimal(str(line["quantity"]))
        untaxed += worth.quantize(CENT, ROUND_HALF_EVEN)
        for tax in line["taxes"]:
            bases[tax] = bases.get(tax, Decimal(0)) + worth
    tax = Decimal(0)
    for key, base in bases.items():
        rate = plain((state.get("account.tax", key) or {})["rate"])
        tax += (base * rate).quantize(CENT, ROUND_HALF_EVEN)
    return {"untaxed_amount": untaxed, "tax_amount": tax, "total_amount": untaxed + tax}


def press(state: State, model: str, sale: dict[str, Any], button: str) -> None:
    sources, target = MOVES[button]
    if sale["state"] not in sources:
        return  # Workflow.transition leaves such records alone without a word
    if button == "quote":
        if not sale.get("invoice_address"):
            raise Refused("To get a quote for the sale you must enter an invoice address.")
        scarce = [line for line in sale["lines"] if scarce_product(state, line)]
        if scarce:
            raise Refused("The sale has not enough stock to be quoted.")
        sale["number"] = sale["number"] or str(state.next("number"))
    sale["state"] = target
    if target == "confirmed":
        process(state, sale)
    if target in {"posted", "done"}:
        sale["number"] = sale.get("number") or str(state.next("number"))
    state.put(model, sale)


def process(state: State, sale: dict[str, Any]) -> None:
    """What Tryton does at once with a confirmed sale: shipments of its goods, those that come back, one invoice."""
    goods = [line for line in sale["lines"] if (state.get("product.product", line["product"]) or {})["type"] == "goods"]
    for name, model, wanted in (
        ("shipments", "stock.shipment.out", any(line["quantity"] > 0 for line in goods)),
        ("shipment_returns", "stock.shipment.out.return", any(line["quantity"] < 0 for line in goods)),
    ):
        first = "waiting" if name == "shipments" else "draft"
        sale[name] = [state.put(model, {"number": None, "state": first})["id"]] if wanted else []
    total = decimal(totals(state, sale)["total_amount"])
    sale["invoices"] = [state.put("account.invoice", {"number": None, "state": "draft", "total_amount": total})["id"]]
    sale["state"] = "processing"


def scarce_product(state: State, line: dict[str, Any]) -> bool:
    product = state.get("product.product", line["product"]) or {}
    return product.get("available") is not None and product["available"] < line["quantity"]


# --- HTTP ----------------------------------------------------------------------------------------------------------


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *_: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length) if length else b""
        try:
            status, answer = self._answer(raw)
        except HangUp:
            self.close_connection = True
            return
        except Refused as no:
            status, answer = 400, {"status": 400, "message": str(no), "description": ""}
        except Exception as error:
            status, answer = 500, {"error": repr(error)}
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _answer(self, raw: bytes) -> tuple[int, Any]:
        parts = urlsplit(self.path)
        if parts.path == "/control":
            return 200, self.server.control(json.loads(raw) if raw else None)
        steps = parts.path.strip("/").split("/")
        if steps[:3] != [self.server.database, "rest", "model"]:
            return 404, {}
        if self.headers.get("Authorization") != f"bearer {self.server.key}":
            return 401, {}
        if self.server.happens("unavailable"):
            return 503, {}
        query = parse_qs(parts.query)
        body = json.loads(raw) if raw else {}
        with self.server.state.lock:
            answer = self._do(steps[3:], query, body)
        if self.command != "GET":
            name = steps[5] if len(steps) > 5 else {"POST": "create", "PUT": "write", "DELETE": "delete"}[self.command]
            time.sleep(self.server.seconds)
            if self.server.happens("lose") or self.server.lose_next(name):
                raise HangUp
        return 200, answer

    def _do(self, steps: list[str], query: dict[str, list[str]], body: dict[str, Any]) -> Any:
        state, fields = self.server.state, query.get("f", [])
        model = steps[0]
        if self.command == "GET":
            domain = json.loads(base64.urlsafe_b64decode(query["d"][0])) if "d" in query else []
            found = [one for one in state.every(model) if matches(one, domain)]
            return [self._shown(model, one, fields) for one in found[: int(query.get("s", ["1000000"])[0])]]
        if len(steps) == 1:
            made = create_sale(state, body) if model == "sale.sale" else create_other(state, model, body)
            return self._shown(model, made, fields)
        record = state.get(model, int(steps[1]))
        if record is None:
            raise Refused("The record does not exist.")
        if self.command == "DELETE":
            if record["state"] not in {"draft", "cancelled"}:
                raise Refused("To delete the sale you must cancel it.")
            state.drop(model, record["id"])
            return None
        if self.command == "PUT":
            if record["state"] != "draft":
                raise Refused("You can not modify the sale because it is not draft.")
            add_lines(state, record, body.pop("lines", []))
            state.put(model, {**record, **body})
        else:
            press(state, model, record, steps[2])
        return self._shown(model, state.get(model, record["id"]) or {}, fields)

    def _shown(self, model: str, record: dict[str, Any], fields: list[str]) -> dict[str, Any]:
        """The fields asked for; a dotted one opens the record behind it."""
        shown: dict[str, Any] = {"id": record["id"], "__name__": model}
        figures = totals(self.server.state, record) if model == "sale.sale" else {}
        behind = {"addresses": "party.address", "template": "product.template", "party": "party.party"}
        behind |= {"currency": "currency.currency", "sale_uom": "product.uom", "shipments": "stock.shipment.out"}
        behind |= dict.fromkeys(ENDS, "stock.location")
        behind |= {"shipment_returns": "stock.shipment.out.return", "invoices": "account.invoice"}
        for field in fields:
            first, _, rest = field.partition(".")
            if first in figures:
                shown[first] = decimal(figures[first])
            elif not rest:
                shown[first] = record[first]
            elif first == "sale_uom":
                shown[first] = {"id": record[first], "__name__": behind[first]}
            elif isinstance(record[first], list):
                inner = [name.partition(".")[2] for name in fields if name.startswith(f"{first}.")]
                others = [self.server.state.get(behind[first], key) or {} for key in record[first]]
                named = [name for name in inner if name != "id"]
                shown[first] = [self._shown(behind[first], other, named) for other in others]
            else:
                other = self.server.state.get(behind[first], record[first]) or {}
                shown[first] = self._shown(behind[first], other, [rest] if rest != "id" else [])
        return shown


def matches(record: dict[str, Any], domain: list[Any]) -> bool:
    for field, operator, value in domain:
        if operator == "=" and record.get(field) != value:
            return False
        if operator == "!=" and record.get(field) == value:
            return False
        if operator == "in" and record.get(field) not in value:
            return False
    return True


def create_other(state: State, model: str, given: dict[str, Any]) -> dict[str, Any]:
    if model == "party.party":
        if given.get("code") in {party["code"] for party in state.every(model)}:
            raise Refused("The code on party must be unique.")
        made = [state.put("party.address", one) for _, several in given.get("addresses", []) for one in several]
        return state.put(model, {**given, "addresses": [one["id"] for one in made]})
    blank = {"state": "draft", "number": None} if model.startswith("stock.shipment.") else {}
    return state.put(model, {**blank, **given})


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, state: State, key: str, database: str):
        self.state, self.key, self.database = state, key, database
        self.faults: dict[str, Any] = {}
        self.seconds = 0.0
        self.random = random.Random(7)
        super().__init__(("127.0.0.1", port), Handler)

    def control(self, asked: dict[str, Any] | None) -> Any:
        """Change the faults or the master data; always answers with every sale there is."""
        with self.state.lock:
            if asked:
                self.seconds = asked.pop("seconds", self.seconds)
                for code in asked.pop("products", []):
                    self.state.product(code)
                for code, units in asked.pop("available", {}).items():
                    for product in self.state.every("product.product"):
                        if product["code"] == code:
                            self.state.put("product.product", {**product, "available": units})
                for sale in asked.pop("sales", []):
                    create_sale(self.state, sale)
                self.faults.update(asked)
            return [self._sale(sale) for sale in self.state.every("sale.sale")]

    def _sale(self, sale: dict[str, Any]) -> dict[str, Any]:
        return {**sale, **{name: str(value) for name, value in totals(self.state, sale).items()}}

    def happens(self, fault: str) -> bool:
        with self.state.lock:
            return self.random.random() < self.faults.get(fault, 0)

    def lose_next(self, name: str) -> bool:
        with self.state.lock:
            left = self.faults.get("lose_next", {})
            if left.get(name, 0) > 0:
                left[name] -= 1
                return True
            return False


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--state", type=Path, required=True)
    options.add_argument("--key", required=True)
    options.add_argument("--database", default="books")
    asked = options.parse_args()
    state = State(asked.state)
    state.found()
    server = Server(asked.port, state, asked.key, asked.database)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
