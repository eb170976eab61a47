"""A seller's account that speaks the part of eBay's Sell Fulfillment API Backroom uses, for tests and the demo.

Access tokens come for a refresh token and end; orders are listed by the window of their last change, in pages;
shipping_fulfillment makes a second fulfilment when it is asked twice, and answers 201 with a Location and no body.
`faults` counts what goes wrong next: "500", "429", "expired" (the token is refused), "lose_answer" (done, then gone).
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

try:
    from config.devstack.local_server import LocalServer
except ImportError:  # run as a script, from beside it
    from local_server import LocalServer  # type: ignore[import-not-found, no-redef]

_PATH = re.compile(r"/sell/fulfillment/v1/order(?:/([^/]+)(/shipping_fulfillment)?)?")
_WINDOW = re.compile(r"lastmodifieddate:\[(.+)\.\.(.*)\]")


class Account:
    def __init__(self, client: str, refresh_token: str):
        self.basic = "Basic " + base64.b64encode(client.encode()).decode()
        self.refresh_token = refresh_token
        self.lock = threading.RLock()
        self.orders: dict[str, dict[str, Any]] = {}
        self.fulfilments: dict[str, list[dict[str, Any]]] = {}
        self.tokens: set[str] = set()
        self.asked = 0
        self.faults: Counter[str] = Counter()

    def fails(self, fault: str) -> bool:
        if self.faults[fault] <= 0:
            return False
        self.faults[fault] -= 1
        return True

    def token(self, form: dict[str, list[str]], authorization: str) -> tuple[int, Any]:
        if authorization != self.basic:
            return 401, {"error": "invalid_client", "error_description": "client authentication failed"}
        if form.get("grant_type") != ["refresh_token"] or form.get("refresh_token") != [self.refresh_token]:
            return 400, {"error": "invalid_grant", "error_description": "the provided refresh token is invalid"}
        self.asked += 1
        token = f"v^1.1#{self.asked}"
        self.tokens = {token}
        return 200, {"access_token": token, "expires_in": 7200, "token_type": "User Access Token"}

    def listed(self, query: dict[str, list[str]], path: str) -> tuple[int, Any]:
        window = _WINDOW.fullmatch(query.get("filter", [""])[0])
        if window is None:
            return 400, _error(30700, "Invalid filter")
        since, until = window.groups()
        found = [o for o in self.orders.values() if since <= o["lastModifiedDate"] <= (until or "9999")]
        limit, offset = int(query["limit"][0]), int(query.get("offset", ["0"])[0])
        page: dict[str, Any] = {"total": len(found), "limit": limit, "offset": offset, "href": path}
        if offset + limit < len(found):
            page["next"] = f"{path}&offset={offset + limit}"
        return 200, page | {"orders": found[offset : offset + limit]}

    def fulfil(self, ref: str, given: dict[str, Any]) -> tuple[int, Any]:
        if ("trackingNumber" in given) != ("shippingCarrierCode" in given) or not given.get("lineItems"):
            return 400, _error(32500, "Invalid shipment")
        made = self.fulfilments.setdefault(ref, [])
        if not str(given.get("trackingNumber", "a")).isalnum():
            return 400, _error(32310, "Invalid tracking number")
        ident = f"{given.get('trackingNumber', 999)}{len(made)}"
        made.append(
            {
                "fulfillmentId": ident,
                "shipmentTrackingNumber": given.get("trackingNumber"),
                "shippingCarrierCode": given.get("shippingCarrierCode"),
                "lineItems": given["lineItems"],
            }
        )
        return 201, ident


def _error(number: int, words: str) -> dict[str, Any]:
    return {"errors": [{"errorId": number, "domain": "API_FULFILLMENT", "category": "REQUEST", "message": words}]}


class Handler(BaseHTTPRequestHandler):
    account: Account

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def log_message(self, *_: Any) -> None:
        """Quiet."""

    def _answer(self, body: bytes) -> None:
        with self.account.lock:
            status, answer = self._decide(body)
            lost = status < 300 and self.command == "POST" and "oauth2" not in self.path
            if lost and self.account.fails("lose_answer"):
                self.close_connection = True
                return
        content = b"" if status == 201 else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if status == 201:
            self.send_header("Location", f"https://api.ebay.com{self.path}/{answer}")
        if status == 429:
            self.send_header("Retry-After", "7")
        self.end_headers()
        self.wfile.write(content)

    def _decide(self, body: bytes) -> tuple[int, Any]:
        account, parts = self.account, urlsplit(self.path)
        authorization = self.headers.get("Authorization", "")
        if parts.path == "/identity/v1/oauth2/token":
            return account.token(parse_qs(body.decode()), authorization)
        for fault in ("500", "429"):
            if account.fails(fault):
                return int(fault), _error(2003, "Internal error" if fault == "500" else "Too many requests")
        if account.fails("expired"):
            account.tokens.clear()
        if authorization.removeprefix("Bearer ") not in account.tokens:
            return 401, _error(1001, "Invalid access token")
        found = _PATH.fullmatch(parts.path)
        if found is None or (found[1] and found[1] not in account.orders):
            return 404, _error(32100, "Invalid order ID")
        if not found[1]:
            return account.listed(parse_qs(parts.query), self.path)
        if self.command == "POST":
            return account.fulfil(found[1], json.loads(body))
        if found[2]:
            made = account.fulfilments.get(found[1], [])
            return 200, {"fulfillments": made, "total": len(made)}
        return 200, account.orders[found[1]]


class Server(LocalServer):
    def __init__(self, client: str, refresh_token: str, port: int = 0):
        self.account = Account(client, refresh_token)
        super().__init__(Handler, port, account=self.account)
