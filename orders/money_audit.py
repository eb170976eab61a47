"""What must always be true of money that is moved, as queries for the rows where it isn't."""

from __future__ import annotations

from core import audit


def register() -> None:
    audit.register(
        "orders.refunds_never_exceed_captures",
        "What goes back of an order, done or under way, is no more than what was taken for it.",
        """
        SELECT asked.order_id, asked.currency, orders_refundable(asked.order_id, asked.currency) AS left
        FROM (
            SELECT DISTINCT order_id, currency FROM orders_paymentinstruction
            WHERE kind = 'REFUND' AND status IN ('WANTED', 'SENT')
        ) asked
        WHERE orders_refundable(asked.order_id, asked.currency) < 0
        """,
    )
    audit.register(
        "orders.what_is_done_is_among_the_payments",
        "Every instruction that was carried out stands among its order's payments, once, under its provider's number.",
        """
        SELECT told.id, told.order_id, told.kind, told.provider_ref
        FROM orders_paymentinstruction told
        LEFT JOIN orders_payment paid ON paid.order_id = told.order_id AND paid.provider_ref = told.provider_ref
            AND paid.kind = CASE told.kind
                WHEN 'REFUND' THEN 'refunded' WHEN 'CAPTURE' THEN 'captured' WHEN 'VOID' THEN 'voided'
                ELSE 'authorised' END
        WHERE told.status = 'DONE' AND paid.id IS NULL
        """,
    )
    audit.register(
        "orders.a_credit_is_the_sum_of_its_entries",
        "The balance of a store credit is the sum of its entries, and the last of them says so.",
        """
        SELECT credit.id, credit.code, credit.balance, coalesce(told.amount, 0) AS entered
        FROM orders_storecredit credit
        LEFT JOIN (
            SELECT credit_id, sum(amount) AS amount, (array_agg(balance_after ORDER BY id DESC))[1] AS last
            FROM orders_storecreditentry GROUP BY 1
        ) told ON told.credit_id = credit.id
        WHERE credit.balance <> coalesce(told.amount, 0) OR credit.balance <> coalesce(told.last, 0)
        """,
    )
