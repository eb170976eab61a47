"""What must always be true of returns before their goods are judged, as queries for the rows where it isn't."""

from __future__ import annotations

from core import audit


def register() -> None:
    audit.register(
        "returns.the_units_of_a_return_add_up",
        "Units received, kept and gone are within those asked for, and no more are judged than came or are kept",
        """
        SELECT id, request_id, quantity, received, kept, gone, accepted, rejected FROM returns_returnline
        WHERE received + kept + gone > quantity OR accepted + rejected > received + kept
        """,
    )
    audit.register(
        "returns.nothing_comes_back_twice",
        "Of an order's line no more units are back, kept or on their way back than ever left",
        """
        SELECT line.id, line.order_id, line.fulfilled, sum(back.quantity - back.gone) AS back
        FROM returns_returnline back
            JOIN returns_returnrequest rma ON rma.id = back.request_id AND rma.status <> 'DECLINED'
            JOIN orders_orderline line ON line.id = back.order_line_id
        GROUP BY line.id HAVING sum(back.quantity - back.gone) > line.fulfilled
        """,
    )
    audit.register(
        "returns.what_the_order_counts_came",
        "An order's line counts no more units as returned than its returns received",
        """
        SELECT line.id, line.order_id, line.returned, coalesce(sum(back.received), 0) AS received
        FROM orders_orderline line LEFT JOIN returns_returnline back ON back.order_line_id = line.id
        WHERE line.returned > 0
        GROUP BY line.id HAVING line.returned > coalesce(sum(back.received), 0)
        """,
    )
    audit.register(
        "returns.a_line_is_of_its_returns_order",
        "A return's lines are lines of its own order",
        """
        SELECT back.id, rma.number, rma.order_id, line.order_id AS other
        FROM returns_returnline back JOIN returns_returnrequest rma ON rma.id = back.request_id
            JOIN orders_orderline line ON line.id = back.order_line_id
        WHERE rma.order_id IS DISTINCT FROM line.order_id
        """,
    )
    audit.register(
        "returns.the_status_is_what_the_lines_say",
        "An ended return awaits nothing and has nothing left to judge; an open one does, or waits for a decision",
        """
        SELECT rma.id, rma.number, rma.status FROM returns_returnrequest rma
        WHERE rma.status IN ('COMPLETED', 'CANCELLED') AND EXISTS (
            SELECT FROM returns_returnline l WHERE l.request_id = rma.id
                AND (l.quantity > l.received + l.kept + l.gone OR l.received + l.kept > l.accepted + l.rejected
                    OR l.acceptance = 'REVIEW')
        ) OR rma.status = 'OPEN' AND rma.approved_at IS NOT NULL AND NOT EXISTS (
            SELECT FROM returns_returnline l WHERE l.request_id = rma.id
                AND (l.quantity > l.received + l.kept + l.gone OR l.received + l.kept > l.accepted + l.rejected
                    OR l.acceptance = 'REVIEW')
        )
        """,
    )
    audit.register(
        "returns.a_decision_names_its_rule",
        "Every return says which rule decided it",
        "SELECT id, number FROM returns_returnrequest WHERE rule = ''",
    )
