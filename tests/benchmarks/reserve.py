"""How many demands a second `reservations.hold` promises, its fact recorded.

`--option mode=hot` (one SKU everybody wants), `uniform` (one line over `--size` SKUs) or `five` (five lines over them)
measures that alone; without it, hot, three lines over all SKUs (the headline) and five lines are measured in turn.

`raw_rate` is the same statement in bare psycopg, prepared, in a transaction of its own: stock, demand, reservations,
event and related objects in one round trip, with the values built as plainly as can be. Both take turns in short
rounds, so that whatever else the machine does meets both. Durability stays as the server has it; the settings name it.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import psycopg
from django.core.management.base import CommandError
from django.db import connection, connections, transaction

from core.actors import SYSTEM
from inventory.models import Item, Location, LocationKind
from inventory.services import holding, movements, reservations
from inventory.services.movements import Move
from inventory.services.reservations import Want
from tests.benchmarks._ground import START_SECONDS, forking, gather, own_database, start

CLIENTS, SECONDS, SIZE, ROUNDS = 8, 5.0, 10_000, 3
MODES = {"hot": 1, "uniform": 1, "five": 5}  # lines of a demand


def run(options: Any) -> dict[str, Any]:
    clients, seconds = options["clients"] or CLIENTS, options["seconds"] or SECONDS
    size = options["size"] or SIZE
    mode = options["other"].get("mode", "")
    if mode not in {"", *MODES}:
        raise CommandError(f"mode is one of {', '.join(MODES)}.")
    with own_database("reserve"):
        shelf, server = _shelf(size), _server()
        about = {"clients": clients, "seconds": seconds, **server}
        if mode:
            items, lines = (1, 1) if mode == "hot" else (size, MODES[mode])
            measured = _compare(shelf.items[:items], lines, shelf, clients, seconds)
            return {
                "name": "reserve",
                **measured,
                "settings": {"mode": mode, "items": items, "lines": lines, **about},
                "deadlocks": _deadlocks(),
                "note": "demands a second",
            }
        results = {
            "hot": _compare(shelf.items[:1], 1, shelf, clients, seconds),
            "spread": _compare(shelf.items, 3, shelf, clients, seconds),
            "five_lines": _compare(shelf.items, 5, shelf, clients, seconds),
        }
        deadlocks = _deadlocks()
    return {
        "name": "reserve",
        **results["spread"],
        "settings": {"items": size, "lines": 3, **about},
        "hot": {"items": 1, "lines": 1, **results["hot"]},
        "five_lines": {"items": size, "lines": 5, **results["five_lines"]},
        "deadlocks": deadlocks,
        "note": "demands a second; the headline spreads three lines over all items",
    }


def _deadlocks() -> int:
    """What the server counted in this database, those that were tried again included."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


@dataclass
class _Shelf:
    location: int
    items: list[int]
    run: str = field(default_factory=lambda: uuid4().hex[:12])


def _compare(items: list[int], lines: int, shelf: _Shelf, clients: int, seconds: float) -> dict[str, float]:
    totals, times = {_raw: 0, _service: 0}, list[float]()
    for _ in range(ROUNDS):
        for worker in (_raw, _service):
            done, taken = _round(worker, items, lines, shelf, clients, seconds / ROUNDS)
            totals[worker] += done
            times += taken if worker is _service else []
    times.sort()
    return {
        "rate": totals[_service] / seconds,
        "raw_rate": totals[_raw] / seconds,
        "ratio": totals[_service] / max(1, totals[_raw]),
        "p50_ms": times[len(times) // 2] * 1000,
        "p95_ms": times[int(len(times) * 0.95)] * 1000,
    }


def _round(
    worker: Callable[[], Any], items: list[int], lines: int, shelf: _Shelf, clients: int, seconds: float
) -> tuple[int, list[float]]:
    """Demands met by that many processes in that time, and how long each took."""
    ready, results = forking.Barrier(clients, timeout=START_SECONDS), forking.Queue()
    processes = start(_client, (worker, items, lines, shelf, seconds, ready, results), clients)
    times = [taken for client in gather(processes, results) for taken in client]
    return len(times), times


def _client(worker: Any, items: list[int], lines: int, shelf: _Shelf, seconds: float, ready: Any, results: Any) -> None:
    chance, times = random.Random(), []
    prefix, count = f"bench:{shelf.run}:{uuid4().hex[:12]}", 0
    with worker() as hold:
        hold(f"{prefix}:warm", [(item, shelf.location, 1) for item in items[:lines]])
        ready.wait()
        until = time.perf_counter() + seconds
        while (started := time.perf_counter()) < until:
            hold(f"{prefix}:{count}", [(item, shelf.location, 1) for item in chance.sample(items, lines)])
            count += 1
            times.append(time.perf_counter() - started)
    results.put(times)
    connections.close_all()


@contextmanager
def _service() -> Iterator[Callable[..., None]]:
    def hold(uid: str, lines: list[tuple[int, int, int]]) -> None:
        held = reservations.hold(uid, [Want(str(n), *line) for n, line in enumerate(lines)], actor=SYSTEM)
        assert held.ok

    yield hold


@contextmanager
def _raw() -> Iterator[Callable[..., None]]:
    parameters = connection.get_connection_params()
    bare = {key: parameters[key] for key in ("dbname", "user", "password", "host", "port") if parameters.get(key)}
    with psycopg.connect(**bare, autocommit=True) as raw, raw.cursor() as cursor:

        def hold(uid: str, lines: list[tuple[int, int, int]]) -> None:
            columns = [list(column) for column in zip(*lines, strict=True)]
            refs = [str(n) for n in range(len(lines))]
            about = [*columns, refs, uid, "FIRM", b"x" * 32, "", "", "", "FIRM", None]
            cursor.execute(holding.HOLD, [*about, *_fact(uid, lines, refs)], prepare=True)
            assert cursor.fetchone() is not None

        yield hold


def _fact(uid: str, lines: list[tuple[int, int, int]], refs: list[str]) -> list[str]:
    """The event and its related objects, as the statement takes them."""
    told = [
        {"ref": ref, "item": item, "location": location, "quantity": quantity}
        for ref, (item, location, quantity) in zip(refs, lines, strict=True)
    ]
    event = {
        "n": 0,
        "uid": str(uuid4()),
        "type": "reservation.held",
        "occurred_at": None,
        "subject_kind": "demand",
        "subject_label": uid,
        "actor_kind": "SYSTEM",
        "actor_uid": "backroom",
        "actor_label": "Backroom",
        "data": {"kind": "FIRM", "lines": told},
    }
    touched = [("item", item) for item, *_ in lines] + [("location", lines[0][1])]
    objects = [{"n": 0, "kind": kind, "uid": str(pk), "label": "", "qualifier": kind} for kind, pk in touched]
    return [json.dumps([event]), "bench", json.dumps(objects), "[]"]


def _shelf(size: int) -> _Shelf:
    """Items with stock for every demand."""
    run = uuid4().hex[:8].upper()
    with transaction.atomic():
        location = Location.objects.create(code=f"bench-{run}", name="Bench", kind=LocationKind.WAREHOUSE)
        rows = [Item(sku=f"BENCH-{run}-{n}", name="Bench") for n in range(size)]
        items = [item.pk for item in Item.objects.bulk_create(rows, batch_size=2_000)]
        moves = [Move(item, 10_000_000, None, "opening", location.pk, "sellable") for item in items]
        for start_at in range(0, size, 2_000):
            about = {"key": f"bench:{run}:{start_at}", "cause": movements.Subject("bench", run), "actor": SYSTEM}
            movements.post(moves[start_at : start_at + 2_000], **about)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) inventory_stock, inventory_item")
    return _Shelf(location.pk, items)


def _server() -> dict[str, str]:
    names = ("server_version", "fsync", "synchronous_commit", "full_page_writes")
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(f"current_setting('{name}')" for name in names))
        return dict(zip(names, cursor.fetchone(), strict=True))
