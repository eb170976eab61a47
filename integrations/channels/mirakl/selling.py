"""Stock out to a marketplace on Mirakl: a file of figures (STO01) with a report of what it refused (STO03)."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from urllib.parse import quote
from uuid import uuid4

from integrations.channels import stock_feeds
from integrations.channels.mirakl.client import call
from integrations.models import Connection
from inventory.services.figures import Level
from inventory.services.publishing import Outcome

AT_ONCE = 5000
_IMPORTS = "/api/offers/stock/imports"


def set_levels(connection: Connection, levels: Sequence[Level], key: str) -> list[Outcome]:
    """Absolute figures as a file (STO01), so a repeat changes nothing; Mirakl takes no more than one a minute."""
    return stock_feeds.set_levels(connection, levels, _WAY)


def _send(connection: Connection, figures: stock_feeds.Figures) -> str:
    rows = io.StringIO()
    writer = csv.writer(rows, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(["offer-sku", "quantity", "warehouse-code", "update-delete"])
    writer.writerows([sku, units, "", ""] for sku, units in figures)
    mark = uuid4().hex
    named = 'form-data; name="file"; filename="stock.csv"'
    part = f"--{mark}\r\nContent-Disposition: {named}\r\nContent-Type: text/csv\r\n\r\n"
    content = f"{part}{rows.getvalue()}\r\n--{mark}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={mark}"}
    answer = call(connection, "POST", _IMPORTS, purpose="import stock", headers=headers, content=content)
    return str(answer.json()["import_id"])


def _refused(connection: Connection, name: str, figures: stock_feeds.Figures) -> dict[str, str] | None:
    path = f"{_IMPORTS}/{quote(name, safe='')}"
    stands = call(connection, "GET", f"{path}/status", purpose="ask how the import stands").json()
    if stands.get("status") not in {"COMPLETE", "FAILED"}:
        return None
    problems: dict[str, str] = {}
    if stands.get("has_error_report"):
        headers = {"Accept": "text/csv, application/octet-stream"}
        report = call(connection, "GET", f"{path}/error_report", purpose="read import errors", headers=headers)
        for row in csv.DictReader(io.StringIO(report.body.decode("utf-8-sig", "replace")), delimiter=";"):
            problems[str(row.get("offer-sku"))] = str(row.get("error-message") or "refused")
    if stands.get("status") == "FAILED" and not problems:
        problems = {sku: "The import of stock failed." for sku, _ in figures}
    return problems


_WAY = stock_feeds.Way(_send, _refused, pause=60.0)
