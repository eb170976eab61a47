"""A receiver of webhooks on this machine, as a partner would write one with the reference library."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook


@dataclass
class Receiver:
    """Keeps what arrives; `answers` are given in turn, then 200. An answer is a status, or a status and headers."""

    answers: list[Any] = field(default_factory=list)
    got: list[dict[str, Any]] = field(default_factory=list)
    always: Any = 200
    delay: float = 0.0

    def __enter__(self) -> Receiver:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append({"headers": dict(self.headers.items()), "body": body, "path": self.path})
                time.sleep(receiver.delay)
                said = receiver.answers.pop(0) if receiver.answers else receiver.always
                status, headers = said if isinstance(said, tuple) else (said, {})
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/hook"

    def verified(self, secret: str) -> list[dict[str, Any]]:
        """What arrived, checked by the reference library; raises where a signature is wrong."""
        return [Webhook(secret).verify(each["body"], _lower(each["headers"])) for each in self.got]

    @property
    def types(self) -> list[str]:
        return [json.loads(each["body"])["type"] for each in self.got]

    @property
    def ids(self) -> list[str]:
        return [_lower(each["headers"])["webhook-id"] for each in self.got]


def _lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
