"""A proxy on this machine that makes calls go wrong in the ways networks and servers do, before a local server.

    with SomeServer(…) as server, FaultProxy(server.url, seed=7) as proxy:
        connection.settings["api"] = proxy.url

Which call goes wrong and how follows from the seed. `share` of them do, until `end`; `faulted` counts what happened, by
kind:

- latency, slow_body: late, or in small pieces
- reset_before, reset_after: the line is torn (RST) before anybody heard of the call, or after it was done
- half_closed: done, half of the answer, and the line is closed on one side
- storm: answered 429 with Retry-After, and so are some calls after it
- error_before, error_after: a gateway's 500 page, before anybody heard of it or after it was done
- garbage, cut: done, answered 200 with a page that means nothing, or with half a document of the right length
"""

from __future__ import annotations

import random
import socket
import struct
import threading
import time
from collections import Counter
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from config.devstack.local_server import LocalServer

FAULTS = (
    "latency", "slow_body", "reset_before", "reset_after", "half_closed", "storm", "error_before", "error_after",
    "garbage", "cut",
)  # fmt: skip
LATE_SECONDS, PIECES, STORM_LENGTH = 0.03, 4, 3
_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host", "te", "upgrade"})
_PAGE = b"<html><title>One moment, please</title>\x00\xff\xfe</html>"


class FaultProxy(LocalServer):
    """Stands before `target`. `share` of the calls go wrong; one seed is one sequence of faults."""

    def __init__(self, target: str, *, seed: int = 0, share: float = 0.4, port: int = 0):
        self.target, self.share = target, share
        self.random = random.Random(seed)
        self.faulted: Counter[str] = Counter()
        self.calls = 0
        self._storm = 0
        self._lock = threading.Lock()
        super().__init__(_Handler, port, proxy=self)

    def end(self) -> None:
        """From now on nothing goes wrong."""
        with self._lock:
            self.share, self._storm = 0.0, 0

    def as_answered(self, body: bytes) -> bytes:
        """What comes back of an answer that was made."""
        return body

    def next_fault(self) -> str:
        """How the next call goes wrong, "" where it doesn't."""
        with self._lock:
            self.calls += 1
            if self._storm:
                self._storm -= 1
                fault = "storm"
            elif self.random.random() >= self.share:
                return ""
            else:
                fault = self.random.choice(FAULTS)
                if fault == "storm":
                    self._storm = self.random.randrange(STORM_LENGTH)
            self.faulted[fault] += 1
            return fault


class _Handler(BaseHTTPRequestHandler):
    proxy: FaultProxy
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the name is the library's)
        pass

    def _serve(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.proxy.next_fault()
        if fault == "latency":
            time.sleep(LATE_SECONDS)
        elif fault == "reset_before":
            return self._tear()
        elif fault == "storm":
            return self._answer(429, {"Retry-After": "1", "Content-Type": "text/plain"}, b"slow down")
        elif fault == "error_before":
            return self._answer(502, {"Content-Type": "text/html"}, _PAGE)
        status, headers, body = self._ask(sent)
        if fault == "reset_after":
            return self._tear()
        if fault == "error_after":
            return self._answer(504, {"Content-Type": "text/html"}, _PAGE)
        if fault == "garbage":
            return self._answer(200, {"Content-Type": "text/html"}, _PAGE)
        if fault == "cut":
            return self._answer(status, headers, body[: len(body) // 2])
        if fault == "half_closed":
            return self._answer(status, headers, body, half=True)
        return self._answer(status, headers, body, slow=fault == "slow_body")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815  (the names are the library's)

    def _ask(self, sent: bytes) -> tuple[int, dict[str, str], bytes]:
        """What the server behind says; its own address in the answer becomes ours, so that links lead through here."""
        behind = urlsplit(self.proxy.target)
        line = HTTPConnection(behind.hostname or "", behind.port, timeout=10)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
            headers["Host"] = self.headers["Host"]  # some sign it
            line.request(self.command, self.path, body=sent or None, headers=headers)
            answer = line.getresponse()
            body = self.proxy.as_answered(answer.read().replace(self.proxy.target.encode(), self.proxy.url.encode()))
            kept = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP}
            return answer.status, kept, body
        except (OSError, HTTPException):
            return 502, {"Content-Type": "text/html"}, _PAGE
        finally:
            line.close()

    def _answer(
        self, status: int, headers: dict[str, str], body: bytes, *, half: bool = False, slow: bool = False
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in {"server", "date"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if half:
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_WR)
            self.close_connection = True
            return
        step = max(1, -(-len(body) // PIECES)) if slow else max(1, len(body))
        for place in range(0, len(body), step):
            if place:
                time.sleep(LATE_SECONDS / PIECES)
            self.wfile.write(body[place : place + step])
            self.wfile.flush()

    def _tear(self) -> None:
        """Close so that the other side gets a reset, not an end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True
