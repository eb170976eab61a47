"""What the local servers for tests and the demo share: a free port of this machine, served from a thread."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class LocalServer:
    """`with Server(…) as server:` serves until the block ends; `server.http.serve_forever()` until the process does."""

    def __init__(self, handler: type[BaseHTTPRequestHandler], port: int = 0, **shared: Any):
        """`shared` becomes attributes of every connection's handler."""
        # Headers and body are written one after the other: without this the body waits 40 ms for the headers' receipt.
        at_once = {"disable_nagle_algorithm": True}
        bound = type(f"Bound{handler.__name__}", (handler,), {**at_once, **shared})
        self.http = ThreadingHTTPServer(("127.0.0.1", port), bound)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.http.shutdown()
        self.http.server_close()
