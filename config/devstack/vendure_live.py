"""A real Vendure beside Backroom, for the live tests; no part of Backroom itself.

Its packages live in var/vendure (Node and npm are needed), its database on the embedded PostgreSQL.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from . import processes
from .places import ROOT, StackError

HOME = ROOT / "var" / "vendure"
SOURCE = Path(__file__).with_name("vendure_shop")
BEFORE = "2026-10-01"  # packages as they were then: a newer one of theirs names a version that can't be had
START_PATIENCE = 180


class Unavailable(StackError):
    """Vendure can't be had on this machine; the message says why."""


@dataclass
class Shop:
    """One Vendure serving one database on loopback."""

    environment: dict[str, str]
    port: int
    password: str
    log: Path
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, *, hook: str, secret: str) -> None:
        """Serve, telling `hook` of orders. Returns once it answers."""
        env = self.environment | {"HOOK": hook, "HOOK_SECRET": secret}
        with self.log.open("ab") as log:
            self.process = processes.start(["node", "shop.js", "serve"], log=log, env=env, cwd=HOME)
        end = time.monotonic() + START_PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            if self._answers():
                return
            time.sleep(0.5)
        self.stop()
        raise Unavailable(f"Vendure did not start:\n{processes.tail(self.log)}")

    def stop(self) -> None:
        if self.process is not None:
            processes.stop_groups([self.process.pid])
            self.process.wait()
            self.process = None

    def _answers(self) -> bool:
        try:
            return "data" in self.ask("shop-api", "{ activeChannel { code } }")[0]
        except (OSError, ValueError, http.client.HTTPException):
            return False

    def ask(
        self, api: str, query: str, variables: dict[str, Any] | None = None, session: str = ""
    ) -> tuple[dict[str, Any], str]:
        """One GraphQL call and the session it gave or goes on in."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {session}"} if session else {})
        try:
            line.request("POST", f"/{api}", json.dumps({"query": query, "variables": variables or {}}), headers)
            answer = line.getresponse()
            return json.loads(answer.read()), answer.getheader("vendure-auth-token") or session
        finally:
            line.close()


def install() -> None:
    """Have its packages in var/vendure. Raises Unavailable."""
    if not shutil.which("node") or not shutil.which("npm"):
        raise Unavailable("Vendure needs Node and npm.")
    HOME.mkdir(parents=True, exist_ok=True)
    for file in SOURCE.iterdir():
        shutil.copy(file, HOME / file.name)
    if (HOME / "node_modules" / "@vendure" / "core").is_dir():
        return
    command = ["npm", "install", f"--before={BEFORE}", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=HOME, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        words = "\n".join((done.stdout + done.stderr).strip().splitlines()[-5:])
        raise Unavailable(f"Vendure could not be installed:\n{words}")


def filled(server: str, name: str, products: str) -> Shop:
    """A shop on the empty database `name` of `server` (a DATABASE_URL), with products from a CSV; not serving yet."""
    parts = urlsplit(server)
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        port = int(line.getsockname()[1])
    password = secrets.token_urlsafe(12)
    where = parse_qs(parts.query).get("host", [parts.hostname or "127.0.0.1"])[0]
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "TMPDIR") if key in os.environ}
    environment = kept | {
        "PORT": str(port),
        "ADMIN_PASSWORD": password,
        "DB_HOST": unquote(where),
        "DB_PORT": str(parts.port or parse_qs(parts.query).get("port", ["5432"])[0]),
        "DB_USER": unquote(parts.username or ""),
        "DB_PASSWORD": unquote(parts.password or ""),
        "DB_NAME": name,
    }
    (HOME / "products.csv").write_text(products)
    done = subprocess.run(
        ["node", "shop.js", "fill", str(HOME / "products.csv")],
        cwd=HOME,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        words = "\n".join((done.stdout + done.stderr).strip().splitlines()[-8:])
        raise Unavailable(f"Vendure could not be filled:\n{words}")
    return Shop(environment, port, password, HOME / f"{name}.log")
