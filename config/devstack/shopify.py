"""A shop that speaks the part of Shopify's GraphQL Admin API Backroom uses: its own process, for tests and the demo.

    SHOP_TOKEN=… python config/devstack/shopify.py --port 8112 [--state FILE]

Documents are parsed and checked against a schema, so a field Shopify doesn't have is refused here too. What matters is
copied: the access token header, errors with status 200, the cost bucket with THROTTLED, userErrors, one location per
fulfilment, and that fulfillmentCreate makes a second fulfilment when it is asked twice. Its own doors:

    POST /_shop/orders   a REST order body: the shop has this order now, if it didn't before; one fulfilment order per
                         given `locations`
    GET  /_shop/orders   every order with its fulfilments
    POST /_shop/products {"skus": ["A", …], "prices": {"A": "7.50"}}: the shop sells these
    GET  /_shop/stock    {sku: {location: available}} as it was last set
    POST /_shop/refuse   {"words": ["…"], "job_polls": 2}: the next changes of orders get these user errors,
                         and a cancellation has run only when its job was asked for so often
    POST /_shop/faults   {"500": 2, "429": 1, "throttle": 1, "slow": 1, "garbage": 1, "hang_up": 1, "lose_answer": 1}:
                         so many of the next calls go wrong; lose_answer does the work and then hangs up
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sqlite3
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

try:
    from config.devstack import shopify_money, shopify_orders, shopify_payouts, shopify_stock
    from config.devstack.local_server import LocalServer
except ImportError:  # run as a script, from beside it
    import shopify_money  # type: ignore[import-not-found, no-redef]
    import shopify_orders  # type: ignore[import-not-found, no-redef]
    import shopify_payouts  # type: ignore[import-not-found, no-redef]
    import shopify_stock  # type: ignore[import-not-found, no-redef]
    from local_server import LocalServer  # type: ignore[import-not-found, no-redef]

PATH = re.compile(r"/admin/api/[0-9]{4}-[0-9]{2}/graphql\.json")
REST = re.compile(r"/admin/api/[0-9]{4}-[0-9]{2}/orders/([0-9]+)\.json")
SLOW_SECONDS = 3.0
CAPACITY, REFILL = 2000.0, 100.0


class Invalid(Exception):
    """The document breaks the schema: a GraphQL error with status 200, as Shopify answers."""


class HangUp(Exception):
    """Close the line without a word."""


# --- Documents -----------------------------------------------------------------------------------------------------

_TOKEN = re.compile(r'\s*(?:#[^\n]*\s*)*([A-Za-z_][A-Za-z0-9_]*|\$|[@!(){}:\[\]=,]|"[^"]*"|-?[0-9]+)')


class Document:
    """One operation: kind, name, and a tree of (field, arguments, selection)."""

    def __init__(self, text: str):
        self.tokens: list[str] = []
        place = 0
        text = text.rstrip()
        while place < len(text):
            match = _TOKEN.match(text, place)
            if match is None:
                raise Invalid(f"syntax error, unexpected {text[place : place + 10]!r}")
            if match[1] != ",":
                self.tokens.append(match[1])
            place = match.end()
        self.place = 0
        self.directives: dict[str, dict[str, Any]] = {}
        self.kind = self._next() if self.tokens and self.tokens[0] in {"query", "mutation"} else "query"
        if self._peek() not in {"(", "{"}:
            self._next()
        if self._peek() == "(":
            while self._next() != ")":
                pass
        self.selection = self._selection()

    def _peek(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        if not token:
            raise Invalid("syntax error, unexpected end of file")
        self.place += 1
        return token

    def _selection(self) -> list[tuple[str, dict[str, Any], list[Any]]]:
        if self._next() != "{":
            raise Invalid("syntax error, expected a selection")
        fields = []
        while self._peek() != "}":
            name = self._next()
            arguments = self._arguments()
            while self._peek() == "@":
                self._directive()
            fields.append((name, arguments, self._selection() if self._peek() == "{" else []))
        self._next()
        return fields

    def _arguments(self) -> dict[str, Any]:
        arguments: dict[str, Any] = {}
        if self._peek() == "(":
            self._next()
            while self._peek() != ")":
                key = self._next()
                if self._next() != ":":
                    raise Invalid("syntax error, expected a colon")
                arguments[key] = self._value()
            self._next()
        return arguments

    def _directive(self) -> None:
        self._next()
        name = self._next()
        self.directives[name] = self._arguments()

    def _value(self) -> Any:
        word = self._next()
        if word == "$":
            return ("variable", self._next())
        if word.startswith('"'):
            return word[1:-1]
        return int(word) if word.lstrip("-").isdigit() else word


# Type -> field -> type of what it holds ("" for a scalar). Fields of Shopify's that nobody here asks for are left out.
SCHEMA: dict[str, dict[str, str]] = {
    "query": {
        "order": "Order", "orders": "OrderConnection", "shop": "Shop", "productVariants": "ProductVariantConnection",
        "job": "Job", "shopifyPaymentsAccount": "ShopifyPaymentsAccount",
    },
    "mutation": {
        "fulfillmentCreate": "FulfillmentCreatePayload",
        **{
            name: f"{name[0].upper()}{name[1:]}Payload"
            for name in sorted(shopify_orders.MUTATIONS | shopify_money.MUTATIONS)
        },
        "inventorySetQuantities": "InventorySetQuantitiesPayload",
    },
    "Shop": {"name": "", "myshopifyDomain": ""},
    "OrderConnection": {"nodes": "Order", "pageInfo": "PageInfo"},
    "Order": {
        "id": "", "name": "", "updatedAt": "", "cancelledAt": "", "displayFulfillmentStatus": "",
        "fulfillments": "Fulfillment", "fulfillmentOrders": "FulfillmentOrderConnection",
        "lineItems": "LineItemConnection", "shippingAddress": "MailingAddress", "transactions": "OrderTransaction",
        "refunds": "Refund",
    },
    "Fulfillment": {
        "id": "", "name": "", "status": "", "createdAt": "", "trackingInfo": "FulfillmentTrackingInfo",
        "fulfillmentLineItems": "FulfillmentLineItemConnection",
    },
    "FulfillmentTrackingInfo": {"number": "", "company": "", "url": ""},
    "FulfillmentLineItemConnection": {"nodes": "FulfillmentLineItem"},
    "FulfillmentLineItem": {"id": "", "quantity": "", "lineItem": "LineItem"},
    "LineItem": {"id": "", "sku": "", "quantity": "", "currentQuantity": "", "unfulfilledQuantity": ""},
    "FulfillmentOrderConnection": {"nodes": "FulfillmentOrder"},
    "FulfillmentOrder": {
        "id": "", "status": "", "assignedLocation": "FulfillmentOrderAssignedLocation",
        "lineItems": "FulfillmentOrderLineItemConnection", "fulfillmentHolds": "FulfillmentHold",
    },
    "FulfillmentOrderAssignedLocation": {"name": "", "location": "Location"},
    "Location": {"id": "", "name": ""},
    "FulfillmentOrderLineItemConnection": {"nodes": "FulfillmentOrderLineItem"},
    "FulfillmentOrderLineItem": {"id": "", "remainingQuantity": "", "totalQuantity": "", "lineItem": "LineItem"},
    "FulfillmentCreatePayload": {"fulfillment": "Fulfillment", "userErrors": "UserError"},
    "UserError": {"field": "", "message": ""},
    **shopify_orders.SCHEMA,
    **shopify_money.SCHEMA,
    **shopify_payouts.SCHEMA,
    **shopify_stock.SCHEMA,
}  # fmt: skip


def utc(moment: str) -> str:
    """As GraphQL writes it."""
    return datetime.fromisoformat(moment).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def check(selection: list[Any], kind: str) -> int:
    """Refuse unknown fields, scalars with a selection and objects without; returns the cost of the selection."""
    cost = 0
    for name, arguments, inner in selection:
        if name not in SCHEMA[kind]:
            raise Invalid(f"Field '{name}' doesn't exist on type '{kind}'")
        holds = SCHEMA[kind][name]
        if bool(holds) != bool(inner):
            raise Invalid(f"Field must {'' if holds else 'not '}have selections (field '{name}')")
        if holds:
            many = arguments.get("first", 1)
            cost += 1 + (check(inner, holds) * (min(int(many), 10) if isinstance(many, int) else 1))
    return cost


def pick(selection: list[Any], source: Any) -> Any:
    """The asked fields of what the shop holds."""
    if isinstance(source, list):
        return [pick(selection, each) for each in source]
    if source is None or not selection:
        return source
    return {name: pick(inner, source.get(name)) for name, _, inner in selection}


# --- The shop ------------------------------------------------------------------------------------------------------


class Shop:
    """Orders and their fulfilments, kept in a file where one is named. Every change happens under one lock."""

    def __init__(self, token: str, state: Path | None = None):
        self.token = token
        self.lock = threading.RLock()
        self.orders: dict[str, dict[str, Any]] = {}
        self.bodies: dict[str, dict[str, Any]] = {}  # orders as REST has them, by number
        self.stock = shopify_stock.Stock()
        self.changes = shopify_orders.Changes(self)
        self.payouts = shopify_payouts.Payouts()
        self.cancellations: list[dict[str, Any]] = []  # every cancellation that was begun
        self.commits = 0  # edits that counted
        self.db = sqlite3.connect(state, check_same_thread=False, isolation_level=None) if state else None
        self.faults: Counter[str] = Counter()
        self.calls: list[str] = []
        self.available, self.filled_at = CAPACITY, time.monotonic()
        self.last_id = 7_000_000_000_000
        if self.db is not None:
            self.db.execute("CREATE TABLE IF NOT EXISTS shop_order (gid PRIMARY KEY, last_id INTEGER, body)")
            for gid, last_id, body in self.db.execute("SELECT gid, last_id, body FROM shop_order"):
                self.orders[gid] = json.loads(body)
                self.last_id = max(self.last_id, last_id)

    def keep(self, order: dict[str, Any]) -> None:
        if self.db is not None:
            self.db.execute("REPLACE INTO shop_order VALUES (?, ?, ?)", (order["id"], self.last_id, json.dumps(order)))

    def new_id(self, kind: str) -> str:
        self.last_id += 1
        return f"gid://shopify/{kind}/{self.last_id}"

    def add_order(self, body: dict[str, Any], locations: int = 1) -> str:
        """Take a REST order in; its lines go to fulfilment orders at so many locations, round robin."""
        body = body.get("order", body)
        self.bodies[str(body["id"])] = body
        gid = f"gid://shopify/Order/{body['id']}"
        with self.lock:
            if gid in self.orders:
                return gid
            orders: list[dict[str, Any]] = [
                {
                    "id": self.new_id("FulfillmentOrder"),
                    "status": "OPEN",
                    "assignedLocation": {
                        "name": f"Location {n + 1}",
                        "location": {"id": f"gid://shopify/Location/{880 + n}", "name": f"Location {n + 1}"},
                    },
                    "lineItems": {"nodes": []},
                }
                for n in range(locations)
            ]
            for n, line in enumerate(body["line_items"]):
                item = {
                    "id": f"gid://shopify/LineItem/{line['id']}",
                    "sku": line.get("sku"),
                    "quantity": line["quantity"],
                }
                orders[n % locations]["lineItems"]["nodes"].append(self.fulfilment_line(item))
            self.orders[gid] = {
                "id": gid,
                "name": body.get("name"),
                "cancelledAt": body.get("cancelled_at"),
                "displayFulfillmentStatus": "UNFULFILLED",
                "shippingAddress": _address(body.get("shipping_address")),
                "fulfillments": [],
                "fulfillmentOrders": {"nodes": [each for each in orders if each["lineItems"]["nodes"]]},
                **shopify_money.taken_in(body),
            }
            self.keep(self.orders[gid])
            return gid

    def fulfilment_line(self, item: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": self.new_id("FulfillmentOrderLineItem"),
            "remainingQuantity": item["quantity"],
            "totalQuantity": item["quantity"],
            "lineItem": item,
        }

    def execute(self, text: str, variables: dict[str, Any]) -> dict[str, Any]:
        document = Document(text)
        cost = check(document.selection, document.kind) + (10 if document.kind == "mutation" else 0)
        with self.lock:
            bucket = self._draw(cost)
            if bucket is None:
                return {
                    "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
                    "extensions": self._extensions(cost, None),
                }
            data = {}
            for name, arguments, inner in document.selection:
                given = {key: self._argument(value, variables) for key, value in arguments.items()}
                if name in {"inventorySetQuantities", "refundCreate"}:
                    key = document.directives.get("idempotent", {}).get("key")
                    given["key"] = self._argument(key, variables)
                if name == "shopifyPaymentsAccount":
                    data[name] = self._payments(inner, variables)
                    continue
                data[name] = pick(inner, self._resolve(name, given))
            return {"data": data, "extensions": self._extensions(cost, cost)}

    def _payments(self, selection: list[Any], variables: dict[str, Any]) -> dict[str, Any] | None:
        if self.payouts.closed:
            return None
        return {
            name: pick(inner, self.payouts.resolve(name, {k: self._argument(v, variables) for k, v in said.items()}))
            for name, said, inner in selection
        }

    def _argument(self, value: Any, variables: dict[str, Any]) -> Any:
        return variables.get(value[1]) if isinstance(value, tuple) else value

    def _resolve(self, name: str, given: dict[str, Any]) -> Any:
        if name == "order":
            found = self.orders.get(str(given.get("id")))
            return found and found | {"lineItems": {"nodes": shopify_orders.line_items(found)}}
        if name == "orders":
            return self._changed(str(given.get("query") or ""), int(given.get("first") or 0), given.get("after"))
        if name == "job":
            return self.changes.job(str(given.get("id")))
        if name in shopify_money.MUTATIONS:
            return shopify_money.resolve(self, name, given, str(given.get("key") or ""))
        if name in shopify_orders.MUTATIONS:
            return self.changes.resolve(name, given)
        if name == "shop":
            return {"name": "Harrow & Vale", "myshopifyDomain": "harrow-vale.myshopify.com"}
        if name == "productVariants":
            return self.stock.variants(
                str(given.get("query") or ""), int(given.get("first") or 0), str(given.get("after") or "")
            )
        if name == "inventorySetQuantities":
            return self.stock.set_quantities(given.get("input") or {}, given["key"])
        return self._fulfil(given.get("fulfillment") or {})

    def _changed(self, query: str, first: int, after: str | None) -> dict[str, Any]:
        since = query.partition(">='")[2].rstrip("'")
        nodes = [
            {"id": f"gid://shopify/Order/{ref}", "updatedAt": at}
            for ref, body in sorted(self.bodies.items())
            if (at := utc(body.get("updated_at") or body["created_at"])) >= since
        ]
        at_most = int(after or 0) + first
        onward = {"hasNextPage": at_most < len(nodes), "endCursor": str(at_most)}
        return {"nodes": nodes[int(after or 0) : at_most], "pageInfo": onward}

    def _fulfil(self, given: dict[str, Any]) -> dict[str, Any]:
        """fulfillmentCreate: all of it, or userErrors and nothing."""
        unknown = set(given) - {"lineItemsByFulfillmentOrder", "trackingInfo", "notifyCustomer", "originAddress"}
        if unknown:
            raise Invalid(f"Variable $fulfillment of type FulfillmentInput! was provided invalid value for {unknown}")
        taken: list[tuple[dict[str, Any], dict[str, Any], int]] = []
        places = set()
        for part in given.get("lineItemsByFulfillmentOrder") or []:
            found = self._fulfilment_order(part["fulfillmentOrderId"])
            if found is None:
                return _refused("Fulfillment order does not exist.")
            if found["status"] not in {"OPEN", "IN_PROGRESS"}:
                return _refused(f"Fulfillment order {_number(found['id'])} has an unfulfillable status= closed.")
            places.add(found["assignedLocation"]["location"]["id"])
            lines = {line["id"]: line for line in found["lineItems"]["nodes"]}
            wanted = part.get("fulfillmentOrderLineItems") or [
                {"id": line["id"], "quantity": line["remainingQuantity"]} for line in lines.values()
            ]
            for each in wanted:
                line = lines.get(each["id"])
                if line is None or not 0 < each["quantity"] <= line["remainingQuantity"]:
                    return _refused("Invalid fulfillment order line item quantity requested.")
                taken.append((found, line, each["quantity"]))
        if not taken:
            return _refused("At least one line item is required.")
        if len(places) > 1:
            return _refused("All fulfillment orders must be assigned to the same location.")
        order = next(each for each in self.orders.values() if taken[0][0] in each["fulfillmentOrders"]["nodes"])
        fulfilment = {
            "id": self.new_id("Fulfillment"),
            "name": f"{order['name']}-F{len(order['fulfillments']) + 1}",
            "status": "SUCCESS",
            "createdAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "trackingInfo": [given["trackingInfo"]] if given.get("trackingInfo") else [],
            "fulfillmentLineItems": {
                "nodes": [
                    {"id": self.new_id("FulfillmentLineItem"), "quantity": units, "lineItem": line["lineItem"]}
                    for _, line, units in taken
                ]
            },
        }
        for each, line, units in taken:
            line["remainingQuantity"] -= units
            if not any(other["remainingQuantity"] for other in each["lineItems"]["nodes"]):
                each["status"] = "CLOSED"
        order["fulfillments"].append(fulfilment)
        self.keep(order)
        return {"fulfillment": fulfilment, "userErrors": []}

    def _fulfilment_order(self, gid: str) -> dict[str, Any] | None:
        for order in self.orders.values():
            for each in order["fulfillmentOrders"]["nodes"]:
                if each["id"] == gid:
                    return each
        return None

    def _draw(self, cost: float) -> float | None:
        now = time.monotonic()
        self.available = min(CAPACITY, self.available + (now - self.filled_at) * REFILL)
        self.filled_at = now
        if self.faults["throttle"] > 0:
            self.faults["throttle"] -= 1
            return None
        if cost > self.available:
            return None
        self.available -= cost
        return self.available

    def _extensions(self, requested: float, actual: float | None) -> dict[str, Any]:
        status = {
            "maximumAvailable": CAPACITY,
            "currentlyAvailable": int(self.available) if actual is not None else 0,
            "restoreRate": REFILL,
        }
        return {"cost": {"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": status}}


def _address(given: dict[str, Any] | None) -> dict[str, Any] | None:
    """An address of the REST interface as GraphQL names its fields."""
    if not given:
        return None
    same = {name: given.get(name) for name in ("name", "company", "address1", "address2", "city", "zip", "phone")}
    return same | {
        "firstName": given.get("first_name"),
        "lastName": given.get("last_name"),
        "provinceCode": given.get("province_code"),
        "countryCodeV2": given.get("country_code"),
    }


def _refused(message: str) -> dict[str, Any]:
    return {"fulfillment": None, "userErrors": [{"field": ["fulfillment"], "message": message}]}


def _number(gid: str) -> str:
    return gid.rpartition("/")[2]


# --- Over HTTP -----------------------------------------------------------------------------------------------------


class Handler(BaseHTTPRequestHandler):
    """One connection to the shop."""

    shop: Shop
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the name is the library's)
        pass

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/livez":
            self._answer(200, {"status": "ok"})
        elif path == "/_shop/stock":
            self._answer(200, self.shop.stock.levels())
        elif path == "/_shop/orders":
            self._answer(200, {"orders": list(self.shop.orders.values())})
        elif (found := REST.fullmatch(path)) and self.headers.get("X-Shopify-Access-Token") == self.shop.token:
            body = self.shop.bodies.get(found[1])
            self._answer(200 if body else 404, {"order": body} if body else {"errors": "Not Found"})
        else:
            self._answer(404, {"errors": "Not Found"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        try:
            if path == "/_shop/orders":
                given = json.loads(body)
                self._answer(200, {"id": self.shop.add_order(given, int(given.get("locations", 1)))})
            elif path == "/_shop/products":
                given = json.loads(body)
                self.shop.stock.prices |= given.get("prices") or {}
                self._answer(200, self.shop.stock.add(given["skus"]))
            elif path == "/_shop/refuse":
                given = json.loads(body)
                self.shop.changes.refusals += given.get("words") or []
                self.shop.changes.job_polls = int(given.get("job_polls", 0))
                self._answer(200, {"words": self.shop.changes.refusals})
            elif path == "/_shop/faults":
                self.shop.faults.update({str(kind): int(count) for kind, count in json.loads(body).items()})
                self._answer(200, dict(self.shop.faults))
            elif PATH.fullmatch(path):
                self._graphql(body)
            else:
                self._answer(404, {"errors": "Not Found"})
        except HangUp:
            self.close_connection = True
        except (KeyError, TypeError, ValueError) as error:
            self._answer(400, {"errors": f"{type(error).__name__}: {error}"})

    def _graphql(self, body: bytes) -> None:
        if self.headers.get("X-Shopify-Access-Token") != self.shop.token:
            words = "[API] Invalid API key or access token (unrecognized login or wrong password)"
            self._answer(401, {"errors": words})
            return
        if self._fault("slow"):
            time.sleep(SLOW_SECONDS)
        if self._fault("hang_up"):
            raise HangUp
        if self._fault("500"):
            self._answer(500, {"errors": "Internal Server Error"})
            return
        if self._fault("429"):
            self._answer(429, {"errors": "Too Many Requests"}, {"Retry-After": "2.0"})
            return
        if self._fault("garbage"):
            self._send(200, b"<html>502 Bad Gateway</html>", {})
            return
        try:
            asked = json.loads(body)
            self.shop.calls.append(asked["query"].split("(")[0].split("{")[0].strip())
            answer = self.shop.execute(asked["query"], asked.get("variables") or {})
        except (Invalid, KeyError, TypeError, ValueError) as error:
            answer = {"errors": [{"message": str(error)}]}
        if b"mutation" in body and self._fault("lose_answer"):
            raise HangUp
        self._answer(200, answer)

    def _fault(self, kind: str) -> bool:
        with self.shop.lock:
            if self.shop.faults[kind] > 0:
                self.shop.faults[kind] -= 1
                return True
        return False

    def _answer(self, status: int, document: Any, headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(document).encode(), headers or {})

    def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class Server(LocalServer):
    """The shop on a free port of this machine, in a thread; `with Server() as shop_server: …`."""

    def __init__(self, token: str, port: int = 0, state: Path | None = None):
        self.shop = Shop(token, state)
        super().__init__(Handler, port, shop=self.shop)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="A shop that speaks Shopify's GraphQL Admin API.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, help="file to keep orders in; without one they are forgotten at the end")
    options = parser.parse_args(arguments)
    server = Server(os.environ["SHOP_TOKEN"], options.port, options.state)
    server.http.serve_forever()


if __name__ == "__main__":
    main()
