"""A supplier's system that speaks Backroom's partner protocol (docs/partners.md): for tests and the demo.

    PARTNER_TOKEN=… PARTNER_SECRET=… python config/devstack/partner.py --port 8114 [--hook URL]

What matters is kept to: the bearer token, one request an Idempotency-Key however often it is sent, 409 for a withdrawal
after it left, and events signed by Standard Webhooks. Its own doors:

    GET  /_partner/requests  every request with its state
    POST /_partner/manners   {"answer": "accepted" | "received" | "rejected", "reason": "OUT_OF_STOCK"}: what it says to
                             requests from now on
    POST /_partner/says      one event ({"type": "request.shipped", "request": …}): sent to the hook, signed
    POST /_partner/faults    {"500": 1, "lose_answer": 1}: so many of the next requests go wrong; lose_answer keeps the
                             request and hangs up
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import os
import re
import threading
import time
import urllib.request
from collections import Counter
from http.server import BaseHTTPRequestHandler
from typing import Any
from uuid import uuid4

try:
    from config.devstack.local_server import LocalServer
except ImportError:  # run as a script, from beside it
    from local_server import LocalServer  # type: ignore[import-not-found, no-redef]

WITHDRAWAL = re.compile(r"/requests/([0-9a-f-]{36})/withdrawal")


class Partner:
    """What the supplier knows: the requests by their key, and how it answers."""

    def __init__(self, token: str, secret: str, hook: str = ""):
        self.token, self.secret, self.hook = token, secret, hook
        self.requests: dict[str, dict[str, Any]] = {}
        self.manners: dict[str, str] = {"answer": "received"}
        self.faults: Counter[str] = Counter()
        self.lock = threading.Lock()

    def take(self, key: str, document: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """A request, once for each key; the same key with other words is refused."""
        with self.lock:
            known = self.requests.get(key)
            if known is None:
                number = f"P-{1000 + len(self.requests)}"
                known = self.requests[key] = {"document": document, "state": self.manners["answer"], "number": number}
            elif known["document"] != document:
                return 422, {"error": "this key was used for another request"}
            answer = {"status": known["state"], "reference": known["number"]}
            if known["state"] == "rejected":
                answer |= {"reason": self.manners.get("reason", "OTHER"), "message": "Sorry"}
            return (202 if known["state"] == "received" else 200), answer

    def withdraw(self, key: str) -> tuple[int, dict[str, Any]]:
        with self.lock:
            known = self.requests.get(key)
            if known is None:
                return 404, {"error": "no such request"}
            if known["state"] == "shipped":
                return 409, {"status": "shipped"}
            known["state"] = "withdrawn"
            return 200, {"status": "withdrawn"}

    def event(self, event: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
        """The body and headers of one signed webhook; what it says becomes true here."""
        known = self.requests.get(str(event.get("request")))
        if known is not None:
            known["state"] = str(event["type"]).removeprefix("request.")
        body, identity, now = json.dumps(event).encode(), f"evt_{uuid4().hex}", str(int(time.time()))
        digest = hmac.new(self.secret.encode(), f"{identity}.{now}.".encode() + body, hashlib.sha256).digest()
        signature = "v1," + base64.b64encode(digest).decode()
        return body, {"webhook-id": identity, "webhook-timestamp": now, "webhook-signature": signature}

    def say(self, event: dict[str, Any]) -> int:
        """Send it to the hook; returns what the hook answered."""
        body, headers = self.event(event)
        sent = {"Content-Type": "application/json", **headers}
        request = urllib.request.Request(self.hook, body, sent, method="POST")  # noqa: S310  (our own hook)
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return int(answer.status)


class HangUp(Exception):
    """Close the line without a word."""


class Handler(BaseHTTPRequestHandler):
    """One connection to the partner."""

    partner: Partner
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the name is the library's)
        pass

    def do_GET(self) -> None:
        if self.path == "/livez":
            self._answer(200, {"status": "ok"})
        elif self.path == "/_partner/requests":
            self._answer(200, self.partner.requests)
        elif not self._allowed():
            self._answer(401, {"error": "unknown token"})
        else:
            self._answer(200 if self.path in {"", "/"} else 404, {})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            self._post(json.loads(body or b"{}"))
        except HangUp:
            self.close_connection = True
        except (KeyError, TypeError, ValueError) as error:
            self._answer(400, {"error": f"{type(error).__name__}: {error}"})

    def _post(self, given: dict[str, Any]) -> None:
        if self.path == "/_partner/manners":
            self.partner.manners = {str(name): str(value) for name, value in given.items()}
            self._answer(200, self.partner.manners)
        elif self.path == "/_partner/faults":
            self.partner.faults.update({str(kind): int(count) for kind, count in given.items()})
            self._answer(200, dict(self.partner.faults))
        elif self.path == "/_partner/says":
            self._answer(200, {"hook": self.partner.say(given)})
        elif not self._allowed():
            self._answer(401, {"error": "unknown token"})
        elif self.path == "/requests":
            self._take(given)
        elif found := WITHDRAWAL.fullmatch(self.path):
            self._answer(*self.partner.withdraw(found.group(1)))
        else:
            self._answer(404, {})

    def _take(self, given: dict[str, Any]) -> None:
        key = self.headers.get("Idempotency-Key") or ""
        if not key or key != given.get("request"):
            self._answer(400, {"error": "the Idempotency-Key is the request's own"})
            return
        if self._fault("500"):
            self._answer(500, {})
            return
        answer = self.partner.take(key, given)
        if self._fault("lose_answer"):
            raise HangUp
        self._answer(*answer)

    def _allowed(self) -> bool:
        return hmac.compare_digest(self.headers.get("Authorization") or "", f"Bearer {self.partner.token}")

    def _fault(self, kind: str) -> bool:
        with self.partner.lock:
            if self.partner.faults[kind] > 0:
                self.partner.faults[kind] -= 1
                return True
        return False

    def _answer(self, status: int, document: Any) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class Server(LocalServer):
    """The partner on a free port of this machine, in a thread; `with Server("token", "secret") as server: …`."""

    def __init__(self, token: str, secret: str, port: int = 0, hook: str = ""):
        self.partner = Partner(token, secret, hook)
        super().__init__(Handler, port, partner=self.partner)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="A supplier that speaks Backroom's partner protocol.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--hook", default="", help="where it sends its events")
    options = parser.parse_args(arguments)
    server = Server(os.environ["PARTNER_TOKEN"], os.environ["PARTNER_SECRET"], options.port, options.hook)
    server.http.serve_forever()


if __name__ == "__main__":
    main()
