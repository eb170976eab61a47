"""`manage.py audit_books` over many orders, invariant by invariant: paid, refunded, charged, invoiced and settled.

`raw_rate` is reading the same tables once, by PostgreSQL alone: no proof can take less. `ledger_off` says of how many
of some orders the ledger, kept again by the code that keeps it, would have said something else than what was filled in.
"""

from __future__ import annotations

import time
from typing import Any

from django.db import connection

from config.demo import bulk
from core import audit, events
from finance.models import Settlement, SettlementFile
from finance.services import charges, entities, finding
from orders.models import Order
from tests.benchmarks._ground import own_database

SIZE = 100_000
SAMPLE = 50
SLOWEST = 12
BOOKS = (
    "core_delivery", "finance_posting", "finance_postingline", "finance_settlementline", "finance_match",
    "finance_matchside",
)  # fmt: skip


def run(options: Any) -> dict[str, Any]:
    """`--size` orders. `--option prefix=finance.`: only invariants whose name starts so."""
    size = options["size"] or SIZE
    with own_database("audit"), events.only():
        bulk.orders(size, lambda _: None)
        _books(size)
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


def _books(size: int) -> None:
    """An invoice per order, its facts delivered, and one payout that settles every payment."""
    file = SettlementFile.objects.create(provider="adyen", name="bench.csv", content=b"bench", size=5, sha256="bench")
    payout = Settlement.objects.create(
        file=file, provider="adyen", account="bench", ref="bench", currency="GBP", payout=0, lines_count=size
    )
    known = {"entity": entities.main().pk, "payout": payout.pk}
    with connection.cursor() as cursor:
        for statement in (_DELIVERIES, _INVOICES, _INVOICE_LINES, _POSTED, _SETTLED):
            cursor.execute(statement, known)
        cursor.execute("UPDATE finance_settlement SET payout = (SELECT sum(net) FROM finance_settlementline)")
        for low in range(1, size + 1, finding.STEP):
            finding.by_ids(payout.pk, low=low, high=low + finding.STEP - 1)
        for table in BOOKS:
            cursor.execute(f"VACUUM (ANALYZE) {table}")


_DELIVERIES = """
INSERT INTO core_delivery (event_id, handler, queue, lane, seq, status, attempts, next_at, last_error, created_at, finished_at)
SELECT id, handler, 'default', '', id, 'DELIVERED', 1, now(), '', now(), now()
FROM core_event, unnest(ARRAY['finance.keep_charges', 'finance.prepare_posting']) AS handler
"""
_INVOICES = """
INSERT INTO finance_posting (
    kind, key, reference, entity_id, order_id, sequence, status, version, document, currency, total, booked_on, note,
    cause_kind, cause_uid, entered_label, needs, decided_label, connection_uid, connection_name, erp_id, erp_number,
    waiting_for, attempts, last_error, failure_class, answer, prepared_at, updated_at
)
SELECT 'SALES_ORDER', 'bulk:' || id, 'B-' || number, %(entity)s, id, 1, 'PENDING', 1,
    '{"lines": [{"quantity": 1}]}', currency, total, placed_at::date, '', '', '', '', '', '', 'erp', 'ERP', '',
    '', '', 1, '', '', '{}', now(), now()
FROM orders_order
"""
_INVOICE_LINES = """
INSERT INTO finance_postingline (posting_id, position, account, ledger, about, debit, credit, note)
SELECT p.id, n, CASE n WHEN 1 THEN 'receivable' ELSE 'sales' END, '', '{}', CASE n WHEN 1 THEN p.total ELSE 0 END,
    CASE n WHEN 1 THEN 0 ELSE p.total END, ''
FROM finance_posting p, generate_series(1, 2) AS n
"""
_POSTED = "UPDATE finance_posting SET status = 'POSTED', erp_number = reference, posted_at = now()"
_SETTLED = """
INSERT INTO finance_settlementline (settlement_id, position, row, label, kind, ref, payment_ref, refund_ref, order_ref,
    shipment_ref, line_ref, sku, method, note, at, gross, fee, net, parts, presentment_currency, matched, written_off)
SELECT %(payout)s, row_number() OVER (ORDER BY id), 0, 'Settled', 'payment', 'm' || id, provider_ref, '', '', '', '', '',
    'card', '', at, amount, 0.30, amount - 0.30, '{}', '', 0, 0
FROM orders_payment WHERE kind = 'captured'
"""


def _read() -> float:
    started = time.perf_counter()
    with connection.cursor() as cursor:
        for table in (*bulk.TABLES, *BOOKS):
            cursor.execute(f"SELECT count(*) FROM {table} t WHERE t IS NOT NULL")
    return time.perf_counter() - started
