"""ERPs for tests: the local server that speaks Tryton's protocol, and the real thing, behind one face."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config.devstack import tryton
from integrations.erp.tryton.client import read_values
from integrations.models import Connection

PROGRAM = Path(__file__).parents[1] / "integrations" / "servers" / "tryton.py"
KEY = "a-key-for-tests"
SETTINGS = {
    "company": 1,
    "private_address_allowed": True,
    "party": "CHANNEL",
    "warehouse": "MAIN",
    "taxes": ["VAT 20%", "VAT 10%", "VAT 5%"],
}


@dataclass
class LocalErp:
    """The server of tests/integrations/servers/tryton.py in a process of its own; stop and start keep its books."""

    folder: Path
    port: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, str(PROGRAM), "--port", str(self.port), "--key", KEY]
        command += ["--state", str(self.folder / "erp.sqlite")]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.process = None

    def control(self, **asked: Any) -> list[dict[str, Any]]:
        """Ask for faults or master data; every sale there is comes back."""
        request = urllib.request.Request(f"{self.url}/control", data=json.dumps(asked).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            sales: list[dict[str, Any]] = json.load(answer)
            return sales

    def add_products(self, *skus: str) -> None:
        self.control(products=list(skus))

    def sales(self, reference: str | None = None) -> list[dict[str, Any]]:
        return [sale for sale in self.control() if reference in {None, sale["reference"]}]

    def connect(self, **settings: Any) -> Connection:
        return connection(self.url, "books", KEY, **settings)


def connection(url: str, database: str, key: str, **settings: Any) -> Connection:
    made = Connection.objects.create(
        code="erp",
        name="Tryton",
        kind=Connection.Kind.ERP,
        vendor="tryton",
        rate_per_minute=60_000,  # what an ERP bears is tested elsewhere
        settings={**SETTINGS, "url": url, "database": database, **settings},
    )
    made.keep_secret("key", key)
    return made


class Books:
    """What an ERP person would see in a real Tryton."""

    def __init__(self, running: tryton.Running):
        self.running = running

    def sales(self, reference: str) -> list[dict[str, Any]]:
        domain = urlsafe_b64encode(json.dumps([["reference", "=", reference]]).encode()).decode()
        fields = "&".join(f"f={name}" for name in ("number", "state", "total_amount", "reference", "tax_amount"))
        request = urllib.request.Request(
            f"{self.running.url}/{self.running.database}/rest/model/sale.sale?d={domain}&{fields}",
            headers={"Authorization": f"bearer {self.running.books.key}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: list[dict[str, Any]] = read_values(json.load(answer))
        return found
