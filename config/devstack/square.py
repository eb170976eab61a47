"""A Square account for tests: orders searched by their last change, versions that must match, catalogue and counts.

It answers as documented: bearer tokens that a refresh token renews, cursors, `errors` with category, code and detail,
409 for an order changed meanwhile, one effect for each idempotency key.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from config.devstack.local_server import LocalServer
from config.devstack.rest_server import Handler


class Account:
    def __init__(self, token: str, refresh: str = ""):
        self.token, self.refresh = token, refresh
        self.tokens_made = 0
        self.orders: dict[str, dict[str, Any]] = {}
        self.refunds: list[dict[str, Any]] = []
        self.variations: list[dict[str, Any]] = []
        self.counts: dict[tuple[str, str], str] = {}
        self.keys: dict[str, Any] = {}
        self.page = 2  # orders of one answer
        self.faults: Counter[str] = Counter()

    def answer(
        self, method: str, path: str, query: dict[str, str], body: Any, headers: dict[str, str]
    ) -> tuple[int, Any]:
        if path == "/oauth2/token":
            return self._renew(body)
        if headers.get("authorization") != f"Bearer {self.token}":
            return 401, _error("AUTHENTICATION_ERROR", "UNAUTHORIZED", "This request could not be authorized.")
        if not headers.get("square-version"):
            return 400, _error("INVALID_REQUEST_ERROR", "BAD_REQUEST", "Name the version of the API.")
        if path == "/v2/locations":
            return 200, {"locations": [{"id": "LSHOP1", "status": "ACTIVE"}, {"id": "LGONE", "status": "INACTIVE"}]}
        if path == "/v2/orders/search":
            return self._search(body)
        if path == "/v2/refunds":
            return 200, {"refunds": [each for each in self.refunds if _within(each, query)]}
        if found := re.fullmatch(r"/v2/orders/([^/]+)", path):
            return self._of_order(method, found[1], body)
        if path == "/v2/catalog/search":
            return self._catalogue(body)
        if path == "/v2/inventory/changes/batch-create":
            return self._count(body)
        return 404, _error("INVALID_REQUEST_ERROR", "NOT_FOUND", f"API endpoint for URL path {path} is not found.")

    def _renew(self, body: Any) -> tuple[int, Any]:
        if not self.refresh or body.get("refresh_token") != self.refresh:
            return 401, _error("AUTHENTICATION_ERROR", "UNAUTHORIZED", "The refresh token is not known.")
        self.tokens_made += 1
        self.token = f"EAAA{self.tokens_made}"
        ends = datetime.now(UTC) + timedelta(days=30)
        return 200, {"access_token": self.token, "token_type": "bearer", "expires_at": ends.isoformat()}

    def _search(self, body: Any) -> tuple[int, Any]:
        if body["query"]["sort"]["sort_field"] != "UPDATED_AT":
            return 400, _error("INVALID_REQUEST_ERROR", "BAD_REQUEST", "The sort field must be that of the filter.")
        window = body["query"]["filter"]["date_time_filter"]["updated_at"]
        found = sorted(
            (
                each
                for each in self.orders.values()
                if each["location_id"] in body["location_ids"]
                and window["start_at"] <= each["updated_at"] <= window["end_at"]
            ),
            key=lambda each: str(each["updated_at"]),
        )
        cursor = body.get("cursor", "")
        if cursor and self.faults["cursor_ended"] > 0:
            self.faults["cursor_ended"] -= 1
            return 400, _error("INVALID_REQUEST_ERROR", "INVALID_CURSOR", "The cursor is not valid any more.")
        start = int(cursor.removeprefix("c")) if cursor else 0
        page: dict[str, Any] = {"orders": found[start : start + self.page]} if found[start:] else {}
        if found[start + self.page :]:
            page["cursor"] = f"c{start + self.page}"
        return 200, page

    def _of_order(self, method: str, ref: str, body: Any) -> tuple[int, Any]:
        order = self.orders.get(ref)
        if order is None:
            return 404, _error("INVALID_REQUEST_ERROR", "NOT_FOUND", f"Order not found for id {ref}")
        if method != "PUT":
            return 200, {"order": order}
        told = body["order"]
        if self.faults["changed_meanwhile"] > 0:
            self.faults["changed_meanwhile"] -= 1
            order["version"] += 1
        if told["version"] != order["version"]:
            return 409, _error("INVALID_REQUEST_ERROR", "VERSION_MISMATCH", "Order version mismatch.")
        for each in told.get("fulfillments", []):
            mine = next(one for one in order["fulfillments"] if one["uid"] == each["uid"])
            if mine["state"] in {"COMPLETED", "CANCELED", "FAILED"}:
                return 400, _error("INVALID_REQUEST_ERROR", "BAD_REQUEST", "A fulfillment that ended can't change.")
            mine["state"] = each.get("state", mine["state"])
            mine.setdefault("shipment_details", {}).update(each.get("shipment_details", {}))
        order["state"] = told.get("state", order["state"])
        order["version"] += 1
        return 200, {"order": order}

    def _catalogue(self, body: Any) -> tuple[int, Any]:
        wanted = body.get("query", {}).get("set_query", {}).get("attribute_values")
        found = [
            each
            for each in self.variations
            if wanted is None or each.get("item_variation_data", {}).get("sku") in wanted
        ]
        return 200, {"objects": found} if found else {}

    def _count(self, body: Any) -> tuple[int, Any]:
        key = body["idempotency_key"]
        if not key or len(key) > 128 or len(body["changes"]) > 100:
            return 400, _error("INVALID_REQUEST_ERROR", "VALUE_TOO_LONG", "Too much at once.")
        if key in self.keys and self.keys[key] != body["changes"]:
            return 400, _error("INVALID_REQUEST_ERROR", "IDEMPOTENCY_KEY_REUSED", "Different request, same key.")
        self.keys[key] = body["changes"]
        known = {each["id"] for each in self.variations}
        for change in body["changes"]:
            counted = change["physical_count"]
            if counted["catalog_object_id"] not in known:
                return 404, _error("INVALID_REQUEST_ERROR", "NOT_FOUND", "Catalog object not found.")
            self.counts[counted["catalog_object_id"], counted["location_id"]] = counted["quantity"]
        return 200, {"counts": []}


def _within(each: dict[str, Any], query: dict[str, str]) -> bool:
    return query["updated_at_begin_time"] <= each["updated_at"] <= query["updated_at_end_time"]


def _error(category: str, code: str, detail: str) -> dict[str, Any]:
    return {"errors": [{"category": category, "code": code, "detail": detail}]}


class Server(LocalServer):
    def __init__(self, token: str, refresh: str = "", port: int = 0):
        self.account = Account(token, refresh)
        super().__init__(Handler, port, shop=self.account)
