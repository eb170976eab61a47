"""What orders add to process health."""

from __future__ import annotations

from core.metrics import by_sql
from core.metrics import register as figure


def register() -> None:
    """Counts stop at a hundred thousand: beyond that it doesn't matter how many."""
    figure(
        "backroom_orders_waiting_for_stock",
        "Orders with units no node has promised, counted to 100 000",
        by_sql(
            "SELECT count(*) FROM (SELECT DISTINCT order_id FROM orders_orderline"
            " WHERE open > 0 AND item_id IS NOT NULL LIMIT 100000) w"
        ),
    )
    figure(
        "backroom_holds_standing",
        "Holds that stand, by type",
        by_sql("SELECT type, count(*) FROM orders_hold WHERE status = 'CREATED' GROUP BY type", ("type",)),
        ("type",),
    )
    figure(
        "backroom_fulfilments_overdue",
        "Fulfilment orders past their due time that have not left",
        by_sql(
            "SELECT count(*) FROM orders_fulfilmentorder WHERE due_at < now()"
            " AND status IN ('ACCEPTED', 'OPEN', 'PACKED', 'PICKED', 'PICKING', 'READY')"
        ),
    )
