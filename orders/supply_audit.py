"""What must always be true of back-orders and of work that partners do."""

from __future__ import annotations

from core import audit


def register() -> None:
    audit.register(
        "orders.backordered_units_wait_for_a_delivery",
        "A line's back-ordered units are exactly those its waiting back-orders name.",
        """
        SELECT line.id, line.order_id, line.backordered, coalesce(waiting.units, 0) AS waiting
        FROM orders_orderline line
        LEFT JOIN (
            SELECT order_line_id, sum(quantity) AS units FROM orders_backorder WHERE status = 'WAITING' GROUP BY 1
        ) waiting ON waiting.order_line_id = line.id
        WHERE line.backordered <> coalesce(waiting.units, 0)
        """,
    )
    audit.register(
        "orders.promised_deliveries_know_it",
        "Of a delivery that is still expected, what waits for it is what it has committed and what is kept of it.",
        """
        SELECT receipt.id, receipt.committed, coalesce(kept.units, 0) AS kept, coalesce(waiting.units, 0) AS waiting
        FROM inventory_expectedreceipt receipt
        LEFT JOIN (
            SELECT receipt_id, sum(quantity) AS units FROM orders_backorder WHERE status = 'WAITING' GROUP BY 1
        ) waiting ON waiting.receipt_id = receipt.id
        LEFT JOIN (
            SELECT held.ref::bigint AS receipt_id, sum(held.quantity) AS units
            FROM inventory_reservation held JOIN inventory_reservationdemand demand ON demand.id = held.demand_id
            WHERE held.status = 'HELD' AND starts_with(demand.demand_uid, 'inbound:') GROUP BY 1
        ) kept ON kept.receipt_id = receipt.id
        WHERE receipt.status = 'EXPECTED'
            AND receipt.committed + coalesce(kept.units, 0) <> coalesce(waiting.units, 0)
        """,
    )
    audit.register(
        "orders.a_partners_request_follows_the_work",
        "A partner's request and the fulfilment order it is about tell the same story.",
        """
        SELECT asked.id, asked.status, work.number, work.status AS work_status
        FROM orders_partnerrequest asked
        JOIN orders_fulfilmentorder work ON work.id = asked.fulfilment_id
        WHERE NOT CASE asked.status
            WHEN 'REQUESTED' THEN work.status IN ('OPEN', 'CANCELLED')  -- cancelled, the partner is told in a moment
            WHEN 'ACCEPTED' THEN work.status IN ('ACCEPTED', 'CANCELLED')
            WHEN 'SHIPPED' THEN work.status IN ('SHIPPED', 'DELIVERED')
            ELSE work.status IN ('REJECTED', 'CANCELLED')
        END
        """,
    )
