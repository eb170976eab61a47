"""`manage.py audit_books` over many orders with their payments, refunds and charges, invariant by invariant.

`raw_rate` is reading the same tables once, by PostgreSQL alone: no proof can take less. `ledger_off` says of how many
of some orders the ledger, kept again by the code that keeps it, would have said something else than what was filled in.
"""

from __future__ import annotations

import time
from typing import Any

from django.db import connection

from config.demo import bulk
from core import audit, events
from finance.services import charges
from orders.models import Order
from tests.benchmarks._ground import own_database

SIZE = 100_000
SAMPLE = 50
SLOWEST = 12


def run(options: Any) -> dict[str, Any]:
    """`--size` orders. `--option prefix=finance.`: only invariants whose name starts so."""
    size = options["size"] or SIZE
    with own_database("audit"), events.only():
        bulk.orders(size, lambda _: None)
        raw = _read()
        findings = list(audit.audit(options["other"].get("prefix", "")))
        off = sum(charges.keep(pk) for pk in Order.objects.order_by("?").values_list("pk", flat=True)[:SAMPLE])
    times = sorted(finding.seconds for finding in findings)
    slowest = sorted(findings, key=lambda finding: -finding.seconds)[:SLOWEST]
    return {
        "name": "audit",
        "rate": size / sum(times),
        "raw_rate": size / raw,
        "ratio": raw / sum(times),
        "p50_ms": times[len(times) // 2] * 1000,
        "p95_ms": times[int(len(times) * 0.95)] * 1000,
        "seconds": sum(times),
        "settings": {
            "orders": size, "invariants": len(times), "ledger_off": off,
            "broken": sorted(finding.invariant.name for finding in findings if finding.broken),
            "slowest": {finding.invariant.name: round(finding.seconds, 2) for finding in slowest},
        },
        "note": "rates in orders a second over all invariants; the percentiles are of one invariant",
    }  # fmt: skip


def _read() -> float:
    started = time.perf_counter()
    with connection.cursor() as cursor:
        for table in bulk.TABLES:
            cursor.execute(f"SELECT count(*) FROM {table} t WHERE t IS NOT NULL")
    return time.perf_counter() - started
