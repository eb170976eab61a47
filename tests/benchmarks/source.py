"""How long it takes to find the nodes of a 5-line order among 500, with every criterion that costs anything.

Pure: from values to a plan, in CPU time of this process. Half of the orders are for articles that lie nearly everywhere,
so that one node has everything; half for articles that lie at one place in five, so that two or three nodes must share.
`rate` is plans a second, `raw_rate` those of the obvious way: rank the nodes one call at a time and try sets of them in
the order of their size. `with_data` is the same with its reading: stock, places, articles, policies, costs and hours,
from a database made for the run, on the wall clock, first with the nodes' figures kept for a moment as a worker keeps
them, then (`cold`) read anew each time. Its CPU time is this process's and, where /proc tells, the database's too.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

from django.db import connection

from inventory.models import Item, Location
from orders.services import lookups, policies, profiles
from orders.sourcing import Goods, Ladder, Node, Profile, Request, Want, document, plan
from orders.sourcing.candidates import exclusions, wanted_units
from tests.benchmarks._ground import own_database

NODES, ARTICLES, LINES, ORDERS, NAIVE = 500, 400, 5, 300, 6
NOW = 1_770_000_000.0
_Times = tuple[list[float], list[float], list[float], float]  # warm on the clock, warm in CPU, cold; nodes found
RULES = [
    {"name": "whole", "criteria": [{"name": n} for n in ("promise", "shipping_cost", "distance", "capacity", "depth")]},
    {
        "name": "split",
        "split": True,
        "criteria": [{"name": n} for n in ("promise", "shipping_cost", "distance", "capacity", "rejections", "depth")],
    },
]


def run(options: Any) -> dict[str, Any]:
    count = options["size"] or ORDERS
    luck = random.Random("source")
    ladder = document.ladder("bench", 1, RULES)
    nodes = [_node(luck, n) for n in range(NODES)]
    orders = [_order(luck, n % 2 == 0) for n in range(count)]
    for order in orders[:10]:
        plan(order, _having(nodes, order), ladder)
    # What the nodes have is made before the clock starts, order by order: keeping it for all of them would be memory
    # that no worker holds.
    took = [_cpu(partial(plan, order, _having(nodes, order), ladder)) for order in orders]
    naive = [_cpu(lambda o=order: _naive(o, _having(nodes, o), ladder)) for order in orders[:NAIVE]]
    sizes = [len({p.location_id for p in plan(o, _having(nodes, o), ladder).picks}) for o in orders]
    with own_database("source"):
        warm, cpu, cold, seen = _with_data(luck, orders, ladder)
    return {
        "name": "source",
        "rate": len(took) / sum(took),
        "raw_rate": len(naive) / sum(naive),
        "ratio": (len(took) / sum(took)) / (len(naive) / sum(naive)),
        "p50_ms": _at(took, 0.5),
        "p95_ms": _at(took, 0.95),
        "p95_whole_ms": _at([t for t, size in zip(took, sizes, strict=True) if size == 1], 0.95),
        "p95_split_ms": _at([t for t, size in zip(took, sizes, strict=True) if size > 1], 0.95),
        "with_data_cpu_p50_ms": _at(cpu, 0.5),
        "with_data_cpu_p95_ms": _at(cpu, 0.95),
        "with_data_p50_ms": _at(warm, 0.5),
        "with_data_p95_ms": _at(warm, 0.95),
        "cold_p95_ms": _at(cold, 0.95),
        "settings": {
            "nodes": NODES, "lines": LINES, "orders": count, "criteria": 6, "candidates": seen,
            "split": {str(size): sizes.count(size) for size in sorted(set(sizes))},
        },
        "note": "plans a second of CPU, one process",
    }  # fmt: skip


def _cpu(work: Callable[[], Any]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _at(times: list[float], share: float) -> float:
    return sorted(times)[int(len(times) * share)] * 1000 if times else 0.0


def _node(luck: random.Random, n: int) -> Node:
    free = {
        article: luck.randint(1, 9)
        for article in range(ARTICLES)
        if luck.random() < (0.6 if article < ARTICLES // 2 else 0.2)
    }
    profile = Profile(
        capacity=luck.choice((20, 60, 400)), waiting=luck.randint(0, 60), refusals=luck.random() / 5,
        leaves_at=NOW + luck.randint(1, 30) * 3600, days=luck.choice((1, 2)), parcel=luck.randint(3, 9),
        handling=luck.randint(1, 3),
    )  # fmt: skip
    return Node(n, f"N{n:03}", free, priority=luck.choice((10, 50, 100)), country="GB",
                latitude=50 + luck.random() * 8, longitude=-5 + luck.random() * 6, kind="STORE", profile=profile)  # fmt: skip


def _order(luck: random.Random, common: bool) -> Request:
    half = ARTICLES // 2
    articles = luck.sample(range(half) if common else range(half, ARTICLES), LINES)
    wants = tuple(Want(n, article, luck.choice((1, 1, 2))) for n, article in enumerate(articles))
    return Request(wants, country="GB", latitude=50 + luck.random() * 8, longitude=-5 + luck.random() * 6,
                   goods={a: Goods(grams=400) for a in articles}, now=NOW, promise_by=NOW + 2 * 86_400)  # fmt: skip


def _having(nodes: list[Node], order: Request) -> list[Node]:
    """As the database gives them: those with something wanted, and of their stock only that."""
    items = [want.item_id for want in order.wants]
    return [
        node._replace(free=free)
        for node in nodes
        if (free := {item: node.free[item] for item in items if item in node.free})
    ]


# --- The obvious way


def _naive(order: Request, nodes: list[Node], ladder: Ladder) -> Any:
    fit, _ = exclusions(order, nodes)
    units = wanted_units(order.wants)
    for rule in ladder.rules:
        scored = [([c.judge(order, [node])[0][0] for c in rule.criteria], node) for node in fit]
        scored.sort(key=lambda pair: ([-score for score in pair[0]], pair[1].priority, pair[1].code))
        ranked = [node for _, node in scored]
        for size in range(1, 4 if rule.split else 2):
            best = None
            for places in combinations(range(len(ranked)), size):
                if (best is None or sum(places) < sum(best)) and all(
                    sum(ranked[p].free.get(item, 0) for p in places) >= wanted for item, wanted in units.items()
                ):
                    best = places
            if best is not None:
                return best
    return None


# --- With its data


def _with_data(luck: random.Random, orders: list[Request], ladder: Ladder) -> _Times:
    Item.objects.bulk_create(Item(pk=n + 1, sku=f"A{n}", name="x", weight_grams=400) for n in range(ARTICLES))
    made = [_node(luck, n) for n in range(NODES)]
    Location.objects.bulk_create(
        Location(pk=n.location_id + 1, code=n.code, name=n.code, kind="STORE", country="GB", lat=n.latitude,
                 lon=n.longitude, priority=n.priority, pick_capacity_hour=60)
        for n in made
    )  # fmt: skip
    with connection.cursor() as cursor:
        rows = ",".join(
            f"({item + 1},{n.location_id + 1},{units},0,0,0,0,0,false,false,'NONE',0,now())"
            for n in made for item, units in n.free.items()
        )  # fmt: skip
        cursor.execute(f"""INSERT INTO inventory_stock (item_id, location_id, sellable, damaged, quarantined,
            awaiting_inspection, in_transit_in, reserved, allows_backorder, is_kit, tracking, version, updated_at)
            VALUES {rows}""")
        cursor.execute(
            """INSERT INTO orders_nodeterms (location_id, currency, cut_off, days, days_abroad, parcel, kilo,
            handling, handling_unit, version, updated_at)
            SELECT id, 'GBP', '16:00', 1, 3, 3 + id %% 7, 0.5, 1, 0.1, 1, now() FROM inventory_location""",
            [],
        )
        cursor.execute("ANALYZE")
    seen: list[int] = []
    warm = [_both(lambda o=order: _read_and_plan(o, ladder, seen)) for order in orders[: len(orders) // 2]][10:]
    cold = [_both(lambda o=order: (profiles.forget(), _read_and_plan(o, ladder, seen))) for order in orders[::4]]
    average = round(sum(seen) / len(seen), 1)
    return [wall for wall, _ in warm], [cpu for _, cpu in warm], [wall for wall, _ in cold], average


def _both(work: Callable[[], Any]) -> tuple[float, float]:
    """On the wall clock, and as CPU time here and in the database."""
    database = _database_cpu()
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return wall, cpu + _database_cpu() - database


def _database_cpu() -> float:
    """What our connection's own server process has used, in seconds; nothing where it runs elsewhere."""
    try:
        spent = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat").read_text()
    except OSError:
        return 0.0
    return int(spent.split()[0]) / 1e9


def _read_and_plan(order: Request, ladder: Ladder, seen: list[int]) -> None:
    items = [want.item_id + 1 for want in order.wants]
    policies.in_force(1)
    nodes = profiles.attach(lookups.nodes_with(items))
    lookups.goods_of(items)
    seen.append(len(nodes))
    wants = tuple(Want(want.line_id, want.item_id + 1, want.quantity) for want in order.wants)
    found = plan(Request(wants, country="GB", latitude=order.latitude, longitude=order.longitude, now=time.time(),
                         goods=order.goods), nodes, ladder)  # fmt: skip
    if not found.picks:
        raise RuntimeError("an order found no nodes")
