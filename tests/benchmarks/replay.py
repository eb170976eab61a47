"""Replaying a policy over past orders: how many a second, and whether memory stays where it was.

One order is sourced over a hundred nodes the usual way and written down many times over, with its lines, its decision
and where its units went; then a draft is replayed over all of them, slice by slice, as a worker does it. `raw_rate` is
the reading of the same rows alone. `grown_mb` is what the process gained between the first tenth and the end.
"""

from __future__ import annotations

import resource
import time
from datetime import timedelta
from typing import Any

from django.db import connection

from core import jobs
from core.actors import SYSTEM
from core.models import Job
from inventory.models import Item, Location
from inventory.services import movements
from orders.models import Channel, Order, SourcingDecision
from orders.services import policies, replays
from tests.benchmarks._ground import own_database
from tests.factories.orders import PLACED_AT, incoming_line, place

ORDERS, NODES = 100_000, 100
RULES = [
    {"name": "cheap", "split": True, "criteria": [{"name": "shipping_cost"}, {"name": "capacity"}, {"name": "depth"}]}
]


def run(options: Any) -> dict[str, Any]:
    with own_database("replay"):
        return _measure(options["size"] or ORDERS)


def _measure(size: int) -> dict[str, Any]:
    _write(size)
    version = policies.create("bench", "Bench", channel=None, rules=RULES, actor=SYSTEM)
    period = {"placed_from": PLACED_AT - timedelta(days=1), "placed_to": PLACED_AT + timedelta(days=300)}
    replay = replays.start(version.pk, channel=None, actor=SYSTEM, **period)
    started, marks = time.perf_counter(), []
    while not jobs.stopping(replay.job_id):
        replays.run(replay.pk, seconds=2.0)
        job = Job.objects.get(pk=replay.job_id)
        marks.append((job.done, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))
    took = time.perf_counter() - started
    if job.status != "DONE" or job.done != size:
        raise RuntimeError(f"{job.status}: {job.done} of {size}")
    tenth = next(memory for done, memory in marks if done >= size / 10)
    stopped = _stops(version.pk, period)
    return {
        "name": "replay", "rate": size / took, "raw_rate": _reading(size), "ratio": size / took / _reading(size),
        "p50_ms": took / size * 1000, "p95_ms": took / size * 1000, "grown_mb": marks[-1][1] - tenth,
        "peak_mb": marks[-1][1], "slices": len(marks), "stopped_after_s": stopped,
        "settings": {"orders": size, "nodes": NODES},
    }  # fmt: skip


def _stops(version_id: int, period: dict[str, Any]) -> float:
    """Seconds from the stop button to the end."""
    replay = replays.start(version_id, channel=None, actor=SYSTEM, **period)
    replays.run(replay.pk, seconds=0.5)
    jobs.stop(replay.job_id)
    started = time.perf_counter()
    replays.run(replay.pk)
    if Job.objects.get(pk=replay.job_id).status != "STOPPED":
        raise RuntimeError("it did not stop")
    return time.perf_counter() - started


def _reading(size: int) -> float:
    some = min(size, 2_000)
    started = time.perf_counter()
    list(SourcingDecision.objects.order_by("id").values_list("order_id", "explanation")[:some])
    list(Order.objects.order_by("id").select_related("channel")[:some])
    return some / (time.perf_counter() - started)


def _write(size: int) -> None:
    item = Item.objects.create(sku="SKU-1", name="Lamp", weight_grams=400)
    Channel.objects.create(code="webshop", name="Web", currency="GBP")
    for n in range(NODES):
        spot = Location.objects.create(
            code=f"N{n:03}", name=f"N{n}", kind="STORE", country="GB", lat=50 + n % 8, lon=-n % 5, pick_capacity_hour=60
        )
        movements.receive(item.pk, spot.pk, 40, key=f"n{n}", cause=_cause(spot), actor=SYSTEM)
    first = place(incoming_line(quantity=2))
    _copy("orders_order", size, {
        "id": "t.id + n", "number": "'C-' || n", "channel_ref": "'C-' || n",
        "placed_at": "t.placed_at + make_interval(mins => n)",
    }, first.pk)  # fmt: skip
    line = first.lines.get().pk
    _copy("orders_orderline", size, {"id": "t.id + n", "order_id": "t.order_id + n"}, line)
    decision = SourcingDecision.objects.get(order=first).pk
    _copy("orders_sourcingdecision", size, {"id": "t.id + n", "order_id": "t.order_id + n"}, decision)
    share = first.lines.get().fulfilment_lines.get().pk
    changed = {"id": "t.id + n", "order_line_id": "t.order_line_id + n", "reservation_id": "t.reservation_id + n"}
    _copy("orders_fulfilmentline", size, changed, share)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _cause(spot: Location) -> Any:
    from core.subjects import Subject

    return Subject("location", str(spot.pk), spot.code)


def _copy(table: str, size: int, changed: dict[str, str], pk: int) -> None:
    """The row again and again, but for what `changed` says of copy n."""
    with connection.cursor() as cursor:
        columns = [column.name for column in connection.introspection.get_table_description(cursor, table)]
        values = ", ".join(changed.get(name, f't."{name}"') for name in columns)
        names = ", ".join(f'"{name}"' for name in columns)
        cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT {values} FROM {table} t, generate_series(1, %s) AS n WHERE t.id = %s",
            [size - 1, pk],
        )
