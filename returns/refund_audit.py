"""What must always be true of refunds, as queries for the rows where it isn't."""

from __future__ import annotations

from core import audit


def register() -> None:
    audit.register(
        "returns.a_posted_refund_was_paid",
        "A refund that is paid back was paid by its instructions to the last coin, or by store credit.",
        """
        SELECT refund.id, refund.number, refund.amount, coalesce(paid.amount, 0) + coalesce(entered.amount, 0) AS paid
        FROM returns_refunddecision refund
        LEFT JOIN LATERAL (
            SELECT sum(amount) AS amount FROM orders_paymentinstruction
            WHERE cause = 'refund:' || refund.id AND status = 'DONE'
        ) paid ON true
        LEFT JOIN LATERAL (
            SELECT amount FROM orders_storecreditentry
            WHERE key = 'refund:' || refund.id AND refund.order_id IS NULL
        ) entered ON true
        WHERE refund.status = 'POSTED' AND coalesce(paid.amount, 0) + coalesce(entered.amount, 0) <> refund.amount
            AND NOT EXISTS (
                SELECT FROM orders_paymentinstruction
                WHERE cause = 'refund:' || refund.id AND status = 'CANCELLED'
            )
        """,
    )
    audit.register(
        "returns.the_lines_of_a_refund_add_up",
        "The amounts of a refund's lines are its goods.",
        """
        SELECT refund.id, refund.number, refund.goods, lines.amount
        FROM returns_refunddecision refund
        CROSS JOIN LATERAL (
            SELECT coalesce(sum((part ->> 'amount')::numeric), 0) AS amount
            FROM jsonb_array_elements(refund.lines) part
        ) lines
        WHERE lines.amount <> refund.goods
        """,
    )
