"""What must always be true of the money, as queries for the rows that break it."""

from __future__ import annotations

from core import audit
from finance import book_audit


def register() -> None:
    audit.register(
        "finance.postings_balance",
        "The lines of a posting have equal debits and credits, and owe what the document says",
        """
        SELECT p.id, p.reference, p.total, sum(l.debit) AS debits, sum(l.credit) AS credits
        FROM finance_posting p LEFT JOIN finance_postingline l ON l.posting_id = p.id
        GROUP BY p.id
        HAVING coalesce(sum(l.debit), 0) <> coalesce(sum(l.credit), 0)
            OR p.kind IN ('SALES_ORDER', 'CREDIT_MEMO', 'RETURN_MEMO')
                AND coalesce(sum(l.debit - l.credit) FILTER (WHERE l.account = 'receivable'), 0) <> p.total
        """,
    )
    audit.register(
        "finance.posted_has_a_number",
        "A posted document has the ERP's number, and no two have the same one",
        """
        SELECT id, reference, status, connection_uid, erp_number FROM (
            SELECT *, count(*) OVER (PARTITION BY connection_uid, kind, erp_number) AS same
            FROM finance_posting WHERE status IN ('POSTED', 'REVERSED')
        ) posted
        WHERE erp_number = '' OR same > 1
        """,
    )
    audit.register(
        "finance.shipped_orders_are_posted",
        "Every unit of a completed order that we shipped is in exactly one sales posting, once the handler has run",
        """
        WITH complete AS (
            SELECT o.id, o.number, sum(l.fulfilled) AS units
            FROM orders_order o JOIN orders_orderline l ON l.order_id = o.id
            WHERE NOT o.test
            GROUP BY o.id
            HAVING sum(l.open + l.allocated + l.backordered) = 0 AND sum(l.shipped_here) > 0
        ), posted AS (
            SELECT p.order_id, sum((line ->> 'quantity')::bigint) AS units
            FROM finance_posting p CROSS JOIN LATERAL jsonb_array_elements(p.document -> 'lines') line
            WHERE p.kind IN ('SALES_ORDER', 'CREDIT_MEMO') AND p.status NOT IN ('REVERSED', 'DECLINED')
            GROUP BY p.order_id
        )
        SELECT complete.id, complete.number, complete.units AS left_us, posted.units AS posted
        FROM complete LEFT JOIN posted ON posted.order_id = complete.id
        WHERE complete.units IS DISTINCT FROM posted.units
            AND NOT EXISTS (
                SELECT FROM core_delivery d JOIN core_event e ON e.id = d.event_id
                WHERE d.handler = 'finance.prepare_posting' AND d.status IN ('PENDING', 'DEAD')
                    AND e.subject_kind = 'order' AND e.subject_uid = complete.id::text
            )
        """,
    )
    book_audit.register()
