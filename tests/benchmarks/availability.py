"""How long one question for 100 SKUs at 200 locations takes, with a million stock rows.

Every question asks for other SKUs, on a channel with buffer rules, and gets 20 000 figures with every term, in columns
as the API and publishing take them; `rows_p50_ms` and `rows_p95_ms` are the same as a row each. The rows lie in the
worst order for it, location by location, so an item's rows are spread over the whole table. `raw_rate` is one
bare psycopg statement that reads and sums the same rows without rules or terms. `api_p50_ms` and `api_p95_ms` are the
same question through `GET /api/v1/availability` without the network: routing, key, JSON.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from typing import Any

import psycopg
from django.db import connection
from django.test import Client

from integrations.models import ApiClient
from inventory.models import BufferRule, Item, Location
from inventory.services import availability
from tests.benchmarks._ground import own_database

ITEMS, PLACES, ASKED, SECONDS = 5_000, 200, 100, 20.0


def run(options: Any) -> dict[str, Any]:
    with own_database("availability"):
        return _measure(options)


def _measure(options: Any) -> dict[str, Any]:
    items = options["size"] or ITEMS
    _fill(items)
    ids = list(Item.objects.values_list("id", flat=True))
    skus = dict(Item.objects.values_list("id", "sku"))
    seconds = options["seconds"] or SECONDS
    caller, key = ApiClient.issue("bench", scopes=["stock:read"])
    ApiClient.objects.filter(pk=caller.pk).update(rate_per_minute=1_000_000)
    http = Client(headers={"authorization": f"Bearer {key}"})

    def ours(chosen: list[int]) -> None:
        assert sum(len(each.available) for each in availability.columns(chosen, channel="web")) == ASKED * PLACES

    def rows(chosen: list[int]) -> None:
        assert len(availability.of(chosen, channel="web")) == ASKED * PLACES

    def api(chosen: list[int]) -> None:
        answer = http.get("/api/v1/availability", {"sku": [skus[pk] for pk in chosen], "channel": "web"})
        assert answer.status_code == 200, answer.content[:300]

    times: dict[str, list[float]] = {"ours": [], "rows": [], "raw": [], "api": []}
    with _Raw() as raw:
        ways: dict[str, Callable[[list[int]], None]] = {"ours": ours, "rows": rows, "raw": raw, "api": api}
        chance, until = random.Random(1), time.perf_counter() + seconds
        for way in ways.values():
            way(chance.sample(ids, ASKED))
        while time.perf_counter() < until:
            for name, way in ways.items():
                chosen = chance.sample(ids, ASKED)
                started = time.perf_counter()
                way(chosen)
                times[name].append(time.perf_counter() - started)
    return {
        "name": "availability",
        "rate": 1 / statistics.mean(times["ours"]),
        "raw_rate": 1 / statistics.mean(times["raw"]),
        "ratio": statistics.mean(times["raw"]) / statistics.mean(times["ours"]),
        "p50_ms": _at(times["ours"], 0.5),
        "p95_ms": _at(times["ours"], 0.95),
        "rows_p50_ms": _at(times["rows"], 0.5),
        "rows_p95_ms": _at(times["rows"], 0.95),
        "api_p50_ms": _at(times["api"], 0.5),
        "api_p95_ms": _at(times["api"], 0.95),
        "settings": {"stock_rows": items * PLACES, "skus": ASKED, "locations": PLACES, "asked": len(times["ours"])},
    }


def _at(taken: list[float], share: float) -> float:
    return sorted(taken)[int(len(taken) * share)] * 1000


class _Raw:
    """The same rows read and summed by one prepared statement."""

    def __enter__(self) -> Callable[[list[int]], None]:
        parameters = connection.get_connection_params()
        bare = {key: parameters[key] for key in ("dbname", "user", "password", "host", "port") if parameters.get(key)}
        self.connection = psycopg.connect(**bare, autocommit=True)

        def ask(chosen: list[int]) -> None:
            rows = self.connection.execute(
                "SELECT item_id, location_id, greatest(0, sellable - reserved) FROM inventory_stock"
                " WHERE item_id = ANY(%s)",
                [chosen],
                prepare=True,
            ).fetchall()
            assert sum(row[2] for row in rows) >= 0

        return ask

    def __exit__(self, *_: object) -> None:
        self.connection.close()


def _fill(items: int) -> None:
    """A million rows without their ledger: this measures reading, and nothing else is done in this database."""
    Location.objects.bulk_create([Location(code=f"P{n:03}", name=f"Place {n}", kind="STORE") for n in range(PLACES)])
    Item.objects.bulk_create([Item(sku=f"BENCH-{n:05}", name=f"Article {n}") for n in range(items)], batch_size=5_000)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE inventory_stock DISABLE TRIGGER USER")
        cursor.execute(
            "INSERT INTO inventory_stock (item_id, location_id, sellable, damaged, quarantined, awaiting_inspection,"
            " in_transit_in, reserved, allows_backorder, version, updated_at)"
            " SELECT i.id, l.id, (i.id * 7 + l.id * 13) %% 40 + 3, 0, 0, 0, 0, i.id %% 3, false, 0, now()"
            " FROM inventory_location l CROSS JOIN inventory_item i ORDER BY l.id, i.id",
            [],
        )
        cursor.execute("ALTER TABLE inventory_stock ENABLE TRIGGER USER")
        cursor.execute("VACUUM ANALYZE inventory_stock")
    some = list(Item.objects.order_by("id").values_list("id", flat=True)[:50])
    places = list(Location.objects.values_list("id", flat=True)[:20])
    BufferRule.objects.create(amount=1)
    BufferRule.objects.create(channel="web", measure="PERCENT", amount=10)
    BufferRule.objects.bulk_create([BufferRule(channel="web", item_id=item, amount=2) for item in some])
    BufferRule.objects.bulk_create([BufferRule(channel="web", location_id=place, amount=3) for place in places])
    BufferRule.objects.create(kind="SAFETY", amount=2)
