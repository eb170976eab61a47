"""What a period's close looks at: each line is a query for the rows behind it, in one shape for screen and evidence.

A query's columns are key, kind and uid (the subject a row is about), label, detail, amount, currency, at. It is given
%(entity)s, %(main)s, %(first)s, %(last)s and %(after)s, and is ordered by key, so that a page of it costs the same at
any depth. A check that blocks keeps the period from being locked while it has rows nobody excused.
"""

# ruff: noqa: S608 (the pieces put together are constants of this page)

from __future__ import annotations

from dataclasses import dataclass

COLUMNS = ("key", "kind", "uid", "label", "detail", "amount", "currency", "at")

# The channels of an entity: its own, and for the main one those of nobody.
CHANNEL = """
(EXISTS (SELECT FROM finance_entitychannel b WHERE b.channel_id = o.channel_id AND b.entity_id = %(entity)s)
    OR %(main)s AND NOT EXISTS (SELECT FROM finance_entitychannel b WHERE b.channel_id = o.channel_id))
"""
IN_PERIOD = "p.entity_id = %(entity)s AND p.booked_on BETWEEN %(first)s AND %(last)s"
OF_PAYOUTS = "p.kind = 'FEES' AND p.cause_kind = 'settlement' AND p.status NOT IN ('REVERSED', 'DECLINED')"
POSTING = """
SELECT p.id AS key, 'posting' AS kind, p.id::text AS uid, p.reference AS label, {detail} AS detail, p.total AS amount,
    p.currency, p.prepared_at AS at
FROM finance_posting p WHERE p.entity_id = %(entity)s AND p.booked_on BETWEEN %(first)s AND %(last)s AND {where}
"""


@dataclass(frozen=True, slots=True)
class Check:
    """`owner` is the role that puts it right; `how` says how in one sentence."""

    code: str
    title: str
    owner: str
    how: str
    sql: str
    blocks: bool = True
    excusable: bool = True


CHECKS = (
    Check(
        "approval", "Postings waiting for approval", "Finance", "Approve or decline them.",
        POSTING.format(detail="p.needs", where="p.status = 'QUEUED'"), excusable=False,
    ),
    Check(
        "rejected", "Postings the ERP refused", "Finance", "Put their cause right and send them again.",
        POSTING.format(detail="p.last_error", where="p.status = 'REJECTED'"),
    ),
    Check(
        "unsent", "Postings not confirmed by the ERP", "Integration", "They go by themselves once the ERP answers.",
        POSTING.format(detail="p.waiting_for", where="p.status = 'PENDING'"),
    ),
    Check(
        "totals", "Postings whose total differs in the ERP", "Finance", "Correct it in the ERP, or excuse it.",
        POSTING.format(
            detail="'The ERP has ' || p.erp_total",
            where="p.status = 'POSTED' AND p.erp_total IS NOT NULL AND p.erp_total <> p.total",
        ),
    ),
    Check(
        "uninvoiced", "Shipments without an invoice", "Finance", "Their handler failed: see the dead deliveries.",
        f"""
        SELECT f.id AS key, 'order' AS kind, o.id::text AS uid, f.number AS label, 'Order ' || o.number AS detail,
            m.current AS amount, o.currency, f.shipped_at AS at
        FROM orders_fulfilmentorder f JOIN orders_order o ON o.id = f.order_id
            LEFT JOIN finance_ordermoney m ON m.order_id = o.id
        WHERE f.shipped_at >= %(first)s::date AND f.shipped_at < %(last)s::date + 1 AND NOT o.test AND {CHANNEL}
            AND NOT EXISTS (
                SELECT FROM finance_posting p WHERE p.order_id = o.id AND p.status NOT IN ('REVERSED', 'DECLINED')
                    AND p.kind IN ('SALES_ORDER', 'CREDIT_MEMO')
                    AND (p.cause_kind = '' OR p.cause_uid = f.id::text OR p.prepared_at >= f.shipped_at)
            )
        """,
    ),
    Check(
        "threeway", "Orders on which order, provider and ERP differ", "Finance",
        "Open the order's money: each of the three figures has its rows.",
        f"""
        SELECT t.id AS key, 'order' AS kind, o.id::text AS uid, o.number AS label,
            'Order ' || coalesce(t.ordered::text, 'none') || ', provider ' || coalesce(t.provided::text, 'none')
                || ', ERP ' || coalesce(t.posted::text, 'none') AS detail,
            coalesce(t.ordered, 0) - coalesce(t.posted, t.provided, 0) AS amount, t.currency, t.found_at AS at
        FROM finance_threeway t JOIN orders_order o ON o.id = t.order_id
        WHERE t.cleared_at IS NULL AND o.placed_at < %(last)s::date + 1 AND {CHANNEL}
        """,
    ),
    Check(
        "payouts", "Payouts with a residual", "Finance", "Match what is left of them, or write it off.",
        """
        SELECT s.id AS key, 'settlement' AS kind, s.id::text AS uid, s.provider || ' ' || s.ref AS label,
            'Payout ' || s.payout AS detail, s.residual AS amount, s.currency, s.paid_on::timestamptz AS at
        FROM finance_settlement s
        WHERE (s.entity_id = %(entity)s OR s.entity_id IS NULL AND %(main)s) AND s.residual <> 0
            AND s.paid_on BETWEEN %(first)s AND %(last)s
        """,
    ),
    Check(
        "unproven", "Payouts that only their own rows add up to", "Finance",
        "Match the bank's line with them, or state their total.",
        """
        SELECT s.id AS key, 'settlement' AS kind, s.id::text AS uid, s.provider || ' ' || s.ref AS label,
            'At the bank ' || s.banked AS detail, s.payout AS amount, s.currency, s.paid_on::timestamptz AS at
        FROM finance_settlement s
        WHERE (s.entity_id = %(entity)s OR s.entity_id IS NULL AND %(main)s) AND NOT s.stated
            AND (s.banked <> s.payout OR s.payout = 0) AND s.lines_count > 0
            AND s.state NOT IN ('pending', 'cancelled', 'failed') AND s.paid_on BETWEEN %(first)s AND %(last)s
        """,
    ),
    Check(
        "rates", "Payouts without an exchange rate", "Finance", "State the rates that their cases name.",
        """
        SELECT s.id AS key, 'settlement' AS kind, s.id::text AS uid, s.provider || ' ' || s.ref AS label,
            'Nobody stated a rate' AS detail, s.payout AS amount, s.currency, s.paid_on::timestamptz AS at
        FROM finance_settlement s
        WHERE s.unrated AND s.paid_on BETWEEN %(first)s AND %(last)s AND EXISTS (
            SELECT FROM finance_posting p WHERE p.kind = 'FEES' AND p.cause_kind = 'settlement'
                AND p.cause_uid = s.id::text AND p.entity_id = %(entity)s
        )
        """,
    ),
    Check(
        "intercompany", "Payouts that only one of two entities has booked", "Finance",
        "Its posting was declined or reversed on one side: book the other side the same way.",
        f"""
        SELECT s.id AS key, 'settlement' AS kind, s.id::text AS uid, s.provider || ' ' || s.ref AS label,
            'Owed by one, and not to the other' AS detail, t.apart AS amount, t.currency,
            s.paid_on::timestamptz AS at
        FROM (
            SELECT p.cause_uid, p.currency, sum(l.debit - l.credit) AS apart
            FROM finance_posting p JOIN finance_postingline l ON l.posting_id = p.id
            WHERE {OF_PAYOUTS} AND l.account = 'intercompany' AND p.cause_uid IN (
                SELECT p.cause_uid FROM finance_posting p WHERE {OF_PAYOUTS} AND {IN_PERIOD}
            )
            GROUP BY p.cause_uid, p.currency HAVING sum(l.debit - l.credit) <> 0
        ) t JOIN finance_settlement s ON s.id = t.cause_uid::bigint
        """,
    ),
    Check(
        "refunds", "Refunds decided and not paid", "Service", "Approve them, or see why they failed.",
        f"""
        SELECT r.id AS key, 'refund' AS kind, r.id::text AS uid, r.number AS label, lower(r.status) AS detail,
            r.amount, r.currency, r.created_at AS at
        FROM returns_refunddecision r LEFT JOIN orders_order o ON o.id = r.order_id
        WHERE r.status IN ('WAITING', 'APPROVED', 'FAILED') AND r.created_at < %(last)s::date + 1
            AND (o.id IS NULL AND %(main)s OR {CHANNEL})
        """,
    ),
    Check(
        "returns", "Returned goods received and not decided", "Warehouse", "Inspect them.",
        f"""
        SELECT l.id AS key, 'return' AS kind, r.id::text AS uid, r.number AS label, l.sku AS detail,
            l.received + l.kept - l.accepted - l.rejected AS amount, '' AS currency, r.updated_at AS at
        FROM returns_returnline l JOIN returns_returnrequest r ON r.id = l.request_id
            LEFT JOIN orders_order o ON o.id = r.order_id
        WHERE l.received > l.accepted + l.rejected - l.kept AND r.created_at < %(last)s::date + 1
            AND (o.id IS NULL AND %(main)s OR {CHANNEL})
        """,
    ),
    Check(
        "money", "Orders whose money is still open", "Finance", "Collect it, give it back, or write it off.",
        f"""
        SELECT o.id AS key, 'order' AS kind, o.id::text AS uid, o.number AS label,
            CASE WHEN m.outstanding > 0 THEN 'Owed to us' ELSE 'Owed to the buyer' END AS detail,
            m.outstanding AS amount, m.currency, o.placed_at AS at
        FROM finance_ordermoney m JOIN orders_order o ON o.id = m.order_id
        WHERE m.outstanding <> 0 AND m.captured <> 0 AND o.status IN ('COMPLETED', 'CANCELLED')
            AND o.placed_at >= %(first)s::date AND o.placed_at < %(last)s::date + 1 AND {CHANNEL}
        """,
        blocks=False,
    ),
    Check(
        "cases", "Open cases of finance", "Finance", "Resolve them, or excuse those that move no money.",
        """
        SELECT c.id AS key, 'case' AS kind, c.id::text AS uid, c.title AS label, c.summary AS detail, c.value AS amount,
            c.currency, c.opened_at AS at
        FROM exceptions_case c
        WHERE %(main)s AND c.is_open AND c.queue_id = 'finance' AND c.opened_at < %(last)s::date + 1
        """,
    ),
    Check(
        "deliveries", "Facts the books have not heard yet", "Integration", "They are delivered, or wait as dead ones.",
        """
        SELECT d.id AS key, 'delivery' AS kind, d.id::text AS uid, d.handler AS label, d.last_error AS detail,
            NULL::numeric AS amount, '' AS currency, e.occurred_at AS at
        FROM core_delivery d JOIN core_event e ON e.id = d.event_id
        WHERE %(main)s AND d.handler LIKE 'finance.%%' AND d.status IN ('PENDING', 'DEAD')
            AND e.occurred_at < %(last)s::date + 1
        """,
        excusable=False,
    ),
    Check(
        "late", "Booked late from an earlier period", "Finance", "For the eye: their own period was locked.",
        POSTING.format(detail="p.note", where="p.late_from IS NOT NULL"), blocks=False,
    ),
    Check(
        "earlier", "Earlier periods still open", "Finance", "Periods are locked one after the other.",
        """
        SELECT p.id AS key, 'period' AS kind, p.id::text AS uid, p.code AS label, 'Open' AS detail,
            NULL::numeric AS amount, '' AS currency, p.created_at AS at
        FROM finance_period p WHERE p.entity_id = %(entity)s AND p.status = 'OPEN' AND p.ends_on < %(first)s
        """,
        excusable=False,
    ),
)  # fmt: skip
BY_CODE = {check.code: check for check in CHECKS}

# The figures of a period, each of them with the rows it is the sum of.
LINES = """
SELECT l.id AS key, 'posting' AS kind, p.id::text AS uid, p.reference AS label,
    p.kind || ' ' || coalesce(nullif(p.erp_number, ''), lower(p.status)) AS detail, l.debit - l.credit AS amount,
    p.currency, p.booked_on::timestamptz AS at, l.account AS role, l.ledger
FROM finance_postingline l JOIN finance_posting p ON p.id = l.posting_id
WHERE p.entity_id = %(entity)s AND p.booked_on BETWEEN %(first)s AND %(last)s AND p.status NOT IN ('DECLINED')
"""
CHARGES = """
SELECT c.id AS key, 'order' AS kind, c.order_id::text AS uid, o.number AS label, c.label AS detail, c.amount,
    c.currency, c.occurred_at AS at, c.kind AS role, '' AS ledger
FROM finance_charge c JOIN orders_order o ON o.id = c.order_id
WHERE c.entity_id = %(entity)s AND c.booked_on BETWEEN %(first)s AND %(last)s
"""
