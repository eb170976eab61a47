"""A Lightspeed shop: X-Series lists by version, R-Series lists by time, with next pages and rotating tokens."""

from __future__ import annotations

from collections import Counter
from typing import Any

from config.devstack.local_server import LocalServer
from config.devstack.rest_server import Handler


class Shop:
    def __init__(self, token: str, refresh: str = ""):
        self.token, self.refresh = token, refresh
        self.sales: list[dict[str, Any]] = []  # X-Series, each with its version
        self.products: list[dict[str, Any]] = []
        self.older: list[dict[str, Any]] = []  # R-Series
        self.renewed = 0
        self.url = ""
        self.faults: Counter[str] = Counter()

    def answer(
        self, method: str, path: str, query: dict[str, str], body: Any, headers: dict[str, str]
    ) -> tuple[int, Any]:
        if path == "/auth/oauth/token":
            return self._renew(body)
        if headers.get("authorization") != f"Bearer {self.token}":
            return 401, {"error": "unauthorized"}
        if path in ("/api/2.0/sales", "/api/2.0/products"):
            rows = self.sales if path.endswith("sales") else self.products
            after, size = int(query["after"]), min(int(query["page_size"]), 2)
            found = sorted((row for row in rows if row["version"] > after), key=lambda row: int(row["version"]))[:size]
            versions = [row["version"] for row in found] or [0]
            return 200, {"data": found, "version": {"min": versions[0], "max": versions[-1] or after}}
        if path == "/API/V3/Account/77/Sale.json":
            return self._older(query)
        return 404, {"httpCode": "404", "message": "Not Found"}

    def _older(self, query: dict[str, str]) -> tuple[int, Any]:
        since = query["timeStamp"].removeprefix(">,")
        start = int(query.get("after", "0"))
        found = [row for row in self.older if row["timeStamp"] > since]
        page = found[start : start + 1]
        onward = f"{self.url}/API/V3/Account/77/Sale.json?timeStamp=%3E,{since.replace('+', '%2B')}&after={start + 1}"
        attributes = {"next": onward if found[start + 1 :] else "", "previous": ""}
        return 200, {"@attributes": attributes, "Sale": page[0]} if page else {"@attributes": attributes}

    def _renew(self, body: Any) -> tuple[int, Any]:
        if not self.refresh or body.get("refresh_token") != self.refresh:
            return 400, {"error": "invalid_grant"}
        self.renewed += 1
        self.token, self.refresh = f"access-{self.renewed}", f"refresh-{self.renewed}"
        return 200, {"access_token": self.token, "refresh_token": self.refresh, "expires_in": 1800}


class Server(LocalServer):
    def __init__(self, token: str, refresh: str = "", port: int = 0):
        self.shop = Shop(token, refresh)
        super().__init__(Handler, port, shop=self.shop)
        self.shop.url = self.url
