"""How fast the stock pages and the suggestions are out of a million rows: first page, far in, narrowed.

In one process through the whole stack but the network, one person, one page after another in turns.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client

from core import htmx
from core.models import User
from inventory.models import Item, Location, StockMovement
from inventory.rebalancing import Goal
from inventory.services import rebalancing
from tests.benchmarks._ground import own_database
from tests.benchmarks.availability import PLACES, _at, _fill

ROWS, ROUNDS = 1_000_000, 10


def run(options: Any) -> dict[str, Any]:
    with own_database("stock"):
        return _measure(options["size"] or ROWS)


def _measure(rows: int) -> dict[str, Any]:
    items = max(1_000, rows // PLACES)
    _fill(items)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE inventory_stockmovement DISABLE TRIGGER USER")
        cursor.execute(_LEDGER, [rows])
        cursor.execute("ALTER TABLE inventory_stockmovement ENABLE TRIGGER USER")
        cursor.execute(_PACES)
        cursor.execute("VACUUM ANALYZE inventory_stockmovement, inventory_pace, inventory_item")
    client = _person()
    deep = _cursor(Item, ("sku",), int(items * 0.9))
    far = _cursor(StockMovement, ("-id",), int(rows * 0.9))
    pages = {
        "stock": "/stock/",
        "stock_deep": f"/stock/?after={deep}",
        "stock_by_place": "/stock/?location=P007",
        "stock_found": "/stock/?q=BENCH-04",
        "stock_short": "/stock/?needs=out",
        "places": "/stock/places/",
        "ledger": "/stock/ledger/",
        "ledger_deep": f"/stock/ledger/?after={far}",
        "ledger_by_item": "/stock/ledger/?q=BENCH-00042",
        "ledger_by_place": "/stock/ledger/?location=P007",
        "ledger_by_state": "/stock/ledger/?state=damaged",
    }
    destination = Location.objects.values_list("pk", flat=True).get(code="P007")
    found = {name: _times(lambda path=path: _get(client, path)) for name, path in pages.items()}
    raw = _times(_bare)
    found["suggestions"] = _times(lambda: rebalancing.suggest(Goal()))
    found["suggestions_for_one"] = _times(lambda: rebalancing.suggest(Goal(), destination_id=destination))
    return {
        "name": "stock",
        "rate": 1000 / found["stock"]["p50_ms"],
        "raw_rate": 1000 / raw["p50_ms"],
        "ratio": raw["p50_ms"] / found["stock"]["p50_ms"],
        **found["stock"],
        "pages": found,
        "settings": {"stock_rows": items * PLACES, "movements": rows, "items": items, "places": PLACES,
                     "rounds": ROUNDS},
    }  # fmt: skip


def _times(work: Callable[[], object]) -> dict[str, float]:
    work()
    taken = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return {"p50_ms": round(_at(taken, 0.5), 1), "p95_ms": round(_at(taken, 0.95), 1)}


def _get(client: Client, path: str) -> None:
    answer = client.get(path)
    if answer.status_code != 200:
        raise RuntimeError(f"{path} answered {answer.status_code}: {answer.content[:300]!r}")


def _bare() -> None:
    """What the first page of /stock/ has to ask at least: fifty items and the sums of what lies of them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT item_id, sum(sellable), sum(reserved) FROM inventory_stock WHERE item_id IN"
            " (SELECT id FROM inventory_item ORDER BY sku LIMIT 50) GROUP BY item_id"
        )
        cursor.fetchall()


def _cursor(model: Any, order: tuple[str, ...], depth: int) -> str:
    fields = [name.lstrip("-") for name in order]
    row = model.objects.order_by(*order).values(*fields)[depth]
    return htmx._make_cursor(row, order, depth)


def _person() -> Client:
    user = User.objects.create_user("bench.stock@example.com", name="Bench Stock")
    user.user_permissions.set(Permission.objects.filter(codename__in=("view_item", "view_stock")))
    client = Client()
    client.force_login(user)
    return client


# Facts without their balances: this measures reading, and nothing else is done in this database.
_LEDGER = """
INSERT INTO inventory_stockmovement (
    key, line, cause_kind, cause_uid, cause_label, actor_kind, actor_uid, actor_label, note, occurred_at, recorded_at,
    item_id, quantity, from_location_id, from_state, to_location_id, to_state, reason
)
SELECT 'bench:' || n, 0, 'till', n::text, 'Till ' || n %% 40, 'SYSTEM', 'bench', 'Bench', '',
    now() - n * interval '10 seconds', now() - n * interval '10 seconds', stock.item_id, 1 + n %% 5, stock.location_id,
    'sellable', NULL, CASE WHEN n %% 50 = 0 THEN 'shrinkage' ELSE 'customer' END, ''
FROM (SELECT row_number() OVER () AS n, item_id, location_id FROM inventory_stock ORDER BY version LIMIT %s) stock
"""
_PACES = """
INSERT INTO inventory_pace (item_id, location_id, sold, days, worth, abc, measured_at)
SELECT item_id, location_id, (item_id * 31 + location_id * 17) % 60, 28, 0, 'C', now() FROM inventory_stock
"""
