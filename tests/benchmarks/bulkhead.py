"""What one dead vendor costs the others: how long facts for a quick one take to arrive, with and without it.

Facts for two vendors are recorded at one rate and brought out by the relay's own workers. In turns the first vendor
answers at once, or only after five seconds; the other's 95th percentile, from the commit to the arrival there, is
compared. Every worker process does what a worker does: it relays `outside`, and takes its turn at `slow`.
"""

from __future__ import annotations

import json
import time
from http.server import BaseHTTPRequestHandler
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import close_old_connections, transaction

from config.devstack.local_server import LocalServer
from core import actors, events, outbox, wake
from core.subjects import Subject
from integrations import http
from integrations.models import Breaker, CallSlot, Connection, Pace
from tests.benchmarks._ground import forking, own_database, start
from tests.benchmarks.pages import percentile

SECONDS, WORKERS, ROUNDS, A_SECOND, DEAD = 160.0, 3, 2, 5, 5.0
TYPE = "bench.told"


class _Vendor(BaseHTTPRequestHandler):
    """Answers after `behaviour["delay"]`, and keeps how long what arrives has been on its way."""

    behaviour: dict[str, Any]
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the name is the library's)
        pass

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["at"]
        self.behaviour["took"].append(time.time() - sent)
        time.sleep(self.behaviour["delay"])
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")


def run(options: Any) -> dict[str, Any]:
    """`--seconds` in all, `--clients` worker processes."""
    seconds, workers = options["seconds"] or SECONDS, options["clients"] or WORKERS
    settings.RELAY_WAKES, settings.OUTSIDE_SLOTS = False, workers
    alone: list[float] = []
    beside: list[float] = []
    with own_database("bulkhead"), events.only():
        one, other = {"delay": 0.0, "took": []}, {"delay": 0.0, "took": []}
        with LocalServer(_Vendor, behaviour=one) as dying, LocalServer(_Vendor, behaviour=other) as quick:
            places = {"dying": dying.url, "quick": quick.url}
            for name in places:
                Connection.objects.create(
                    code=name, name=name, kind="CARRIER", vendor="bench", rate_per_minute=60_000,
                    settings={"private_address_allowed": True},
                )  # fmt: skip
            events.subscribe(TYPE, "bench.tell", _teller(places), queue="outside")
            for _ in range(ROUNDS):
                alone += _phase(workers, seconds / ROUNDS / 2, one, other, 0.0)
                beside += _phase(workers, seconds / ROUNDS / 2, one, other, DEAD)
    healthy, sick = percentile(alone, 0.95), percentile(beside, 0.95)
    return {
        "name": "bulkhead",
        "rate": len(beside) / (seconds / 2),
        "raw_rate": len(alone) / (seconds / 2),
        "ratio": sick / healthy,
        "p50_ms": percentile(beside, 0.5),
        "p95_ms": sick,
        "alone_p50_ms": percentile(alone, 0.5),
        "alone_p95_ms": healthy,
        "settings": {
            "workers": workers, "seconds": seconds, "facts_a_second": A_SECOND, "dead_answers_after": DEAD,
            "arrived": len(alone) + len(beside),
        },
        "note": "from the record of a fact to its arrival at the quick vendor; `ratio` is the p95 with the dead one to without",
    }  # fmt: skip


def _teller(places: dict[str, str]) -> Any:
    def tell(fact: events.Fact) -> None:
        name = fact.subject.kind
        http.request(Connection.objects.get(code=name), "POST", places[name], json={"at": fact.data["at"]})

    return tell


def _phase(workers: int, seconds: float, one: dict[str, Any], other: dict[str, Any], delay: float) -> list[float]:
    """The times to the quick vendor while the dying one answers after `delay`. Each phase begins with a clean slate."""
    for model in (Pace, CallSlot, Breaker):
        model.objects.all().delete()
    cache.delete("relay-turn:slow:0")
    outbox.Delivery.objects.filter(status="PENDING").update(status="DISCARDED")
    one["delay"], one["took"], other["took"] = delay, [], []
    stop = forking.Event()
    processes = start(_worker, (stop,), workers)
    time.sleep(1.0)
    ends, n = time.monotonic() + seconds, 0
    while time.monotonic() < ends:
        with transaction.atomic():
            for name in ("dying", "quick"):
                events.record(TYPE, Subject(name, str(n), ""), actor=actors.SYSTEM, data={"at": time.time()})
        n += 1
        time.sleep(1 / A_SECOND)
    limit = time.monotonic() + 30
    while len(other["took"]) < n and time.monotonic() < limit:
        time.sleep(0.1)
    stop.set()
    for process in processes:
        process.join(timeout=20)
    if len(other["took"]) != n:
        raise RuntimeError(f"{n} facts were recorded for the quick vendor and {len(other['took'])} arrived.")
    return list(other["took"])


def _worker(stop: Any) -> None:
    """What a worker of `outside` does: its own queue as soon as something is due, and its turn at `slow`."""
    while not stop.is_set():
        close_old_connections()
        quiet = outbox.relay("outside", seconds=1.0)
        with wake.turn("slow", max(1, settings.OUTSIDE_SLOTS // 4)) as mine:
            if mine:
                outbox.dispatch("slow")
        if quiet:
            time.sleep(0.02)
