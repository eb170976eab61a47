"""A Lightspeed shop: X-Series lists by version, R-Series lists by time, with next pages and rotating tokens; both take
levels of stock, by outlet and by ItemShop."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from config.devstack.local_server import LocalServer
from config.devstack.rest_server import Handler


class Shop:
    def __init__(self, token: str, refresh: str = ""):
        self.token, self.refresh = token, refresh
        self.former = ""
        self.sales: list[dict[str, Any]] = []  # X-Series, each with its version
        self.products: list[dict[str, Any]] = []
        self.older: list[dict[str, Any]] = []  # R-Series
        self.levels: dict[tuple[str, str], int] = {}  # (article, outlet or shop): units
        self.shops = ("1", "2")  # R-Series; an article's ItemShop there is numbered after both
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
        if found_one := re.fullmatch(r"/api/2.1/products/([\w-]+)", path):
            if found_one[1] not in {str(each["id"]) for each in self.products}:
                return 404, {"errors": {"global": ["Entity not found"]}}
            rows = body["details"]["inventory"]
            self.levels |= {(found_one[1], row["outlet_id"]): row["current_amount"] for row in rows}
            return 200, {"data": {"id": found_one[1]}}
        if found_one := re.fullmatch(r"/API/V3/Account/77/Item/(\d+).json", path):
            return self._item(method, found_one[1], body)
        return 404, {"httpCode": "404", "message": "Not Found"}

    def _older(self, query: dict[str, str]) -> tuple[int, Any]:
        since = query["timeStamp"].removeprefix(">,")
        start = int(query.get("after", "0"))
        found = [row for row in self.older if row["timeStamp"] > since]
        page = found[start : start + 1]
        onward = f"{self.url}/API/V3/Account/77/Sale.json?timeStamp=%3E,{since.replace('+', '%2B')}&after={start + 1}"
        attributes = {"next": onward if found[start + 1 :] else "", "previous": ""}
        return 200, {"@attributes": attributes, "Sale": page[0]} if page else {"@attributes": attributes}

    def _item(self, method: str, ref: str, body: Any) -> tuple[int, Any]:
        if method == "PUT":
            for row in body["ItemShops"]["ItemShop"]:
                if int(row["qoh"]) < 0:
                    return 422, {"httpCode": "422", "message": "qoh can't be negative"}
                self.levels[ref, row["itemShopID"].removeprefix(f"{ref}0")] = int(row["qoh"])
        shops = [
            {"itemShopID": f"{ref}0{shop}", "shopID": shop, "qoh": str(self.levels.get((ref, shop), 0))}
            for shop in self.shops
        ]
        return 200, {"Item": {"itemID": ref, "ItemShops": {"ItemShop": shops}}}

    def _renew(self, body: Any) -> tuple[int, Any]:
        given = body.get("refresh_token")
        if not given or given not in {self.refresh, self.former}:
            return 400, {"error": "invalid_grant"}
        self.renewed += 1
        # The former one is good until its successor is used: the answer that brought that one may have been lost.
        self.token, self.refresh, self.former = f"access-{self.renewed}", f"refresh-{self.renewed}", given
        return 200, {"access_token": self.token, "refresh_token": self.refresh, "expires_in": 1800}


class Server(LocalServer):
    def __init__(self, token: str, refresh: str = "", port: int = 0):
        self.shop = Shop(token, refresh)
        super().__init__(Handler, port, shop=self.shop)
        self.shop.url = self.url
