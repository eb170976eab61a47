"""How many deliveries a second the relay brings to a handler that does nothing, lanes and fencing on.

The deliveries are many lanes, some of them deep, as after an outage. `raw_rate` is what bare psycopg needs for the
least that can be called the same effect: take a batch with SKIP LOCKED under a token, read its events, mark it done
under the token; no lanes, no handlers, no Python objects.
"""

from __future__ import annotations

import time
from contextlib import nullcontext
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import connection, connections, transaction

from core import actors, events, outbox
from core.subjects import Subject
from tests.benchmarks._ground import START_SECONDS, forking, gather, own_database, start

SIZE, CLIENTS, BATCH, ROUNDS = 60_000, 2, 500, 3
TYPE, QUEUE = "bench.happened", "bench"


def run(options: Any) -> dict[str, Any]:
    """`--size` deliveries in all, `--clients` dispatchers; `--option here=1` uses the database at hand."""
    size, clients = options["size"] or SIZE, options["clients"] or CLIENTS
    batch = int(options["other"].get("batch", BATCH))
    settings.RELAY_WAKES = False
    here = bool(options["other"].get("here"))
    home = nullcontext() if here else own_database("outbox")
    with home, events.only():
        events.subscribe(TYPE, "bench.noop", _noop, queue=QUEUE)
        raw, relay = _Side(_raw), _Side(_relay)
        for _ in range(ROUNDS):  # in turns, so that whatever else the machine does meets both
            for side in (raw, relay):
                _fill(size // ROUNDS, flushed=not here)
                side.race(clients, batch)
        left, server = _left(), _server()
    times = sorted(relay.times)
    return {
        "name": "outbox",
        "rate": relay.rate,
        "raw_rate": raw.rate,
        "ratio": relay.rate / raw.rate,
        "p50_ms": times[len(times) // 2] * 1000,
        "p95_ms": times[int(len(times) * 0.95)] * 1000,
        "settings": {"deliveries": size, "clients": clients, "batch": batch, "left_over": left, **server},
        "note": "rates in deliveries a second; the percentiles are of one batch",
    }


class _Side:
    """One way to do it, and what it achieved over all its turns."""

    def __init__(self, worker: Any):
        self.worker = worker
        self.done, self.seconds, self.times = 0, 0.0, list[float]()

    @property
    def rate(self) -> float:
        return self.done / self.seconds

    def race(self, clients: int, batch: int) -> None:
        done, seconds, times = _race(self.worker, clients, batch)
        self.done += done
        self.seconds += seconds
        self.times += times


def _noop(fact: events.Fact) -> None:
    pass


def _fill(size: int, *, flushed: bool) -> None:
    """Nine lanes in ten hold one delivery, the tenth holds twenty. `flushed`: no write of theirs is left to be paid."""
    uids = [str(n) for n in range(size)]
    for n in range(0, size, 10):
        if n // 10 % 10 == 0:
            uids[n : n + 20] = [f"deep-{n}"] * min(20, size - n)
    for first in range(0, size, 5_000):
        with transaction.atomic():
            events.record_many(
                [
                    events.EventDraft(TYPE, Subject("bench", uid), actors.SYSTEM, {"n": uid}, [(_PART, "part")])
                    for uid in uids[first : first + 5_000]
                ]
            )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) core_delivery")
        cursor.execute("ANALYZE core_event, core_eventobject")
        if flushed and _superuser():
            cursor.execute("CHECKPOINT")


_PART = Subject("part", "1")


def _race(worker: Any, clients: int, batch: int) -> tuple[int, float, list[float]]:
    """Run `worker` in that many processes until nothing is left: how many, in how long, and the times of the batches."""
    ready, go, results = forking.Barrier(clients + 1, timeout=START_SECONDS), forking.Event(), forking.Queue()
    processes = start(_client, (worker, batch, ready, go, results), clients)
    ready.wait()
    started = time.perf_counter()
    go.set()
    done, times = 0, []
    for count, taken in gather(processes, results):
        done += count
        times += taken
    return done, time.perf_counter() - started, times


def _client(worker: Any, batch: int, ready: Any, go: Any, results: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    ready.wait()
    go.wait()
    try:
        results.put(worker(batch))
    except BaseException as error:
        results.put(error)
        raise
    connections.close_all()


def _relay(batch: int) -> tuple[int, list[float]]:
    done, times = 0, []
    while True:
        started = time.perf_counter()
        tally = outbox.dispatch(QUEUE, batch=batch)
        if not tally.taken:
            return done, times
        times.append(time.perf_counter() - started)
        done += tally.delivered


def _raw(batch: int) -> tuple[int, list[float]]:
    done, times = 0, []
    connection.ensure_connection()
    raw = connection.connection
    while True:
        started = time.perf_counter()
        token = uuid4()
        taken = raw.execute(_RAW_CLAIM, (QUEUE, batch, token)).fetchall()
        if not taken:
            return done, times
        raw.execute(_RAW_DONE, ([row[0] for row in taken], token))
        times.append(time.perf_counter() - started)
        done += len(taken)


_RAW_CLAIM = """
WITH taken AS MATERIALIZED (
    SELECT id, event_id FROM core_delivery
    WHERE queue = %s AND status = 'PENDING' AND next_at <= now() AND leased_until IS NULL
    ORDER BY next_at LIMIT %s FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE core_delivery d
SET lease_token = %s, leased_until = now() + interval '60 seconds', attempts = d.attempts + 1
FROM taken JOIN core_event e ON e.id = taken.event_id
WHERE d.id = taken.id
RETURNING d.id, d.handler, e.*
"""

_RAW_DONE = """
UPDATE core_delivery SET status = 'DELIVERED', finished_at = now(), lease_token = NULL, leased_until = NULL
WHERE id = ANY(%s) AND lease_token = %s
"""


def _left() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM core_delivery WHERE queue = %s AND status = 'PENDING'", (QUEUE,))
        return cursor.fetchone()[0]


def _superuser() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('is_superuser') = 'on'")
        return cursor.fetchone()[0]


def _server() -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit')"
        )
        version, fsync, commit = cursor.fetchone()
    return {"postgresql": version, "fsync": fsync, "synchronous_commit": commit}
