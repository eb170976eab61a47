"""A TikTok shop for tests and the demo: every call is checked for its signature, its moment and its token; each renewal
of a token brings the next refresh token; errors come with a code, some of them in good answers."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from typing import Any

from config.devstack.local_server import LocalServer
from config.devstack.rest_server import Handler, Market, Told


class RawHandler(Handler):
    """The signature is over the bytes, so the shop sees them."""

    def decoded(self, raw: bytes, content_type: str) -> Any:
        return raw


class Account(Market):
    def __init__(self, app_key: str, secret: str, refresh_token: str, page: int = 50):
        super().__init__()
        self.app_key, self.secret, self.page = app_key, secret, page
        self.refresh_tokens = [refresh_token]
        self.returns: list[dict[str, Any]] = []

    def is_write(self, method: str, path: str) -> bool:
        return super().is_write(method, path) and "/search" not in path

    def answer(self, method: str, path: str, query: dict[str, str], body: Any, headers: dict[str, str]) -> Told:
        with self.lock:
            if path == "/api/v2/token/refresh":
                return self._renew(query)
            raw = body or b""
            if query.get("sign") != self._sign(path, query, raw):
                return 401, {"code": 106001, "message": "signature is invalid", "request_id": "r"}
            if abs(time.time() - int(query["timestamp"])) > 300:
                return 401, {"code": 106002, "message": "timestamp is invalid", "request_id": "r"}
            if not self.lets_in(headers.get("x-tts-access-token")):
                return 401, {"code": 105002, "message": "Expired credentials", "request_id": "r"}
            return self._do(method, path, query, json.loads(raw) if raw else {})

    def _sign(self, path: str, query: dict[str, str], raw: bytes) -> str:
        """As documented: secret, path, each name and value in order of names, body, secret."""
        named = "".join(k + v for k, v in sorted(query.items()) if k != "sign")
        text = self.secret + path + named + raw.decode() + self.secret
        return hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest()

    def _renew(self, query: dict[str, str]) -> Told:
        if (query.get("app_key"), query.get("app_secret")) != (self.app_key, self.secret):
            return 200, {"code": 36004004, "message": "app_key or app_secret is invalid"}
        following = f"ROW_refresh-{self.asked + 1}"
        if not self.takes_refresh(query.get("refresh_token"), following):
            return 200, {"code": 36004009, "message": "refresh token is invalid"}
        ends = int(time.time()) + 7 * 86400
        granted = {"access_token": self.grant(), "access_token_expire_in": ends, "refresh_token": following}
        return 200, {"code": 0, "message": "success", "data": granted}

    def _do(self, method: str, path: str, query: dict[str, str], body: Any) -> Told:
        if path == "/order/202309/orders/search":
            found = [
                o for o in self.orders.values() if body["update_time_ge"] <= o["update_time"] < body["update_time_lt"]
            ]
            if not query.get("page_token", "0").isdigit():
                return 200, {"code": 36009004, "message": "page_token is invalid", "request_id": "r"}
            at = int(query.get("page_token") or 0)
            more = str(at + self.page) if at + self.page < len(found) else ""
            return _data(orders=found[at : at + self.page], next_page_token=more, total_count=len(found))
        if path == "/order/202309/orders":
            return _data(orders=[self.orders[ref] for ref in query["ids"].split(",") if ref in self.orders])
        if path == "/return_refund/202309/returns/search":
            return _data(return_orders=self.returns, next_page_token="")
        if path == "/return_refund/202309/cancellations":
            for item in self.orders[body["order_id"]]["line_items"]:
                if item["id"] in body["order_line_item_ids"]:
                    item["display_status"] = "CANCELLED"
            return _data(cancel_id="c1", cancel_status="CANCELLATION_REQUEST_SUCCESS")
        if (found_there := re.fullmatch(r"/fulfillment/202309/orders/(\d+)/packages", path)) is not None:
            return self._ship(found_there[1], body)
        if path == "/product/202309/products/search":
            return self._products(query, body)
        if path == "/product/202309/products/77/inventory/update":
            known = {f"9{n}": sku for n, sku in enumerate(self.stock)}
            for row in body["skus"]:
                self.stock[known[row["id"]]] = row["inventory"][0]["quantity"]
            return _data(errors=[])
        return 404, {"code": 36009009, "message": "Invalid path", "request_id": "r"}

    def _products(self, query: dict[str, str], body: dict[str, Any]) -> Told:
        """Those with one of these SKUs, or a page of those that changed since."""
        if "update_time_ge" in body:
            changed = [each for each in self.catalogue if each["update_time"] >= body["update_time_ge"]]
            at, size = int(query.get("page_token") or 0), min(self.page, int(query["page_size"]))
            following = str(at + size) if at + size < len(changed) else ""
            return _data(products=changed[at : at + size], next_page_token=following)
        skus = [{"id": f"9{n}", "seller_sku": sku} for n, sku in enumerate(self.stock) if sku in body["seller_skus"]]
        return _data(products=[{"id": "77", "skus": skus}] if skus else [], next_page_token="")

    def _ship(self, ref: str, body: Any) -> Told:
        items = [item for item in self.orders[ref]["line_items"] if item["id"] in body["order_line_item_ids"]]
        if len(items) < len(body["order_line_item_ids"]) or any(item.get("tracking_number") for item in items):
            return 200, {"code": 21011001, "message": "order line item status is not correct", "request_id": "r"}
        package = {"package_id": f"11{len(self.told)}", "tracking_number": body["tracking_number"]}
        for item in items:
            item.update(package)
        self.told.setdefault(ref, []).append(package)
        return _data(order_id=ref, **package)


def _data(**data: Any) -> Told:
    return 200, {"code": 0, "message": "Success", "request_id": "r", "data": data}


class Server(LocalServer):
    def __init__(self, app_key: str, secret: str, refresh_token: str, port: int = 0, page: int = 50):
        self.shop = Account(app_key, secret, refresh_token, page)
        super().__init__(RawHandler, port, shop=self.shop)
