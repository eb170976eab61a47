"""The set-based part of matching: what an id settles to the cent is one statement over all lines of a payout.

Run under the lock `matches`; each statement writes matches, their sides, and through the triggers the totals.
"""

from __future__ import annotations

from django.db import connection

STEP = 20_000

# What a line is -> the payments it may be, and the column of its id: a refund has its own.
KEYS = (
    ("payment", ("payment",), "captured", "payment_ref"),
    ("refund", ("refund",), "refunded", "refund_ref"),
    ("payment", ("chargeback",), "disputed", "refund_ref"),
    ("payment", ("chargeback",), "disputed", "payment_ref"),
)


def by_ids(settlement_id: int, *, low: int, high: int) -> int:
    """Confirm what is exact by the provider's own ids among the lines at these positions; returns how many."""
    total = 0
    with connection.cursor() as cursor:
        cursor.execute(_BY_KEY)
        cursor.execute(_KINDS, [settlement_id, low, high])
        there = {kind for (kind,) in cursor.fetchall()}
        for key, kinds, payment_kind, column in KEYS:
            if not there.intersection(kinds):
                continue
            cursor.execute(
                _BY_ID.format(column=column),
                {
                    "settlement": settlement_id, "low": low, "high": high, "kinds": list(kinds),
                    "payment": payment_kind,
                    "key": key, "sign": 1 if payment_kind == "captured" else -1,
                },
            )  # fmt: skip
            total += cursor.rowcount
    return total


# Each line looks its payment up by its key: a plan made for empty tables would read all of them for every piece. And a
# bitmap of one row costs more than the row. Until the transaction ends.
_BY_KEY = """
SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off;
SET LOCAL enable_bitmapscan = off
"""
_KINDS = "SELECT DISTINCT kind FROM finance_settlementline WHERE settlement_id = %s AND position BETWEEN %s AND %s"
# A payment that several lines claim, or a line that several payments could be, is left to the finer search.
_BY_ID = """
WITH wanted AS MATERIALIZED (
    SELECT l.id, l.gross, l.{column} AS ref, l.presentment_amount, l.presentment_currency, s.currency
    FROM finance_settlementline l JOIN finance_settlement s ON s.id = l.settlement_id
    WHERE l.settlement_id = %(settlement)s AND l.position BETWEEN %(low)s AND %(high)s AND l.kind = ANY(%(kinds)s)
        AND l.matched = 0 AND l.written_off = 0 AND sign(l.gross) = %(sign)s AND l.{column} <> ''
), claimed AS (
    SELECT w.id AS line_id, w.gross, p.id AS payment_id, p.order_id, p.amount * %(sign)s AS booked,
        count(*) OVER (PARTITION BY w.id) AS payments, count(*) OVER (PARTITION BY p.id) AS lines
    FROM wanted w JOIN orders_payment p ON p.provider_ref = w.ref AND p.kind = %(payment)s AND p.amount > 0
    WHERE (p.amount = abs(w.gross) AND p.currency = w.currency)
        OR (p.amount = abs(w.presentment_amount) AND p.currency = w.presentment_currency)
), found AS MATERIALIZED (
    SELECT c.*, nextval((SELECT pg_get_serial_sequence('finance_match', 'id'))::regclass) AS match_id FROM claimed c
    WHERE payments = 1 AND lines = 1
        AND NOT EXISTS (SELECT FROM finance_matchside m WHERE m.payment_id = c.payment_id AND m.live)
), matches AS (
    INSERT INTO finance_match (id, settlement_id, status, key, shape, difference, evidence, actor_label, actor_uid, at)
    SELECT match_id, %(settlement)s, 'CONFIRMED', %(key)s, '1:1', 0, '{{}}', '', '', statement_timestamp() FROM found
)
INSERT INTO finance_matchside (match_id, line_id, payment_id, charge_id, order_id, amount, written_off, booked, live)
SELECT match_id, line_id, payment_id, NULL, order_id, gross, 0, booked, true FROM found
"""
