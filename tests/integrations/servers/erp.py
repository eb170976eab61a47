"""What the local ERPs share: one book of records, faults asked for beforehand, and a line that can be hung up on.

A vendor's server says what a request means in its protocol; every request that changes something is a *write*, whose
answer may be lost after it was carried out.
"""

from __future__ import annotations

import json
import threading
from abc import abstractmethod
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from config.devstack.local_server import LocalServer
from integrations.models import Connection


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw) if self.raw else None


@dataclass(frozen=True)
class Told:
    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class No(Exception):
    """The ERP refuses: `told` is its answer."""

    def __init__(self, told: Told):
        super().__init__(told.body)
        self.told = told


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    erp: ErpServer

    def handle_one_call(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        told, lost = self.erp.hear(Asked(self.command, parts.path, query, headers, raw))
        if lost:
            self.close_connection = True
            return
        body = b"" if told.body is None else json.dumps(told.body).encode()
        self.send_response(told.status)
        for name, value in told.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = handle_one_call  # noqa: N815

    def log_message(self, *args: object) -> None:
        pass


def netted(sides: Iterable[tuple[str, Any, Any]]) -> dict[str, Decimal]:
    """Account, debit and credit of each line as one figure an account."""
    found: dict[str, Decimal] = {}
    for account, debit, credit in sides:
        found[account] = found.get(account, Decimal(0)) + Decimal(str(debit or 0)) - Decimal(str(credit or 0))
    return found


class ErpServer(LocalServer):
    """One ERP: `hear` answers a call, after the faults that were asked for."""

    key = "a-key-for-tests"
    connection: Connection  # to it, once a test has made one
    front = ""  # the address it is known by where something stands before it

    def __init__(self) -> None:
        super().__init__(Handler, erp=self)
        self.lock = threading.RLock()
        self.faults: deque[Told] = deque()  # answered instead of doing anything
        self.lose_write = 0  # the answer of the so-manieth write from now is lost; 0: none
        self.writes = 0
        self.products = {"TEE-NVY-M", "CAP", "SHIPPING", "TAX-COLLECTED", "ROUNDING", "OTHER"}
        self.accounts = {"1200", "1800", "4000", "6000"}  # of the general ledger; 1200 is what customers owe
        self.closed_until = ""  # the last day of its closed periods
        self.last = 0
        self.masters: dict[str, list[dict[str, Any]]] = {}  # by what the vendor calls the list, as it writes them

    def hear(self, asked: Asked) -> tuple[Told, bool]:
        with self.lock:
            if self.faults:
                return self.faults.popleft(), False
            try:
                told = self.answer(asked)
            except No as no:
                return no.told, False
            if not self.is_write(asked):
                return told, False
            self.writes += 1
            self.lose_write -= 1
            return told, self.lose_write == 0

    def listed(
        self, name: str, key: str, *, after: Any = None, changed: str = "", since: str = "", limit: int = 100
    ) -> list[dict[str, Any]]:
        """Master data in the order of its key, after one of them and changed since a moment, so many."""
        rows = sorted(self.masters.get(name, ()), key=lambda row: row[key])
        found = [row for row in rows if after is None or row[key] > after]
        return [row for row in found if not since or str(row[changed]) >= since][: limit or None]

    def next_id(self) -> int:
        self.last += 1
        return self.last

    @abstractmethod
    def answer(self, asked: Asked) -> Told:
        """Carry the call out. Raises No."""

    @abstractmethod
    def is_write(self, asked: Asked) -> bool:
        """Whether the call changes something that matters."""

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """What a connection to it needs beside the address."""

    @abstractmethod
    def booked(self, reference: str) -> list[dict[str, Any]]:
        """Confirmed documents under a reference: number, total as text, how many deliveries and invoices are done."""

    def adjusted(self) -> dict[str, int]:
        """Units found (above zero) and lost by the documents that count there, by SKU."""
        raise NotImplementedError

    def journals(self, reference: str) -> list[dict[str, Any]]:
        """Posted journal entries under a reference: number, and what each account's sides come to; none where it takes
        none from us."""
        return []

    @abstractmethod
    def by_hand(self, reference: str) -> None:
        """Somebody else's document under that reference."""
