"""A WooCommerce shop for tests: REST v3 with basic authentication, pages, error bodies, notes, refunds and batches."""

from __future__ import annotations

import base64
import re
from collections import Counter
from typing import Any

from config.devstack.local_server import LocalServer
from config.devstack.rest_server import Handler


class Shop:
    def __init__(self, key: str, secret: str):
        self.allowed = "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()
        self.orders: dict[int, dict[str, Any]] = {}
        self.refunds: dict[int, list[dict[str, Any]]] = {}
        self.notes: dict[int, list[dict[str, Any]]] = {}
        self.products: dict[int, dict[str, Any]] = {}
        self.faults: Counter[str] = Counter()

    def answer(
        self, method: str, path: str, query: dict[str, str], body: Any, headers: dict[str, str]
    ) -> tuple[int, Any]:
        if headers.get("authorization") != self.allowed:
            return 401, {"code": "woocommerce_rest_cannot_view", "message": "Sorry", "data": {"status": 401}}
        if found := re.fullmatch(r"/wp-json/wc/v3/orders/(\d+)(/\w+)?", path):
            number, part = int(found[1]), found[2] or ""
            if number not in self.orders:
                return 404, {"code": "woocommerce_rest_shop_order_invalid_id", "message": "Invalid ID."}
            return self._of_order(method, number, part, body)
        if path == "/wp-json/wc/v3/orders":
            size, page = int(query["per_page"]), int(query["page"])
            listed = [
                each for _, each in sorted(self.orders.items()) if each["date_modified_gmt"] > query["modified_after"]
            ]
            return 200, listed[(page - 1) * size : page * size]
        if path == "/wp-json/wc/v3/products" and "modified_after" in query:
            return 200, self._changed(query, parent=0)
        if found := re.fullmatch(r"/wp-json/wc/v3/products/(\d+)/variations", path):
            return 200, self._changed(query, parent=int(found[1]))
        if path == "/wp-json/wc/v3/products" and method == "GET":
            wanted = query["sku"].split(",")
            return 200, [each for each in self.products.values() if each["sku"] in wanted]
        if found := re.fullmatch(r"/wp-json/wc/v3/products/(?:(\d+)/variations/)?batch", path):
            return 200, {"update": [self._set(row, int(found[1] or 0)) for row in body["update"]]}
        return 404, {"code": "rest_no_route", "message": "No route was found."}

    def _of_order(self, method: str, number: int, part: str, body: Any) -> tuple[int, Any]:
        order = self.orders[number]
        if part == "/refunds":
            return 200, self.refunds.get(number, [])
        if part == "/notes":
            notes = self.notes.setdefault(number, [])
            if method == "GET":
                return 200, notes
            notes.append({"id": len(notes) + 1, **body})
            return 201, notes[-1]
        if method == "PUT":
            meta = [*order.get("meta_data", []), *body.get("meta_data", [])]
            order.update(body, meta_data=meta)
        return 200, order

    def _changed(self, query: dict[str, str], *, parent: int) -> list[dict[str, Any]]:
        """A page of products or of one's variations, by id, with the fields asked for."""
        since, size, page = query.get("modified_after", ""), int(query["per_page"]), int(query["page"])
        found = [
            {name: each[name] for name in query["_fields"].split(",") if name in each}
            for _, each in sorted(self.products.items())
            if each.get("parent_id", 0) == parent and each.get("date_modified_gmt", "") >= since
        ]
        return found[(page - 1) * size : page * size]

    def _set(self, row: dict[str, Any], parent: int) -> dict[str, Any]:
        product = self.products.get(row["id"])
        if product is None or product.get("parent_id", 0) != parent:
            return {"id": row["id"], "error": {"code": "woocommerce_rest_product_invalid_id", "message": "Invalid ID."}}
        product.update(row)
        return product


class Server(LocalServer):
    def __init__(self, key: str, secret: str, port: int = 0):
        self.shop = Shop(key, secret)
        super().__init__(Handler, port, shop=self.shop)
