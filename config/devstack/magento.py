"""A Magento (Adobe Commerce) shop for tests: REST V1 searches, orders, shipments, cancellations and source items.

As the real one does, a page beyond the last repeats the last, a shipment is answered by its bare number, and what is
shipped already can't be shipped again.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from config.devstack.local_server import LocalServer
from config.devstack.rest_server import Handler

_FILTER = "searchCriteria[filterGroups][0][filters][0]"
_LISTS = ("orders", "invoices", "creditmemos", "products")


class Shop:
    def __init__(self, token: str):
        self.token = token
        self.orders: dict[int, dict[str, Any]] = {}
        self.invoices: dict[int, dict[str, Any]] = {}
        self.creditmemos: dict[int, dict[str, Any]] = {}
        self.products: dict[int, dict[str, Any]] = {}
        self.shipments: list[dict[str, Any]] = []
        self.sources: dict[tuple[str, str], int] = {}  # (sku, source): quantity
        self.skus: set[str] = set()
        self.faults: Counter[str] = Counter()

    def answer(
        self, method: str, path: str, query: dict[str, str], body: Any, headers: dict[str, str]
    ) -> tuple[int, Any]:
        if headers.get("authorization") != f"Bearer {self.token}":
            return 401, _refusal("The consumer isn't authorized to access %resources.", resources="self")
        path = path.removeprefix("/rest/V1/")
        if path in _LISTS:
            return 200, self._changed(list(getattr(self, path).values()), query)
        if path == "shipments":
            wanted = int(query[f"{_FILTER}[value]"])
            found = [each for each in self.shipments if each["order_id"] == wanted]
            return 200, {"items": found, "search_criteria": {}, "total_count": len(found)}
        if path == "inventory/source-items":
            return self._set(body["sourceItems"])
        if found_one := re.fullmatch(r"orders?/(\d+)(?:/(ship|cancel))?", path):
            order = self.orders.get(int(found_one[1]))
            if order is None:
                return 404, _refusal("The entity that was requested doesn't exist. Verify the entity and try again.")
            return self._of_order(order, found_one[2] or "", body)
        return 404, _refusal("Request does not match any route.")

    def _changed(self, rows: list[dict[str, Any]], query: dict[str, str]) -> dict[str, Any]:
        since = query[f"{_FILTER}[value]"]
        found = [row for row in rows if row["updated_at"] >= since]
        found.sort(key=lambda row: int(row.get("entity_id") or row["id"]))
        size, page = int(query["searchCriteria[pageSize]"]), int(query["searchCriteria[currentPage]"])
        page = min(page, max(1, -(-len(found) // size)))
        return {"items": found[(page - 1) * size : page * size], "search_criteria": {}, "total_count": len(found)}

    def _of_order(self, order: dict[str, Any], act: str, body: Any) -> tuple[int, Any]:
        if act == "ship":
            return self._ship(order, body)
        if act == "cancel":
            can = order["state"] in {"new", "pending_payment"}
            order["state"] = "canceled" if can else order["state"]
            return 200, can
        return 200, order

    def _ship(self, order: dict[str, Any], body: dict[str, Any]) -> tuple[int, Any]:
        items = {item["item_id"]: item for item in order["items"]}
        for row in body["items"]:
            item = items[row["order_item_id"]]
            if item.get("qty_shipped", 0) + row["qty"] > item["qty_ordered"]:
                words = "Shipment Document Validation Error(s):\nThe quantity to ship must not be greater"
                return 400, _refusal(words + " than the unshipped quantity for product SKU %1.", item["sku"])
        for row in body["items"]:
            items[row["order_item_id"]]["qty_shipped"] = items[row["order_item_id"]].get("qty_shipped", 0) + row["qty"]
        made = {
            "entity_id": 9000 + len(self.shipments),
            "order_id": order["entity_id"],
            "items": body["items"],
            "tracks": body.get("tracks", []),
            "comments": [body["comment"]] if body.get("appendComment") else [],
        }
        self.shipments.append(made)
        return 200, made["entity_id"]

    def _set(self, rows: list[dict[str, Any]]) -> tuple[int, Any]:
        unknown = [row["sku"] for row in rows if row["sku"] not in self.skus]
        if unknown:
            return 400, _refusal('Product with SKU "%sku" does not exist.', sku=unknown[0])
        self.sources |= {(row["sku"], row["source_code"]): row["quantity"] for row in rows}
        return 200, []


def _refusal(message: str, *values: Any, **named: Any) -> dict[str, Any]:
    return {"message": message, "parameters": list(values) or named}


class Server(LocalServer):
    def __init__(self, token: str, port: int = 0):
        self.shop = Shop(token)
        super().__init__(Handler, port, shop=self.shop)
