"""How many new orders a second `POST /api/v1/orders` takes in, end to end over HTTP.

Each order has two lines and goes through everything: key, idempotency, strict JSON, validation, the order and its
lines, sourcing, reservation, facts, the outbox, commit with fsync as the server has it. granian serves it with two
workers on a loopback port; eight clients keep their connections open.

`raw_rate` is a bare psycopg function with the same SQL effects, row for row and transaction for transaction, by
prepared statements on eight connections. `control_rate` is what most teams would write (tests/benchmarks/control):
DRF serializers and the ORM behind the same server. The three take turns, so that whatever else the machine does meets
all of them. It all happens in a database made for the run.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import connection, transaction

from core.actors import SYSTEM
from core.models import Delivery, IdempotencyKey
from integrations.models import ApiClient
from inventory.models import Item, Location, LocationKind
from inventory.services import movements
from orders.models import Channel, Order
from tests.benchmarks._ground import forking, gather, own_database, start
from tests.benchmarks._raw_intake import RawIntake

CLIENTS, SECONDS, SIZE, ROUNDS, WORKERS = 8, 12.0, 2_000, 3, 2


def run(options: Any) -> dict[str, Any]:
    with own_database("intake"):
        return _measure(options)


def _measure(options: Any) -> dict[str, Any]:
    clients, seconds = options["clients"] or CLIENTS, options["seconds"] or SECONDS
    shop = _Shop.open(options["size"] or SIZE)
    server = _Server()
    try:
        server.wait()
        ways = {
            "rate": lambda s: _over_http(server.port, "/api/v1/orders", shop, clients, s),
            "raw_rate": lambda s: _in_sql(shop, clients, s),
            "control_rate": lambda s: _over_http(server.port, "/control/orders", shop, clients, s),
        }
        times = {name: list[float]() for name in ways}
        for way in ways.values():
            way(1.0)  # warm: connections, plans, caches
        for _ in range(ROUNDS):
            for name, way in ways.items():
                times[name] += way(seconds / ROUNDS)
    finally:
        server.stop()
    _check(shop)
    rates = {name: len(taken) / seconds for name, taken in times.items()}
    ours = sorted(times["rate"])
    return {
        "name": "intake",
        **rates,
        "ratio": rates["rate"] / rates["raw_rate"],
        "times_control": rates["rate"] / rates["control_rate"],
        "p50_ms": ours[len(ours) // 2] * 1000,
        "p95_ms": ours[int(len(ours) * 0.95)] * 1000,
        "settings": {
            "clients": clients, "seconds": seconds, "items": shop.size, "nodes": 3, "lines": 2, "workers": WORKERS,
            **_server_settings(),
        },
        "note": "new orders a second",
    }  # fmt: skip


# --- What is sold


@dataclass
class _Shop:
    channel: Channel
    client: ApiClient
    key: str
    items: list[Item]
    size: int
    run: str = field(default_factory=lambda: uuid4().hex[:10])

    @classmethod
    def open(cls, size: int) -> _Shop:
        name = f"bench-{uuid4().hex[:8]}"
        channel = Channel.objects.create(code=name, name=name, currency="GBP")
        client, key = ApiClient.issue(name, scopes=["orders:write"])
        ApiClient.objects.filter(pk=client.pk).update(rate_per_minute=10_000_000)
        items = Item.objects.bulk_create(Item(sku=f"{name}-{n}".upper(), name=name) for n in range(size))
        for n in range(3):
            place = Location.objects.create(
                code=f"{name}-{n}", name=name, kind=LocationKind.WAREHOUSE, country="GB", lat=51 + n, lon=-n, priority=n
            )
            moves = [movements.Move(item.pk, 1_000_000, None, "opening", place.pk, "sellable") for item in items]
            with transaction.atomic():
                movements.post(moves, key=f"{name}-{n}", cause=_cause(place), actor=SYSTEM)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE inventory_stock, inventory_item, inventory_location, orders_channel")
        return cls(channel, client, key, items, size)

    def order(self, n: int) -> dict[str, Any]:
        first, second = random.sample(self.items, 2)
        return {
            "channel": self.channel.code,
            "channel_ref": f"{self.run}-{os.getpid()}-{n}",
            "placed_at": "2026-03-02T09:30:00Z",
            "currency": "GBP",
            "total": "34.97",
            "version": 1,
            "payment_state": "paid",
            "ship_to": {
                "name": "Nadia Osei", "line1": "4 Park Row", "city": "Leeds", "postal_code": "LS1 5HD", "country": "GB",
                "latitude": 53.8, "longitude": -1.55,
            },
            "lines": [
                {"ref": "1", "sku": first.sku, "title": "Lamp", "quantity": 1, "unit_price": "14.99"},
                {"ref": "2", "sku": second.sku, "title": "Bulb", "quantity": 2, "unit_price": "9.99"},
            ],
        }  # fmt: skip


def _cause(place: Location) -> Any:
    from core.subjects import Subject

    return Subject("location", str(place.pk), place.code)


# --- Over HTTP


class _Server:
    """granian with the portal and the control behind it, on a port of its own."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        program = Path(sys.executable).with_name("granian")
        command = [
            str(program), "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(self.port), "--no-ws",
            "--workers", str(WORKERS), "--blocking-threads", "4", "config.wsgi:application",
        ]  # fmt: skip
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.benchmarks.control.settings",
            "DATABASE_URL": _database_url(),
            "LOG_LEVEL": "WARNING",
        }
        self.process = subprocess.Popen(
            command, env=environment, cwd=settings.BASE_DIR, stdout=subprocess.DEVNULL, start_new_session=True
        )

    def wait(self) -> None:
        for _ in range(300):
            if self.process.poll() is not None:
                raise RuntimeError("granian did not start")
            try:
                link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                link.request("GET", "/livez")
                link.getresponse().read()
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("granian does not answer")

    def stop(self) -> None:
        try:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(10)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def _database_url() -> str:
    """The database this process is on, which under test is not the one of the environment."""
    from urllib.parse import urlsplit, urlunsplit

    given = urlsplit(os.environ["DATABASE_URL"])
    return urlunsplit(given._replace(path=f"/{connection.settings_dict['NAME']}"))


def _over_http(port: int, path: str, shop: _Shop, clients: int, seconds: float) -> list[float]:
    return _race(lambda until, done: _customer(port, path, shop, until, done), clients, seconds)


def _customer(port: int, path: str, shop: _Shop, until: float, done: list[float]) -> None:
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Authorization": f"Bearer {shop.key}", "Content-Type": "application/json"}
    while True:
        ref = uuid4().hex
        sent = json.dumps(shop.order(0) | {"channel_ref": ref})
        started = time.perf_counter()
        if started >= until:
            return
        link.request("POST", path, sent, headers | {"Idempotency-Key": ref})
        answer = link.getresponse()
        said = answer.read()
        if answer.status != 201:
            raise RuntimeError(f"{answer.status}: {said[:500]!r}")
        done.append(time.perf_counter() - started)


# --- In SQL


def _in_sql(shop: _Shop, clients: int, seconds: float) -> list[float]:
    return _race(lambda until, done: _writer(shop, until, done), clients, seconds)


def _writer(shop: _Shop, until: float, done: list[float]) -> None:
    parameters = connection.get_connection_params()
    raw = RawIntake(parameters, shop.channel.pk, shop.channel.code, shop.client.pk)
    while True:
        order = shop.order(0) | {"channel_ref": uuid4().hex}
        started = time.perf_counter()
        if started >= until:
            break
        raw.place(order)
        done.append(time.perf_counter() - started)
    raw.close()


# --- Common


def _race(work: Callable[[float, list[float]], None], clients: int, seconds: float) -> list[float]:
    """Two processes of threads: enough to keep the others busy, and the same for every way."""
    results = forking.Queue()
    until = time.perf_counter() + 0.3 + seconds
    processes = [
        process
        for share in (clients // 2 + clients % 2, clients // 2)
        for process in start(_crowd, (work, share, until, results), 1 if share else 0)
    ]
    return [taken for times in gather(processes, results) for taken in times]


def _crowd(work: Callable[[float, list[float]], None], clients: int, until: float, results: Any) -> None:
    done: list[list[float]] = [[] for _ in range(clients)]
    broken: list[str] = []

    def one(mine: list[float]) -> None:
        try:
            work(until, mine)
        except BaseException as error:
            broken.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=one, args=(mine,)) for mine in done]
    time.sleep(0.3 - min(0.3, max(0.0, time.perf_counter() - until)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.put(broken[0] if broken else [taken for mine in done for taken in mine])


def _check(shop: _Shop) -> None:
    """What was measured did happen, whichever way it came."""
    orders = Order.objects.filter(channel=shop.channel)
    made = orders.count()
    if orders.exclude(status="ACCEPTED").exists():
        raise RuntimeError("some orders found no stock")
    owed = Delivery.objects.filter(handler="orders.release", event__subject_kind="order").count()
    keys = IdempotencyKey.objects.filter(client=f"CLIENT:{shop.client.pk}", status="DONE").count()
    if keys < made or owed < made:
        raise RuntimeError(f"{made} orders, {keys} keys, {owed} deliveries")


def _server_settings() -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit')"
        )
        version, fsync, commit = cursor.fetchone()
    return {"postgresql": version, "fsync": fsync, "synchronous_commit": commit}
