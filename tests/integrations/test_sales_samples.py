"""Public months of retail sales, fed as a till's and a web shop's. They are not part of this repository: skipped where absent."""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from core import audit
from exceptions.models import Case
from integrations.models import InboundMessage
from inventory.models import StockMovement
from orders.models import Channel, ChannelKind, Order
from tests.factories.inventory import LocationFactory
from tests.integrations.conftest import SAMPLES

MONTHS = sorted((SAMPLES / "volume").glob("uci_online_retail_*.csv.gz"))
ROWS = 60  # of a month, in the short run
pytestmark = [pytest.mark.django_db, pytest.mark.skipif(not MONTHS, reason="no public samples here")]


@pytest.fixture
def channels(db: None) -> None:
    about: dict[str, Any] = {"currency": "GBP", "time_zone": "Europe/London"}
    Channel.objects.create(code="web", name="Web", sells_from=LocationFactory(code="DC"), **about)
    Channel.objects.create(
        code="till", name="Till", kind=ChannelKind.POS, sells_from=LocationFactory(code="SHOP"), **about
    )


def feed(path: Path) -> dict[str, Any]:
    out = StringIO()
    call_command(
        "ingest",
        "sales",
        str(path),
        channel="web",
        till="till",
        make_items=True,
        json=True,
        stdout=out,
        stderr=StringIO(),
    )
    return json.loads(out.getvalue())["report"]


def lines_of(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def odd_rows(lines: list[dict[str, str]]) -> list[dict[str, str]]:
    """The beginning of a month and whatever is out of the ordinary in the rest of it."""
    strange = [
        line
        for line in lines[ROWS:]
        if not line["InvoiceNo"].isdigit() or int(line["Quantity"]) < 0 or not line["StockCode"][:5].isdigit()
    ]
    wanted = {line["InvoiceNo"] for line in lines[:ROWS]} | {line["InvoiceNo"] for line in strange[:20]}
    counts = Counter(line["InvoiceNo"] for line in lines)
    paid = [line["InvoiceNo"] for line in lines if not line["CustomerID"] and float(line["UnitPrice"]) > 0]
    wanted |= set([number for number in dict.fromkeys(paid) if number.isdigit() and counts[number] < 60][:2])
    return [line for line in lines if line["InvoiceNo"] in wanted and counts[line["InvoiceNo"]] < 60]


def broken() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # the planner knows nothing of rows this transaction wrote
    return [found.invariant.name for found in audit.audit() if found.broken]


def holds(report: dict[str, Any], lines: list[dict[str, str]]) -> None:
    """Every row is in exactly one outcome, and the sums are the file's own, counted here by other means."""
    outcomes = [report[name] for name in ("sale", "return", "adjustment", "ignored", "case")]
    assert report["adds_up"]
    assert "waiting" not in report
    assert sum(each["rows"] for each in outcomes) == report["rows"] == len(lines)
    assert sum(each["units"] for each in outcomes) == report["units"] == sum(int(line["Quantity"]) for line in lines)
    for name in ("ignored", "case"):
        reasons = report[name].get("reasons", {}).values()
        assert sum(each["rows"] for each in reasons) == report[name]["rows"]


def goods(lines: list[dict[str, str]]) -> list[dict[str, str]]:
    """Rows of articles proper, by the layout's own habit: five digits and perhaps letters."""
    return [line for line in lines if line["StockCode"][:5].isdigit()]


@pytest.mark.parametrize("month", MONTHS[-1:], ids=lambda path: path.name[18:25])
def test_every_row_of_a_months_beginning_and_of_its_oddities_is_accounted_for(channels, month: Path, tmp_path: Path):
    lines = odd_rows(lines_of(month))
    path = tmp_path / "part.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, lines[0].keys(), lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(lines)

    report = feed(path)

    holds(report, lines)
    back = [line for line in goods(lines) if line["InvoiceNo"].startswith("C")]
    assert report["return"] == {"rows": len(back), "units": sum(int(line["Quantity"]) for line in back)}
    returned = StockMovement.objects.filter(from_state="customer", to_state="awaiting_inspection")
    assert sum(returned.values_list("quantity", flat=True)) == -report["return"]["units"]
    left = StockMovement.objects.filter(to_state="customer").values_list("quantity", flat=True)
    cards = report["sale"].get("reasons", {}).get("a gift card", {"units": 0})
    assert sum(left) == report["sale"]["units"] - cards["units"]
    assert set(Order.objects.values_list("channel__code", flat=True)) == {"web", "till"}
    assert broken() == []


@pytest.mark.long
@pytest.mark.django_db(transaction=True)  # in one transaction every row ever written would still be walked over
@pytest.mark.parametrize("month", MONTHS, ids=lambda path: path.name[18:25])
def test_a_whole_month_adds_up_and_changes_nothing_the_second_time(channels, month: Path):
    lines = lines_of(month)

    report = feed(month)
    kept = InboundMessage.objects.count(), Order.objects.count(), StockMovement.objects.count(), Case.objects.count()
    again = feed(month)

    holds(report, lines)
    holds(again, lines)
    assert again["new"] == 0
    assert kept == (
        InboundMessage.objects.count(), Order.objects.count(), StockMovement.objects.count(), Case.objects.count(),
    )  # fmt: skip
    assert broken() == []
