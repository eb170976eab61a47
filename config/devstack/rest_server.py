"""Local shops that speak REST with JSON: what their protocols share, and the faults tests ask for.

A shop answers `answer(method, path, query, body, headers)` with (status, document). `faults` makes so many of the next
calls go wrong: "500", "429" (with Retry-After), and "lose_answer", which does what was asked and hangs up.
"""

from __future__ import annotations

import json
from collections import Counter
from http.server import BaseHTTPRequestHandler
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit


class Shop(Protocol):
    faults: Counter[str]

    def answer(
        self, method: str, path: str, query: dict[str, str], body: Any, headers: dict[str, str]
    ) -> tuple[int, Any]: ...


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
        lost = self._fault("lose_answer")
        split = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = json.loads(raw) if raw else None
        status, document = self.shop.answer(self.command, split.path, dict(parse_qsl(split.query)), body, headers)
        if lost:
            self.close_connection = True
            return None
        return self._write(status, document, {})

    do_GET = do_POST = do_PUT = _serve  # noqa: N815  (the names are the library's)

    def _fault(self, name: str) -> bool:
        if self.shop.faults[name] <= 0:
            return False
        self.shop.faults[name] -= 1
        return True

    def _write(self, status: int, document: Any, headers: dict[str, str]) -> None:
        body = b"" if status == 204 else json.dumps(document).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
