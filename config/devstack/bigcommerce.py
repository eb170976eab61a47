"""A BigCommerce store for tests: V2 orders in parts, V3 refunds, transactions, variants and absolute adjustments."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from config.devstack.local_server import LocalServer
from config.devstack.rest_server import Handler

_WRAPPED = {"payment_actions/refunds": "refunds", "transactions": "transactions"}


class Shop:
    def __init__(self, token: str, store: str = "abc"):
        self.token, self.root = token, f"/stores/{store}/"
        self.orders: dict[int, dict[str, Any]] = {}
        self.variants: dict[int, dict[str, Any]] = {}
        self.products: list[dict[str, Any]] = []  # with their variants
        self.faults: Counter[str] = Counter()

    def add(self, document: dict[str, Any]) -> None:
        """An order with its parts beside it."""
        self.orders[document["order"]["id"]] = document

    def answer(
        self, method: str, path: str, query: dict[str, str], body: Any, headers: dict[str, str]
    ) -> tuple[int, Any]:
        if headers.get("x-auth-token") != self.token:
            return 401, {"status": 401, "title": "X-Auth-Token header is required", "type": "about:blank"}
        path = path.removeprefix(self.root)
        if path == "v2/orders":
            size, page = int(query["limit"]), int(query["page"])
            listed = [each["order"] for _, each in sorted(self.orders.items())]
            return self._list(listed[(page - 1) * size : page * size])
        if found := re.fullmatch(r"(v2|v3)/orders/(\d+)(?:/(.+))?", path):
            known = self.orders.get(int(found[2]))
            if known is None:
                return 404, [{"status": 404, "message": "The requested resource was not found."}]
            return self._of_order(method, known, found[3] or "", body)
        if path == "v3/catalog/products":
            changed = [each for each in self.products if each["date_modified"] >= query["date_modified:min"]]
            size, page = int(query["limit"]), int(query["page"])
            return 200, {"data": changed[(page - 1) * size : page * size], "meta": {}}
        if path == "v3/catalog/variants":
            wanted = query["sku:in"].split(",")
            return 200, {"data": [each for each in self.variants.values() if each["sku"] in wanted], "meta": {}}
        if path == "v3/inventory/adjustments/absolute":
            for item in body["items"]:
                self.variants[item["variant_id"]]["inventory_level"] = item["quantity"]
            return 200, {"transaction_id": "t"}
        return 404, {"status": 404, "title": "Not found"}

    def _of_order(self, method: str, known: dict[str, Any], part: str, body: Any) -> tuple[int, Any]:
        if not part:
            if method == "PUT":
                known["order"].update(body)
            return 200, known["order"]
        if part in _WRAPPED:
            return 200, {"data": known[_WRAPPED[part]], "meta": {}}
        if part == "shipments" and method == "POST":
            made = {"id": len(known["shipments"]) + 1, "order_id": known["order"]["id"], **body}
            known["shipments"].append(made)
            return 201, made
        return self._list(known.get(part, []))

    def _list(self, listed: list[Any]) -> tuple[int, Any]:
        return (200, listed) if listed else (204, None)


class Server(LocalServer):
    def __init__(self, token: str, port: int = 0):
        self.shop = Shop(token)
        super().__init__(Handler, port, shop=self.shop)
