"""How fast another system's view of the stock is taken: snapshots of 100 000 lines, one in a hundred of them wrong.

`rate` is lines a second, from the understood document to the compared snapshot with its differences counted; `raw_rate`
is the least any such comparison needs: the same lines copied into a table and joined with aliases and stock. `p50_ms`
and `p95_ms` are whole snapshots, to be set against a worker's time limit. `swept_ms` is deciding on all differences,
`shown_ms` the reconciliation page's figures.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.db import connection

from core.actors import SYSTEM
from core.subjects import Subject
from inventory.models import Item, Location, Stock, StockDifference
from inventory.services import differences, reconciling, snapshots, sources
from inventory.snapshots import Code, IncomingSnapshot, ReportedLine
from tests.benchmarks._ground import own_database

LINES, ROUNDS, WRONG_EVERY, STOCK = 100_000, 3, 100, 5

_RAW = """
SELECT count(*) FROM raw_lines line
JOIN inventory_item item ON item.sku = line.sku
JOIN inventory_location place ON place.code = line.place
JOIN inventory_stock stock ON stock.item_id = item.id AND stock.location_id = place.id
WHERE stock.sellable <> line.quantity
"""


def run(options: Any) -> dict[str, Any]:
    with own_database("snapshots"):
        return _measure(options["size"] or LINES)


def _measure(lines: int) -> dict[str, Any]:
    _fill(lines)
    source = sources.ensure("wms", name="WMS", kind="WMS", actor=SYSTEM)
    raw = _timed(lambda: _copy_and_join(lines))
    took = []
    for round_ in range(ROUNDS):
        incoming = IncomingSnapshot(f"round-{round_}", None, _reported(lines, round_))
        about = Subject("benchmark", str(round_))
        taken: list[Any] = []
        took.append(_timed(lambda: taken.append(snapshots.take(source, incoming, cause=about, actor=SYSTEM))))  # noqa: B023  (called at once)
        assert taken[0].snapshot.compared == lines
    swept = _timed(differences.sweep)
    shown = _timed(lambda: (reconciling.by_place(None), reconciling.trend(None)))
    took.sort()
    return {
        "name": "snapshots",
        "rate": lines / took[ROUNDS // 2],
        "raw_rate": lines / raw,
        "ratio": raw / took[ROUNDS // 2],
        "p50_ms": took[ROUNDS // 2] * 1000,
        "p95_ms": took[-1] * 1000,
        "swept_ms": swept * 1000,
        "shown_ms": shown * 1000,
        "differences": StockDifference.objects.open().count(),
        "settings": {"lines": lines, "rounds": ROUNDS, "wrong_every": WRONG_EVERY},
    }


def _fill(lines: int) -> None:
    place = Location.objects.create(code="DC", name="Warehouse", kind="WAREHOUSE")
    items = Item.objects.bulk_create([Item(sku=_sku(n), name="x") for n in range(lines)], batch_size=10_000)
    Stock.objects.bulk_create([Stock(item=item, location=place, sellable=STOCK) for item in items], batch_size=10_000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _reported(lines: int, round_: int) -> tuple[ReportedLine, ...]:
    """Other lines are wrong each round, so that no round finds the work of the one before done."""
    return tuple(
        ReportedLine((Code(_sku(n)),), "DC", "on hand", STOCK if (n + round_) % WRONG_EVERY else STOCK - 1)
        for n in range(lines)
    )


def _copy_and_join(lines: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE raw_lines (sku text, place text, quantity int)")
        with cursor.copy("COPY raw_lines FROM STDIN") as copy:
            for n in range(lines):
                copy.write_row((_sku(n), "DC", STOCK if n % WRONG_EVERY else STOCK - 1))
        cursor.execute("ANALYZE raw_lines")
        cursor.execute(_RAW)
        assert cursor.fetchone()[0] == lines // WRONG_EVERY


def _sku(number: int) -> str:
    return f"BIG-{number:06}"


def _timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
