"""A large retailer's volume in one go: a million finished orders and a queue of cases, set-based. For measuring.

The orders were "fulfilled elsewhere" before they were imported, so the books still balance: nothing of them took stock.
The cases are of reasons nobody registered, so nothing clears them.
"""

from __future__ import annotations

from collections.abc import Callable

from django.db import connection

from exceptions.models import Queue
from orders.models import Channel

BATCH = 100_000

_ORDERS = """
INSERT INTO orders_order (
    number, channel_id, channel_ref, channel_number, status, version, source_version, source_digest, source_cancelled,
    stale_updates, cancel_reason, cancelled_here, placed_at, imported_at, updated_at, method, pickup_location_code,
    buyer_ref, buyer_name, buyer_email, buyer_phone, currency, tax_included, subtotal, discount_total, shipping_total,
    tax_total, other_total, total, disagreements, payment_state, note, tags, test, sourcings
)
SELECT
    'SO-' || nextval('orders_number'), %(channel)s, 'bulk-' || n, '#B' || n, 'COMPLETED', 1, n, sha256(n::text::bytea),
    false, 0, '', false, now() - n * interval '30 seconds', now(), now(), 'SHIP', '', '', 'Customer ' || n %% 70000,
    'customer' || n %% 70000 || '@example.com', '', 'GBP', true, 20 + n %% 180, 0, 0, 0, 0, 20 + n %% 180, '{}', 'paid',
    '', '{}', false, 0
FROM generate_series(%(first)s, %(last)s) AS n
"""

_LINES = """
INSERT INTO orders_orderline (
    order_id, ref, position, sku, title, requires_shipping, gift_card, ordered, open, allocated, backordered, fulfilled,
    cancelled, returned, shipped_here, cancelled_here, source_quantity, source_cancelled, source_fulfilled, unit_price,
    discount_total, tax_total
)
SELECT id, '1', 1, 'BULK-' || id %% 2000, 'Imported line', true, false, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 1, total, 0, 0
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
    reason, queue_id, severity, subject_kind, subject_uid, subject_label, title, summary, value, currency, search,
    status, started_at, opened_at, acknowledge_minutes, resolve_minutes, acknowledge_by, resolve_by
)
SELECT
    'volume.' || n %% 7, (%(queues)s::text[])[1 + n %% cardinality(%(queues)s::text[])], 1 + n %% 4, 'order',
    'volume-' || n, 'SO-9' || lpad(n::text, 7, '0'), 'Something to look at, kind ' || n %% 7, 'Made in bulk',
    10 + n %% 400, 'GBP', 'so-9' || lpad(n::text, 7, '0') || ' made in bulk', 'OPEN', now() - interval '3 days', now(), 60,
    480, now() + (n %% 20000 - 2000) * interval '1 minute', now() + (n %% 20000 - 1000) * interval '1 minute'
FROM generate_series(%(first)s, %(last)s) AS n
"""


def fill(orders: int, cases: int, say: Callable[[str], None]) -> None:
    """Add as many as are missing to `orders` and `cases`. Safe to repeat."""
    channel = Channel.objects.get_or_create(
        code="imported", defaults={"name": "Imported history", "kind": "WEBSTORE", "currency": "GBP"}
    )[0]
    queues = list(Queue.objects.order_by("pk").values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM orders_order WHERE channel_id = %s", [channel.pk])
        for first in range(cursor.fetchone()[0] + 1, orders + 1, BATCH):
            span = {"channel": channel.pk, "first": first, "last": min(first + BATCH - 1, orders)}
            cursor.execute(_ORDERS, span)
            cursor.execute(_LINES, span)
            cursor.execute(_FACTS, span)
            say(f"{span['last']:,} orders")
        cursor.execute("SELECT count(*) FROM exceptions_case WHERE subject_uid LIKE 'volume-%%'")
        for first in range(cursor.fetchone()[0] + 1, cases + 1, BATCH):
            cursor.execute(_CASES, {"queues": queues, "first": first, "last": min(first + BATCH - 1, cases)})
            say(f"{min(first + BATCH - 1, cases):,} cases")
        for table in ("orders_order", "orders_orderline", "core_event", "exceptions_case"):
            cursor.execute(f"ANALYZE {table}")
