"""Matching a payout of a million lines with a million charges, in pieces, beside a plain SQL join on the exact key.

`raw_rate` is that join alone: the same rows found by the same key and counted, nothing written. What is measured beyond
it is the writing: matches, their sides, the lines' and the payout's totals by trigger, the job's progress, the facts.
One line in fifty is of the kinds no id settles: by its order, off by a cent, or split over two payments. `stages` are
the seconds of each stage; `rss_mb` is how much memory the process used at its peak while matching.
"""

from __future__ import annotations

import resource
import time
from typing import Any

from django.db import connection

from core import events, jobs
from core.actors import SYSTEM
from core.models import Job
from finance.models import Settlement, SettlementFile
from finance.services import jobs as matching_jobs
from finance.services import matches
from tests.benchmarks._ground import own_database

SIZE = 1_000_000
ODD = 50


def run(options: Any) -> dict[str, Any]:
    """`--size` lines and charges. `--option odd=50`: one in so many is left to the finer search; 0 for none."""
    size = options["size"] or SIZE
    odd = int(options["other"].get("odd", ODD))
    with own_database("match"), events.only():
        settlement = _fill(size, odd)
        raw, found = _join(settlement)
        before = _memory()
        times, seconds, done, stages = _match(settlement)
        after = _memory()
        stands = _stands(settlement)
    times = sorted(times) or [seconds]
    return {
        "name": "match",
        "rate": size / seconds,
        "raw_rate": size / raw,
        "ratio": raw / seconds,
        "p50_ms": times[len(times) // 2] * 1000,
        "p95_ms": times[int(len(times) * 0.95)] * 1000,
        "seconds": seconds,
        "raw_seconds": raw,
        "times_the_join": seconds / raw,
        "stages": {name: round(spent, 2) for name, spent in stages.items()},
        "rss_mb": after,
        "rss_before_mb": before,
        "settings": {"lines": size, "charges": size, "odd": odd, "joined": found, **done, **stands},
        "note": "rates in lines a second; the percentiles are of one piece of the payout",
    }


def _fill(size: int, odd: int) -> Settlement:
    from tests.factories.orders import ChannelFactory, place

    place(channel=ChannelFactory(code="bench"), channel_ref="template")
    file = SettlementFile.objects.create(provider="adyen", name="bench.csv", content=b"bench", size=5, sha256="bench")
    found = Settlement.objects.create(
        file=file, provider="adyen", account="bench", ref="bench", currency="EUR", payout=0, lines_count=size
    )
    with connection.cursor() as cursor:
        cursor.execute(_ORDERS, [size])
        cursor.execute(_PAYMENTS, {"odd": odd, "size": size})
        cursor.execute(_LINES, {"settlement": found.pk, "size": size, "odd": odd})
        cursor.execute("UPDATE finance_settlement SET payout = (SELECT sum(net) FROM finance_settlementline)")
        for table in ("orders_order", "orders_payment", "finance_settlementline"):
            cursor.execute(f"VACUUM (ANALYZE) {table}")
    return found


# Orders are copies of the one that was placed, under names of their own.
_ORDERS = """
DO $$
DECLARE
    names text; the_values text;
BEGIN
    SELECT string_agg(quote_ident(column_name), ', '), string_agg(CASE column_name
        WHEN 'number' THEN '''B'' || n' WHEN 'channel_ref' THEN '''o'' || n' WHEN 'channel_number' THEN '''#'' || n'
        ELSE 't.' || quote_ident(column_name) END, ', ')
    INTO names, the_values
    FROM information_schema.columns
    WHERE table_schema = current_schema() AND table_name = 'orders_order' AND column_name <> 'id'
        AND is_generated = 'NEVER';
    EXECUTE format('INSERT INTO orders_order (%%s) SELECT %%s FROM orders_order t, generate_series(1, %s) n
        WHERE t.channel_ref = ''template''', names, the_values);
END
$$
"""
# Every `odd`-th is another trouble in turn: named by its order alone, a cent off, or paid in two parts.
_TROUBLE = "CASE WHEN %(odd)s = 0 OR n %% greatest(%(odd)s, 1) <> 0 THEN 0 ELSE 1 + n / greatest(%(odd)s, 1) %% 3 END"
_PAYMENTS = f"""
INSERT INTO orders_payment (order_id, provider_ref, kind, amount, currency, at, gateway, parent_ref, recorded_at)
SELECT id, CASE WHEN trouble = 1 THEN 'x' ELSE 'p' END || n || part, 'captured',
    CASE WHEN part = 'b' THEN 5 + n %% 90 WHEN trouble = 3 THEN 5 ELSE 10 + n %% 90 END, 'EUR', now(), 'card', '', now()
FROM (
    SELECT id, n, {_TROUBLE} AS trouble
    FROM (SELECT id, substr(channel_ref, 2)::int AS n FROM orders_order WHERE channel_ref ~ '^o[0-9]+$') each_one
) o, LATERAL (SELECT '' AS part UNION ALL SELECT 'b' WHERE trouble = 3) parts
"""
_LINES = f"""
INSERT INTO finance_settlementline (settlement_id, position, row, label, kind, ref, payment_ref, refund_ref, order_ref,
    shipment_ref, line_ref, sku, method, note, at, gross, fee, net, parts, presentment_currency, matched, written_off)
SELECT %(settlement)s, n, n, 'Settled', 'payment', 'm' || n, 'p' || n, '', 'o' || n, '', '', '', 'card', '', now(),
    g, 0.30, g - 0.30, '{{}}', '', 0, 0
FROM (
    SELECT n, 10 + n %% 90 + CASE WHEN {_TROUBLE} = 2 THEN 0.01 ELSE 0 END AS g FROM generate_series(1, %(size)s) n
) rows
"""


def _join(settlement: Settlement) -> tuple[float, int]:
    """The exact key alone: how long PostgreSQL takes to find the pairs."""
    started = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM finance_settlementline l JOIN orders_payment p ON p.provider_ref = l.payment_ref "
            "AND p.kind = 'captured' AND p.amount = l.gross AND p.currency = 'EUR' WHERE l.settlement_id = %s",
            [settlement.pk],
        )
        found = cursor.fetchone()[0]
    return time.perf_counter() - started, found


def _match(settlement: Settlement) -> tuple[list[float], float, dict[str, int], dict[str, float]]:
    """As the job does it, with progress shown."""
    job = jobs.start(matching_jobs.KIND, SYSTEM, {"settlement": settlement.pk}, total=settlement.lines_count)
    jobs.begin(job.pk)
    times: list[float] = []
    last = started = time.perf_counter()

    def progress(count: int) -> None:
        nonlocal last
        jobs.advance(job.pk, count)
        jobs.checkpoint(job.pk)
        times.append(time.perf_counter() - last)
        last = time.perf_counter()

    done = matches.Outcome()
    stages: dict[str, float] = {}
    while not done.over:
        stage, begun = done.stage, time.perf_counter()
        matches.match(settlement.pk, progress=progress, done=done, seconds=0)
        stages[stage] = stages.get(stage, 0.0) + time.perf_counter() - begun
    jobs.finish(job.pk)
    seconds = time.perf_counter() - started
    shown = Job.objects.values_list("done", flat=True).get(pk=job.pk)
    return times, seconds, {"confirmed": done.confirmed, "suggested": done.suggested, "progress": shown}, stages


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _stands(settlement: Settlement) -> dict[str, str]:
    settlement.refresh_from_db()
    return {"residual": str(settlement.residual), "payout": str(settlement.payout)}
