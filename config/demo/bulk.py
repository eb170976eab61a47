"""A large retailer's volume in one go, set-based and without services: for measuring.

The orders were "fulfilled elsewhere" before they were imported, so the books still balance: nothing of them took stock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from django.db import ProgrammingError, connection, transaction

from config.demo import bulk_money
from core.models import Site
from exceptions import reasons
from exceptions.models import Queue
from finance.services import entities
from orders.models import Channel, Order

BATCH = 100_000
TABLES = ("orders_order", "orders_orderline", "core_event", *bulk_money.TABLES)
_SITES = ("Leeds", "York", "Hull", "Bath", "Derby", "Ely", "Truro", "Wells", "Ripon", "Perth", "Utrecht", "Ghent")

_ORDERS = """
INSERT INTO orders_order (
    number, channel_id, channel_ref, channel_number, status, version, source_version, source_digest, source_cancelled,
    stale_updates, cancel_reason, cancelled_here, placed_at, imported_at, updated_at, method, pickup_location_code,
    buyer_ref, buyer_name, buyer_email, buyer_phone, currency, tax_included, subtotal, discount_total, shipping_total,
    tax_total, other_total, total, disagreements, payment_state, note, tags, test, sourcings,
    account_code, po_number, payment_terms
)
SELECT
    'SO-' || nextval('orders_number'), %(channel)s, 'bulk-' || n, '#B' || n, 'COMPLETED', 1, n, sha256(n::text::bytea),
    false, 0, '', false, now() - n * interval '30 seconds', now(), now(), 'SHIP', '', '', 'Customer ' || n %% 70000,
    'customer' || n %% 70000 || '@example.com', '', 'GBP', true, goods, 0, carriage, round(goods / 6.0, 2), 0,
    goods + carriage, '{}', CASE WHEN n %% 10 <> 0 THEN 'paid' WHEN carriage > 0 THEN 'partially_refunded'
        ELSE 'refunded' END,
    '', '{}', false, 0, '', '', ''
FROM generate_series(%(first)s, %(last)s) AS n,
    LATERAL (SELECT 20 + n %% 180 AS goods, CASE WHEN n %% 4 = 0 THEN 5 ELSE 0 END AS carriage) AS worth
"""

_LINES = """
INSERT INTO orders_orderline (
    order_id, ref, position, sku, title, requires_shipping, gift_card, ordered, open, allocated, backordered, fulfilled,
    cancelled, returned, shipped_here, cancelled_here, source_quantity, source_cancelled, source_fulfilled, unit_price,
    discount_total, tax_total
)
SELECT id, '1', 1, 'BULK-' || id %% 2000, 'Imported line', true, false, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 1, subtotal, 0,
    tax_total
FROM orders_order
WHERE channel_id = %(channel)s AND channel_ref = ANY (
    SELECT 'bulk-' || n FROM generate_series(%(first)s, %(last)s) AS n
)
"""

_FACTS = """
INSERT INTO core_event (
    uid, type, occurred_at, recorded_at, subject_kind, subject_uid, subject_label, actor_kind, actor_uid, actor_label,
    correlation_id, data
)
SELECT gen_random_uuid(), 'order.received', placed_at, now(), 'order', id::text, number, 'SYSTEM', 'backroom', 'Backroom',
    'bulk', '{}'
FROM orders_order
WHERE channel_id = %(channel)s AND channel_ref = ANY (
    SELECT 'bulk-' || n FROM generate_series(%(first)s, %(last)s) AS n
)
"""

_CASES = """
INSERT INTO exceptions_case (
    reason, queue_id, severity, subject_kind, subject_uid, subject_label, title, summary, site_id, value, currency, units, tier, data,
    search, status, waiting_on, waiting_since, owner_id, owned_since, outcome, outcome_note, resolved_at, started_at,
    opened_at, last_seen_at, occurrences, reopened, acknowledge_minutes, resolve_minutes, business_time, acknowledge_by,
    resolve_by, warn_at, promise_by, acknowledged_at, version, updated_at
)
SELECT
    r.code, r.queue, 1 + n %% 4, r.kind, 'bulk-' || n, label, r.title, said, s.id,
    CASE WHEN n %% 9 = 0 THEN 0 ELSE round((5 + (n * 7919::bigint) %% 60000 / 100.0)::numeric, 2) END,
    CASE WHEN n %% 9 = 0 THEN '' WHEN n %% 7 = 0 THEN 'EUR' ELSE 'GBP' END, n %% 40, n %% 4, '{}',
    lower(label || ' ' || r.title || ' ' || said),
    state, CASE WHEN state = 'WAITING' THEN 'customer' ELSE '' END, CASE WHEN state = 'WAITING' THEN began END,
    o.id, CASE WHEN o.id IS NOT NULL THEN began END,
    CASE WHEN state = 'RESOLVED' THEN 'cleared' ELSE '' END, '', CASE WHEN state = 'RESOLVED' THEN due END, began,
    began, began, 1 + n %% 3, 0, 60, 480, true, began + interval '1 hour', due, due - interval '1 hour',
    CASE WHEN n %% 5 = 0 THEN due + interval '2 hours' END, CASE WHEN o.id IS NOT NULL THEN began END, 1, now()
FROM (
    SELECT n, 'SO-' || (100000 + n) AS label,
        'Line ' || n %% 4 || ' of SKU JKT-' || (n * 31) %% 2000 || ' needs a person' AS said,
        CASE WHEN n %% 1000 < %(open)s THEN CASE WHEN n %% 50 = 3 THEN 'WAITING' ELSE 'OPEN' END ELSE 'RESOLVED' END AS state,
        -- Spread evenly: %(late)s seconds back from now, the rest ahead.
        now() + make_interval(secs => ((n * 48271::bigint) %% %(count)s) * %(span)s / %(count)s - %(late)s) AS due,
        now() + make_interval(secs => ((n * 48271::bigint) %% %(count)s) * %(span)s / %(count)s - %(late)s - 28800) AS began
    FROM generate_series(1, %(count)s) AS n
) AS given
JOIN unnest(%(codes)s::text[], %(queues)s::text[], %(kinds)s::text[], %(titles)s::text[])
    WITH ORDINALITY AS r(code, queue, kind, title, i) ON r.i = 1 + n %% %(reasons)s
LEFT JOIN unnest(%(sites)s::bigint[]) WITH ORDINALITY AS s(id, i) ON s.i = 1 + n %% %(places)s
LEFT JOIN unnest(%(owners)s::bigint[]) WITH ORDINALITY AS o(id, i) ON o.i = 1 + n %% %(hands)s
"""


def fill(order_count: int, case_count: int, say: Callable[[str], None]) -> None:
    """Add as many orders as are missing, and the cases unless there are some. Safe to repeat."""
    orders(order_count, say)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT FROM exceptions_case WHERE reason LIKE 'volume.%' LIMIT 1) AS some"
        )
        if not cursor.fetchone()[0]:
            cases(case_count, prefix="volume.")
            say(f"{case_count:,} cases")


def orders(count: int, say: Callable[[str], None]) -> None:
    """Bring the imported orders up to `count`: one line each, completed, paid, one in ten refunded, half a minute apart."""
    channel = Channel.objects.get_or_create(
        code="imported", defaults={"name": "Imported history", "kind": "WEBSTORE", "currency": "GBP"}
    )[0]
    known = Order.objects.filter(channel=channel).count()
    for first in range(known + 1, count + 1, BATCH):
        last = min(first + BATCH - 1, count)
        batch(channel, first, last)
        say(f"{last:,} orders")
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"VACUUM (ANALYZE) {table}")


def batch(channel: Channel, first: int, last: int) -> None:
    """The orders of these numbers with what was paid for them and what the books say of it."""
    span = {"channel": channel.pk, "first": first, "last": last, "entity": entities.of_channel(channel.pk).pk}
    with connection.cursor() as cursor:
        for statement in (_ORDERS, _LINES, _FACTS, *bulk_money.STATEMENTS):
            cursor.execute(statement, span)


@contextmanager
def _indexes_afterwards(table: str) -> Iterator[None]:
    """Drop what only makes reading fast, and build it again from the finished table: many times faster."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.relname, pg_get_indexdef(c.oid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
            WHERE i.indrelid = %s::regclass
                AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = c.oid)
            """,
            [table],
        )
        known = cursor.fetchall()
        for name, _ in known:
            cursor.execute(f'DROP INDEX "{name}"')
        # Every reference is read from the table it refers to, so asking for each row again would only take time.
        with suppress(ProgrammingError), transaction.atomic():
            cursor.execute("SET LOCAL session_replication_role = replica")  # only a superuser may
        yield
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # an index can't be built while checks are pending
        cursor.execute("SET LOCAL maintenance_work_mem = '512MB'")
        for _, definition in known:
            cursor.execute(definition)
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM (ANALYZE) {table}")


_ROOTED = """
UPDATE exceptions_case AS c SET parent_id = r.id
FROM (
    SELECT id, lead(id) OVER (ORDER BY id) AS following
    FROM (SELECT id, row_number() OVER (ORDER BY id) AS nth FROM exceptions_case WHERE is_open) AS numbered
    WHERE nth %% %(each)s = 1
) AS r
WHERE c.is_open AND c.id > r.id AND c.id < coalesce(r.following, r.id + %(each)s) AND c.id %% 2 = 0
"""


def cases(
    count: int, *, open_share: float = 1.0, owners: list[int] | None = None, prefix: str = "", rooted: int = 0
) -> None:
    """Write `count` cases, that share of them open, over every registered reason; one in 200 overdue, one in 50 paused.

    With `rooted`, every that many open cases one is a root, and half of those after it are its symptoms.

    With a `prefix` the reasons are nobody's, so no predicate clears the cases while a worker runs.
    """
    known = reasons.every()
    for code in {reason.queue for reason in known}:
        team = reasons.team(code)
        Queue.objects.get_or_create(
            code=code, defaults={"name": team.title, "icon": team.icon, "position": team.position}
        )
    for n, name in enumerate(_SITES):
        Site.objects.get_or_create(code=f"B{n:02}", defaults={"name": f"{name} store", "time_zone": "Europe/London"})
    sites = list(Site.objects.values_list("pk", flat=True))
    span = 20 * 24 * 3600
    with _indexes_afterwards("exceptions_case"), connection.cursor() as cursor:
        cursor.execute(
            _CASES,
            {
                "count": count,
                "open": round(open_share * 1000),
                "span": span,
                "late": span // 200,
                "codes": [prefix + r.code for r in known],
                "queues": [r.queue for r in known],
                "kinds": [r.subject_kind for r in known],
                "titles": [r.title for r in known],
                "reasons": len(known),
                "sites": sites,
                "places": len(sites) + 1,
                "owners": owners or [],
                "hands": 3 * len(owners or []) + 1,
            },
        )
        if rooted:
            cursor.execute(_ROOTED, {"each": rooted})
