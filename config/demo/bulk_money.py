"""The money of the bulk orders: what was paid and given back, and the ledger as the books would have written it."""

from __future__ import annotations

TABLES = ("orders_payment", "orders_refund", "finance_charge", "finance_ordermoney")

# The orders of this batch with what they are worth; one in ten was sent back, and its goods are refunded.
_THESE = """
WITH these AS (
    SELECT o.*, l.id AS line, n, n %% 10 = 0 AS back
    FROM generate_series(%(first)s, %(last)s) AS n
    JOIN orders_order o ON o.channel_id = %(channel)s AND o.channel_ref = 'bulk-' || n
    JOIN orders_orderline l ON l.order_id = o.id
)
"""
_PAYMENTS = (
    _THESE
    + """
INSERT INTO orders_payment (order_id, provider_ref, kind, amount, currency, at, gateway, parent_ref, recorded_at)
SELECT id, 'bulk-paid-' || n, 'captured', total, currency, placed_at, 'card', '', now() FROM these
UNION ALL
SELECT id, 'bulk-back-' || n, 'refunded', subtotal, currency, placed_at + interval '9 days', 'card', 'bulk-paid-' || n,
    now()
FROM these WHERE back
"""
)
_REFUNDS = (
    _THESE
    + """
INSERT INTO orders_refund (order_id, ref, at, currency, amount, shipping_amount, lines, note, recorded_at)
SELECT id, 'bulk-' || n, placed_at + interval '9 days', currency, subtotal, 0, jsonb_build_array(jsonb_build_object(
    'line_ref', '1', 'quantity', 1, 'restock', 'none', 'amount', subtotal::text, 'tax', tax_total::text
)), '', now()
FROM these WHERE back
"""
)
_CHARGES = (
    _THESE
    + """
INSERT INTO finance_charge (
    order_id, line_id, entity_id, kind, side, amount, currency, presentment_amount, presentment_currency, tax_included,
    collected_by, funded_by, provider_ref, refund_ref, shipment_ref, label, occurred_at, booked_on, key, note, recorded_at
)
SELECT t.id, each_one.line, %(entity)s, each_one.kind, 'buyer', each_one.amount, t.currency, each_one.amount, t.currency, each_one.kind = 'tax',
    CASE WHEN each_one.kind = 'tax' THEN 'merchant' ELSE '' END, '', '', each_one.refund, '', '', each_one.at, each_one.at::date,
    each_one.slot || '#0', '', now()
FROM these t, LATERAL (VALUES
    ('sale', t.line, t.subtotal - t.tax_total, 'sale:' || t.line, '', t.placed_at, true),
    ('tax', t.line, t.tax_total, 'tax:' || t.line, '', t.placed_at, true),
    ('shipping', NULL, t.shipping_total, 'shipping', '', t.placed_at, t.shipping_total <> 0),
    ('refund', t.line, -t.subtotal, 'refund:bulk-' || t.n || ':' || t.line, 'bulk-' || t.n,
        t.placed_at + interval '9 days', t.back)
) AS each_one(kind, line, amount, slot, refund, at, stands)
WHERE stands
"""
)
_MONEY = (
    _THESE
    + """
INSERT INTO finance_ordermoney (
    order_id, currency, total, credited, current, captured, refunded, disputed, paid, outstanding, fees,
    presentment_currency, presentment_current, updated_at
)
SELECT id, currency, total, given, total - given, total, given, 0, total - given, 0, 0, currency, total - given, now()
FROM these, LATERAL (SELECT CASE WHEN back THEN subtotal ELSE 0 END AS given) AS refunds
"""
)
STATEMENTS = (_PAYMENTS, _REFUNDS, _CHARGES, _MONEY)
