# ruff: noqa: S608 (the pieces put together are constants of this page)
"""What must always be true of the ledger: it adds up to the order, to the payments and to what was invoiced.

Everything is one pass over each table, so that a million orders take minutes. An order whose news the ledger hasn't
heard yet (its delivery is on its way, or is somebody's case) is not held against it.
"""

from __future__ import annotations

from core import audit

# The smallest coin of a currency, as core.formats has it.
COIN = """
CASE WHEN {currency} IN ('BIF','CLP','DJF','GNF','ISK','JPY','KMF','KRW','PYG','RWF','UGX','UYI','VND','VUV','XAF',
    'XOF','XPF') THEN 1 WHEN {currency} IN ('BHD','IQD','JOD','KWD','LYD','OMR','TND') THEN 0.001 ELSE 0.01 END
"""
HEARD = """
NOT EXISTS (
    SELECT FROM core_event e JOIN core_delivery d ON d.event_id = e.id
    WHERE e.subject_kind = 'order' AND e.subject_uid = {order}::text AND d.status IN ('PENDING', 'DEAD')
        AND d.handler IN ('finance.keep_charges', 'finance.prepare_posting', 'finance.correct_posting',
            'finance.invoice_shipment')
)
"""
CREDIT = "split_part(key, ':', 1) IN ('cut', 'uncut', 'refund', 'chargeback') OR key LIKE 'cut#%'"


def register() -> None:
    audit.register(
        "finance.charges_add_up_to_the_order",
        "What an order's charges say was ordered is the total the channel stated, to the smallest coin",
        f"""
        SELECT o.id, o.number, o.total, c.ordered, o.currency
        FROM (
            SELECT order_id, sum(amount) AS ordered FROM finance_charge
            WHERE side = 'buyer' AND NOT ({CREDIT}) GROUP BY order_id
        ) c JOIN orders_order o ON o.id = c.order_id
        WHERE o.total IS NOT NULL AND abs(o.total - c.ordered) >= {COIN.format(currency="o.currency")}
            AND NOT EXISTS (
                SELECT FROM orders_orderline l
                WHERE l.order_id = o.id AND l.agreed_units IS NOT NULL AND l.ordered > l.source_quantity
            )
            AND {HEARD.format(order="o.id")}
        """,
    )
    audit.register(
        "finance.every_order_has_its_charges",
        "An order worth something that the ledger has heard of has charges, or nothing of it is to be paid",
        f"""
        SELECT o.id, o.number, o.total FROM orders_order o LEFT JOIN finance_ordermoney m ON m.order_id = o.id
        WHERE NOT o.test AND m.order_id IS NULL
            AND EXISTS (
                SELECT FROM core_event e JOIN core_delivery d ON d.event_id = e.id
                WHERE e.subject_kind = 'order' AND e.subject_uid = o.id::text AND d.handler = 'finance.keep_charges'
                    AND d.status = 'DELIVERED'
            )
            AND {HEARD.format(order="o.id")}
        """,
    )
    audit.register(
        "finance.money_is_the_charges",
        "What an order is worth now, in both currencies, is the sum of its charges; what was kept of it is its fees",
        """
        SELECT m.order_id, m.current, c.current AS charged, m.presentment_current, c.presentment, m.fees, c.fees AS kept
        FROM finance_ordermoney m LEFT JOIN (
            SELECT order_id, sum(amount) FILTER (WHERE side = 'buyer') AS current,
                sum(presentment_amount) FILTER (WHERE side = 'buyer') AS presentment,
                -sum(amount) FILTER (WHERE side = 'provider' AND kept.currency = own.currency) AS fees
            FROM finance_charge kept JOIN finance_ordermoney own USING (order_id) GROUP BY order_id
        ) c ON c.order_id = m.order_id
        WHERE m.current <> coalesce(c.current, 0) OR m.presentment_current <> coalesce(c.presentment, 0)
            OR m.fees <> coalesce(c.fees, 0)
        """,
    )
    audit.register(
        "finance.money_is_the_payments",
        "What was captured, refunded and taken back of an order is the sum of its payments",
        f"""
        SELECT m.order_id, m.captured, p.captured AS paid_in, m.refunded, p.refunded AS paid_back, m.disputed, p.taken
        FROM finance_ordermoney m LEFT JOIN (
            SELECT order_id,
                sum(CASE kind WHEN 'captured' THEN amount WHEN 'capture_failed' THEN -amount ELSE 0 END) AS captured,
                sum(CASE kind WHEN 'refunded' THEN amount WHEN 'refund_failed' THEN -amount ELSE 0 END) AS refunded,
                sum(CASE kind WHEN 'chargeback' THEN amount WHEN 'reinstated' THEN -amount ELSE 0 END) AS taken,
                count(DISTINCT currency) AS currencies, min(currency) AS currency
            FROM orders_payment GROUP BY order_id
        ) p ON p.order_id = m.order_id
        WHERE coalesce(p.currencies, 1) = 1 AND coalesce(p.currency, m.currency) = m.currency
            AND (m.captured <> coalesce(p.captured, 0) OR m.refunded <> coalesce(p.refunded, 0)
                OR m.disputed <> coalesce(p.taken, 0))
            AND {HEARD.format(order="m.order_id")}
        """,
    )
    audit.register(
        "finance.refunds_are_charged",
        "Each refund the channel itemised is charged with what its lines state",
        f"""
        SELECT r.order_id, r.ref, r.stated, c.charged FROM (
            SELECT r.order_id, r.ref, sum((l ->> 'amount')::numeric
                + CASE WHEN o.tax_included THEN 0 ELSE coalesce((l ->> 'tax')::numeric, 0) END) AS stated
            FROM orders_refund r JOIN orders_order o ON o.id = r.order_id
                CROSS JOIN LATERAL jsonb_array_elements(r.lines) AS l
            WHERE r.currency = o.currency AND NOT o.test AND EXISTS (
                SELECT FROM finance_ordermoney m WHERE m.order_id = o.id
            )
            GROUP BY r.order_id, r.ref HAVING bool_and(l ->> 'amount' IS NOT NULL)
        ) r LEFT JOIN (
            SELECT order_id, refund_ref, -sum(amount) AS charged FROM finance_charge
            WHERE refund_ref <> '' AND key ~ '^(refund|uncut):' AND split_part(key, '#', 1) !~ ':(shipping|fees|rest)$'
            GROUP BY order_id, refund_ref
        ) c ON c.order_id = r.order_id AND c.refund_ref = left(r.ref, 120)
        WHERE r.stated <> coalesce(c.charged, 0) AND {HEARD.format(order="r.order_id")}
        """,
    )
    audit.register(
        "finance.invoices_are_the_charges",
        "What was invoiced of a completed order is what its charges say was ordered and not cancelled",
        f"""
        SELECT p.order_id, p.total AS posted, c.total AS charged FROM (
            SELECT order_id, sum(total) AS total FROM finance_posting
            WHERE kind IN ('SALES_ORDER', 'CREDIT_MEMO') AND status NOT IN ('REVERSED', 'DECLINED')
            GROUP BY order_id
        ) p JOIN (
            SELECT l.order_id FROM orders_orderline l GROUP BY l.order_id
            HAVING sum(l.open + l.allocated + l.backordered) = 0
        ) o ON o.order_id = p.order_id
        LEFT JOIN (
            SELECT order_id, sum(amount) AS total FROM finance_charge
            WHERE side = 'buyer' AND split_part(key, ':', 1) NOT IN ('refund', 'chargeback') GROUP BY order_id
        ) c ON c.order_id = p.order_id
        WHERE p.total <> coalesce(c.total, 0) AND {HEARD.format(order="p.order_id")}
            AND NOT EXISTS (
                SELECT FROM finance_posting other WHERE other.order_id = p.order_id AND other.status = 'REVERSED'
            )
        """,
    )
    audit.register(
        "finance.locked_periods_stay",
        "Nothing was booked into a period after it was locked",
        """
        SELECT p.id, p.code, count(*) AS later FROM finance_period p JOIN finance_charge c
            ON c.entity_id = p.entity_id AND c.booked_on BETWEEN p.starts_on AND p.ends_on
        WHERE p.status = 'LOCKED' AND c.recorded_at > p.locked_at + interval '1 minute' GROUP BY p.id, p.code
        """,
    )
