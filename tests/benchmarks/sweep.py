"""How long the sweeper needs for 100 000 clocks that have run out, each with a step of its ladder due to one person.

`raw_rate` is the same rows set as told by one bare UPDATE, in as many batches, without facts, steps or notices.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from django.db import connection, connections

from core import events
from exceptions.models import Case, EscalationPolicy, EscalationStep
from tests.benchmarks._ground import START_SECONDS, forking, gather, own_database, start

SIZE, CLIENTS, BATCH = 100_000, 2, 2_000


def run(options: Any) -> dict[str, Any]:
    """`--size` due clocks, `--clients` sweepers at once; every tenth case (`--option steps=10`) has a step due, too."""
    size, clients = options["size"] or SIZE, options["clients"] or CLIENTS
    batch, every = int(options["other"].get("batch", BATCH)), int(options["other"].get("steps", 10))
    with own_database("sweep"), events.only():
        step = _rule()
        _fill(size, every, step)
        raw, raw_times = _race(_raw, clients, batch)
        _again()
        swept, times = _race(_sweep, clients, batch)
        told = _told()
    every_time = sorted(times)
    return {
        "name": "sweep",
        "rate": size / swept,
        "raw_rate": size / raw,
        "ratio": raw / swept,
        "p50_ms": every_time[len(every_time) // 2] * 1000,
        "p95_ms": every_time[int(len(every_time) * 0.95)] * 1000,
        "seconds": swept,
        "raw_seconds": raw,
        "settings": {"clocks": size, "clients": clients, "batch": batch, **told},
        "note": "rates in clocks a second; the percentiles are of one sweeper's whole turn",
    }


def _rule() -> EscalationStep:
    from core.models import User

    duty = User.objects.create_user("duty@example.com", None, name="Duty")
    policy = EscalationPolicy.objects.create(code="bench", name="Bench")
    return EscalationStep.objects.create(policy=policy, number=1, clock="resolve", target="person", person=duty)


def _fill(size: int, every: int, step: EscalationStep) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO exceptions_queue (code, name) VALUES ('bench', 'Bench')")
        cursor.execute(_CASES, [step.policy_id, size])
        cursor.execute(_STEPS, [step.pk, every])
        cursor.execute("VACUUM (ANALYZE) exceptions_case")
        cursor.execute("VACUUM (ANALYZE) exceptions_escalation")


_CASES = """
INSERT INTO exceptions_case (
    reason, queue_id, severity, subject_kind, subject_uid, subject_label, title, summary, status, started_at,
    escalation_id, acknowledge_minutes, resolve_minutes, acknowledge_by, resolve_by, warn_at, acknowledged_at
)
SELECT 'bench.late', 'bench', 2, 'bench', n::text, 'B-' || n, 'Late', '', 'OPEN', now() - interval '1 day',
    %s, 30, 120, now() - interval '23 hours', now() - interval '1 hour' - n * interval '1 millisecond', NULL,
    now() - interval '1 day'
FROM generate_series(1, %s) AS n
"""
_STEPS = """
INSERT INTO exceptions_escalation (case_id, run, step_id, clock, due_at, held)
SELECT id, 0, %s, 'resolve', resolve_by, false FROM exceptions_case WHERE id %% %s = 0
"""


def _again() -> None:
    Case.objects.update(breached_at=None)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) exceptions_case")


def _told() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT (SELECT count(*) FROM core_event WHERE type = 'case.breached'),
                (SELECT count(*) FROM core_event WHERE type = 'case.escalated'),
                (SELECT count(*) FROM exceptions_notice)
            """
        )
        breached, escalated, notices = cursor.fetchone()
    return {"breaches": breached, "steps": escalated, "notices": notices}


def _race(worker: Any, clients: int, batch: int) -> tuple[float, list[float]]:
    """Run `worker` in that many processes at once: the seconds from start to end, and each one's own."""
    ready, go, results = forking.Barrier(clients + 1, timeout=START_SECONDS), forking.Event(), forking.Queue()
    processes = start(_client, (worker, batch, ready, go, results), clients)
    ready.wait()
    started = time.perf_counter()
    go.set()
    times = gather(processes, results)
    return time.perf_counter() - started, times


def _client(worker: Any, batch: int, ready: Any, go: Any, results: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    ready.wait()
    go.wait()
    try:
        started = time.perf_counter()
        worker(batch)
        results.put(time.perf_counter() - started)
    except BaseException as error:
        results.put(error)
        raise
    connections.close_all()


def _sweep(batch: int) -> None:
    from exceptions.services import timers

    timers.sweep(now=datetime.now(UTC), batch=batch)


def _raw(batch: int) -> None:
    connection.ensure_connection()
    raw = connection.connection
    while raw.execute(_RAW, (batch,)).rowcount:
        pass


_RAW = """
WITH due AS (
    SELECT id FROM exceptions_case WHERE next_tick <= now() ORDER BY next_tick LIMIT %s FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE exceptions_case c SET breached_at = now() FROM due WHERE due.id = c.id
"""
