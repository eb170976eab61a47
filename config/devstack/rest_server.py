"""Local shops and marketplaces that speak REST: what their protocols share, and the faults tests ask for.

A shop answers `answer(method, path, query, body, headers)` with (status, document), or with headers of its own as a
third. A body is JSON, a form (as a dict) or bytes, by its content type. `faults` makes so many of the next calls go
wrong: "500", "429" (with Retry-After), "reset" (hung up on at once), "garbage" (a gateway's page), "lose_answer", which
does what was asked and hangs up, "half_answer", which does so in the middle of its answer, and "lose_write", which does
so to the next call that changes something.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

Told = tuple[int, Any] | tuple[int, Any, Mapping[str, str]]


class Shop(Protocol):
    faults: Counter[str]

    def answer(self, method: str, path: str, query: dict[str, str], body: Any, headers: dict[str, str]) -> Told: ...


class Handler(BaseHTTPRequestHandler):
    """One connection to a shop."""

    shop: Shop
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the name is the library's)
        pass

    def _serve(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        for status in (500, 429):
            if self._fault(str(status)):
                return self._write(status, {"message": "try later"}, {"Retry-After": "1"} if status == 429 else {})
        if self._fault("reset"):
            self.close_connection = True
            return None
        if self._fault("garbage"):
            return self._write(200, b"<html>One moment, please</html>", {"Content-Type": "text/html"})
        lost, half = self._fault("lose_answer"), self._fault("half_answer")
        split = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.decoded(raw, headers.get("content-type", ""))
        query = dict(parse_qsl(split.query, keep_blank_values=True))
        told = self.shop.answer(self.command, split.path, query, body, headers)
        is_write = getattr(self.shop, "is_write", None)
        if is_write and told[0] < 300 and is_write(self.command, split.path):
            lost = self._fault("lose_write") or lost
        if lost:
            self.close_connection = True
            return None
        return self._write(told[0], told[1], told[2] if len(told) > 2 else {}, half=half)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815  (the names are the library's)

    def decoded(self, raw: bytes, content_type: str) -> Any:
        if not raw:
            return None
        if "form-urlencoded" in content_type:
            return dict(parse_qsl(raw.decode(), keep_blank_values=True))
        signed_as_sent = "x-amz-json" in content_type
        return json.loads(raw) if "json" in content_type and not signed_as_sent else raw

    def _fault(self, name: str) -> bool:
        if self.shop.faults[name] <= 0:
            return False
        self.shop.faults[name] -= 1
        return True

    def _write(self, status: int, document: Any, headers: Mapping[str, str], *, half: bool = False) -> None:
        body = b"" if status == 204 else document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Type" not in headers:
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if half else body)
        self.close_connection = self.close_connection or half


class Market:
    """What the local marketplaces share: access tokens that end, faults, and which calls change something."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.faults: Counter[str] = Counter()
        self.tokens: set[str] = set()
        self.asked = 0  # for a token
        self.refresh_tokens: list[str] = []
        self.orders: dict[str, dict[str, Any]] = {}
        self.told: dict[str, list[dict[str, Any]]] = {}  # shipments, by order
        self.stock: dict[str, int] = {}  # what is for sale, by SKU
        self.catalogue: list[dict[str, Any]] = []  # as its own API lists it

    def is_write(self, method: str, path: str) -> bool:
        return method != "GET" and "token" not in path and "search" not in path

    def grant(self) -> str:
        self.asked += 1
        token = f"token-{self.asked}"
        self.tokens.add(token)
        return token

    def lets_in(self, token: str | None) -> bool:
        """Whether the token is good and has not ended."""
        return token in self.tokens

    def takes_refresh(self, token: str | None, following: str) -> bool:
        """Whether a refresh token is good. `following` comes with the grant; until its first use the former is good."""
        if token not in self.refresh_tokens:
            return False
        self.refresh_tokens = [token, following]
        return True

    def end_tokens(self) -> None:
        self.tokens.clear()

    def put_on_sale(self, *skus: str) -> None:
        self.stock |= dict.fromkeys(skus, 0)

    def quantities(self) -> dict[str, int]:
        """What is for sale of each SKU."""
        return self.stock

    def bare(self, document: dict[str, Any], *keys: str) -> dict[str, Any]:
        return {key: value for key, value in document.items() if key not in keys}
