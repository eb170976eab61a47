"""A seller's account at Walmart for tests and the demo: tokens, orders in pages by cursor, lines shipped and cancelled.

Every call needs the token, a correlation id nobody used before and the service's name, as Walmart documents it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlencode

from config.devstack.local_server import LocalServer
from config.devstack.rest_server import Handler, Market, Told


class Account(Market):
    def __init__(self, client: str, page: int = 100):
        super().__init__()
        self.basic = "Basic " + base64.b64encode(client.encode()).decode()
        self.page = page
        self.seen: set[str] = set()
        self.feeds: dict[str, list[dict[str, Any]]] = {}

    def is_write(self, method: str, path: str) -> bool:
        return super().is_write(method, path) and not path.endswith("/acknowledge")

    def answer(self, method: str, path: str, query: dict[str, str], body: Any, headers: dict[str, str]) -> Told:
        with self.lock:
            call = headers.get("wm_qos.correlation_id", "")
            if not call or call in self.seen or not headers.get("wm_svc.name"):
                return _error(400, "INVALID_REQUEST_HEADER", "WM_QOS.CORRELATION_ID set null or invalid")
            self.seen.add(call)
            if path == "/v3/token":
                if headers.get("authorization") != self.basic:
                    return _error(401, "UNAUTHORIZED.GMP_GATEWAY_API", "Unauthorized")
                return 200, {"access_token": self.grant(), "token_type": "Bearer", "expires_in": 900}
            if not self.lets_in(headers.get("wm_sec.access_token")):
                return _error(401, "UNAUTHORIZED.GMP_GATEWAY_API", "Your token has expired")
            if (found := re.fullmatch(r"/v3/orders/(\d+)(?:/(\w+))?", path)) is not None:
                return self._of_order(found[1], found[2] or "", body)
            if path in {"/v3/orders", "/v3/orders/released"}:
                return self._list(path, query)
            if path == "/v3/items":
                return self._items(query)
            return self._stock(method, path, query, body)

    def _items(self, query: dict[str, str]) -> Told:
        """A page of what is sold; the first is called "*", and the last names no other."""
        at = 0 if query["nextCursor"] == "*" else int(query["nextCursor"])
        size = min(self.page, int(query["limit"]))
        following = {"nextCursor": str(at + size)} if at + size < len(self.catalogue) else {}
        return 200, {"ItemResponse": self.catalogue[at : at + size], "totalItems": len(self.catalogue), **following}

    def _list(self, path: str, query: dict[str, str]) -> Told:
        if not query.get("soIndex", "0").isdigit():
            return _error(400, "INVALID_REQUEST_PARAM.GMP_ORDER_API", "nextCursor is invalid")
        at = int(query.get("soIndex") or 0)
        orders = list(self.orders.values())
        if path.endswith("released"):
            orders = [each for each in orders if any(s["status"] == "Created" for s in states(each))]
        page = orders[at : at + self.page]
        meta: dict[str, Any] = {"totalCount": len(orders), "limit": self.page}
        if at + self.page < len(orders):
            meta["nextCursor"] = "?" + urlencode({**query, "hasMoreElements": "true", "soIndex": at + self.page})
        return 200, {"list": {"meta": meta, "elements": {"order": page}}}

    def _of_order(self, ref: str, act: str, body: Any) -> Told:
        order = self.orders.get(ref)
        if order is None:
            return _error(404, "CONTENT_NOT_FOUND.GMP_ORDER_API", "Not Found")
        if act == "acknowledge":
            for state in states(order):
                state["status"] = "Acknowledged" if state["status"] == "Created" else state["status"]
        elif act:
            root = body["orderShipment" if act == "shipping" else "orderCancellation"]
            for told in root["orderLines"]["orderLine"]:
                if refused := self._move(order, ref, told):
                    return refused
        return 200, {"order": order}

    def _move(self, order: dict[str, Any], ref: str, told: dict[str, Any]) -> Told | None:
        """Units of a line from open to what they are told to be."""
        (change,) = told["orderLineStatuses"]["orderLineStatus"]
        units = int(change["statusQuantity"]["amount"])
        if change["status"] == "Shipped" and not change["trackingInfo"].get("trackingNumber"):
            return _error(400, "INVALID_REQUEST_CONTENT.GMP_ORDER_API", "trackingNumber is required")
        for line in order["orderLines"]["orderLine"]:
            held = line["orderLineStatuses"]["orderLineStatus"]
            still = next((state for state in held if state["status"] in {"Created", "Acknowledged"}), None)
            if line["lineNumber"] != told["lineNumber"] or still is None:
                continue
            left = int(still["statusQuantity"]["amount"]) - units
            if left < 0:
                break
            still["statusQuantity"]["amount"] = str(left)
            line["orderLineStatuses"]["orderLineStatus"] = [each for each in held if each is not still or left] + [
                change
            ]
            if change["status"] == "Shipped":
                self.told.setdefault(ref, []).append(change["trackingInfo"])
            return None
        return _error(400, "INVALID_REQUEST_CONTENT.GMP_ORDER_API", "the line has no such units to change")

    def _stock(self, method: str, path: str, query: dict[str, str], body: Any) -> Told:
        if path == "/v3/inventory" and method == "PUT":
            if query["sku"] not in self.stock:
                return _error(404, "CONTENT_NOT_FOUND.GMP_INVENTORY_API", "Requested content could not be found")
            self.stock[query["sku"]] = body["quantity"]["amount"]
            return 200, body
        if path == "/v3/feeds" and method == "POST":
            name = f"F{len(self.feeds)}"
            self.feeds[name] = body["Inventory"]
            return 200, {"feedId": name}
        if (found := re.fullmatch(r"/v3/feeds/(.+)", path)) is not None:
            return 200, self._feed(unquote(found[1]))
        return _error(404, "CONTENT_NOT_FOUND.GMP_GATEWAY_API", "Not Found")

    def _feed(self, name: str) -> dict[str, Any]:
        rows = []
        for each in self.feeds[name]:
            known = each["sku"] in self.stock
            row: dict[str, Any] = {"sku": each["sku"], "ingestionStatus": "SUCCESS" if known else "DATA_ERROR"}
            if known:
                self.stock[each["sku"]] = each["quantity"]["amount"]
            else:
                row["ingestionErrors"] = {"ingestionError": [{"code": "ERR_PDI", "description": "SKU is not set up"}]}
            rows.append(row)
        return {"feedId": name, "feedStatus": "PROCESSED", "itemDetails": {"itemIngestionStatus": rows}}


def states(order: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for line in order["orderLines"]["orderLine"]:
        yield from line["orderLineStatuses"]["orderLineStatus"]


def _error(status: int, code: str, words: str) -> Told:
    named = {"code": code, "description": words, "info": words, "severity": "ERROR", "category": "DATA"}
    return status, {"error": [named | {"field": "data", "causes": [], "errorIdentifiers": {}}]}


class Server(LocalServer):
    def __init__(self, client: str, port: int = 0, page: int = 100):
        self.shop = Account(client, page)
        super().__init__(Handler, port, shop=self.shop)
