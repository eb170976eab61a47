"""What must always be true of orders, as queries for the rows where it isn't."""

from __future__ import annotations

from core import audit

# Every reservation behind a node's promise: one of a plain line, one for each part of a kit. `units` are the line's.
_SHARES = """
    SELECT id, order_line_id, fulfilment_id, location_id, shipped, reservation_id, item_id, quantity,
        quantity AS units, true AS is_first
    FROM orders_fulfilmentline WHERE NOT is_kit
    UNION ALL
    SELECT line.id, line.order_line_id, line.fulfilment_id, line.location_id, line.shipped, part.reservation_id,
        part.item_id, line.quantity * part.per_kit, line.quantity, part.reservation_id = line.reservation_id
    FROM orders_fulfilmentline line JOIN orders_fulfilmentpart part ON part.fulfilment_line_id = line.id
"""


def register() -> None:
    audit.register(
        "orders.an_order_is_owed_by_the_account_it_names",
        "An order's account is the one its source names, at the order's channel.",
        """
        SELECT known.id, known.account_code, account.code, known.channel_id, account.channel_id AS buys_at
        FROM orders_order known JOIN orders_account account ON account.id = known.account_id
        WHERE known.account_code <> account.code OR account.channel_id <> known.channel_id
        """,
    )
    audit.register(
        "orders.the_units_of_a_line_add_up",
        "Ordered units are open, allocated, back-ordered, fulfilled or cancelled, each once.",
        """
        SELECT id, order_id, ordered, open, allocated, backordered, fulfilled, cancelled
        FROM orders_orderline
        WHERE ordered <> open + allocated + backordered + fulfilled + cancelled OR returned > fulfilled
        """,
    )
    audit.register(
        "orders.allocated_units_are_promised_by_nodes",
        "A line's allocated units equal what nodes have still to send of it.",
        """
        SELECT line.id, line.order_id, line.allocated, coalesce(promised.units, 0) AS promised
        FROM orders_orderline line
        LEFT JOIN (
            SELECT order_line_id, sum(quantity) AS units FROM orders_fulfilmentline WHERE NOT shipped GROUP BY 1
        ) promised ON promised.order_line_id = line.id
        WHERE line.allocated <> coalesce(promised.units, 0)
        """,
    )
    audit.register(
        "orders.promised_units_are_reserved",
        "Every unit a node has still to send is held by exactly its own reservation, of the same item and place.",
        f"""
        SELECT share.id, share.order_line_id, share.reservation_id, share.quantity, held.quantity AS held, held.status
        FROM ({_SHARES}) share
        LEFT JOIN inventory_reservation held ON held.id = share.reservation_id
        WHERE NOT share.shipped AND share.quantity > 0 AND (
            held.id IS NULL OR held.status <> 'HELD' OR held.quantity <> share.quantity
            OR held.item_id <> share.item_id OR held.location_id <> share.location_id
        )
        """,  # noqa: S608  (a text of this file)
    )
    audit.register(
        "orders.kits_are_promised_by_their_parts",
        "A promised kit has its parts, the first of which names it, and is picked once all of them are.",
        """
        SELECT line.id, line.quantity, line.picked, made.parts, made.picked AS kits_picked
        FROM orders_fulfilmentline line
        LEFT JOIN (
            SELECT fulfilment_line_id AS id, count(*) AS parts, min(picked / per_kit) AS picked,
                array_agg(reservation_id) AS reservations
            FROM orders_fulfilmentpart GROUP BY 1
        ) made USING (id)
        WHERE line.is_kit <> (made.parts IS NOT NULL) OR made.picked <> line.picked
            OR (line.is_kit AND NOT line.reservation_id = ANY(made.reservations))
        """,
    )
    audit.register(
        "orders.reservations_of_orders_are_promised_units",
        "No stock is held for an order without a node's promise behind it.",
        f"""
        SELECT held.id, held.quantity, held.item_id, held.location_id, demand.demand_uid
        FROM inventory_reservation held
        JOIN inventory_reservationdemand demand ON demand.id = held.demand_id
        LEFT JOIN ({_SHARES}) share ON share.reservation_id = held.id AND NOT share.shipped
        WHERE held.status = 'HELD' AND demand.demand_uid LIKE 'order:%' AND share.id IS NULL
        """,  # noqa: S608  (a text of this file)
    )
    audit.register(
        "orders.shipped_units_left_stock",
        "What we shipped of a line is what its shares sent, and each sent share consumed its reservation.",
        f"""
        SELECT line.id, line.order_id, line.shipped_here, coalesce(sent.units, 0) AS sent, sent.unconsumed
        FROM orders_orderline line
        LEFT JOIN (
            SELECT share.order_line_id, sum(share.units) FILTER (WHERE share.is_first) AS units,
                count(*) FILTER (WHERE held.status <> 'CONSUMED' OR held.quantity <> share.quantity) AS unconsumed
            FROM ({_SHARES}) share
            LEFT JOIN inventory_reservation held ON held.id = share.reservation_id
            WHERE share.shipped GROUP BY 1
        ) sent ON sent.order_line_id = line.id
        WHERE line.shipped_here <> coalesce(sent.units, 0) OR sent.unconsumed > 0
        """,  # noqa: S608  (a text of this file)
    )
    audit.register(
        "orders.shipped_work_has_left",
        "The units of a fulfilment order are marked as sent exactly when it is shipped, delivered or collected.",
        """
        SELECT work.id, work.number, work.status, share.id AS line
        FROM orders_fulfilmentorder work
        JOIN orders_fulfilmentline share ON share.fulfilment_id = work.id
        WHERE share.quantity > 0 AND share.shipped <> (work.status IN ('SHIPPED', 'DELIVERED', 'COLLECTED'))
        """,
    )
    audit.register(
        "orders.status_follows_the_lines",
        "An order is completed or cancelled exactly when nothing of it is left to deliver.",
        """
        SELECT known.id, known.number, known.status, units.waiting, units.fulfilled
        FROM orders_order known
        JOIN (
            SELECT order_id, sum(open + allocated + backordered) AS waiting, sum(fulfilled) AS fulfilled
            FROM orders_orderline GROUP BY 1
        ) units ON units.order_id = known.id
        WHERE (known.status IN ('COMPLETED', 'CANCELLED')) <> (units.waiting = 0)
            OR (known.status = 'COMPLETED') <> (units.waiting = 0 AND units.fulfilled > 0)
        """,
    )
    audit.register(
        "orders.totals_agree_or_say_so",
        "Goods - discounts + shipping + fees + taxes that aren't included = total, or the order names the figure.",
        """
        SELECT id, number, total, subtotal, discount_total, shipping_total, other_total, tax_total, tax_included
        FROM orders_order
        WHERE disagreements = '{}' AND (total IS NULL OR abs(
            total - (subtotal - discount_total + shipping_total + other_total
                + CASE WHEN tax_included THEN 0 ELSE tax_total END)
        ) >= 0.01)
        """,
    )
    audit.register(
        "orders.an_order_has_its_lines",
        "No order is without lines: it was written whole or not at all.",
        """
        SELECT known.id, known.number FROM orders_order known
        WHERE NOT EXISTS (SELECT FROM orders_orderline line WHERE line.order_id = known.id)
        """,
    )
    audit.register(
        "orders.what_a_channel_handed_over_left_the_books",
        "Of an order whose units left a channel's own place, the ledger moved exactly what left without us.",
        """
        WITH moved AS (
            SELECT cause_uid, item_id, sum(
                CASE WHEN to_state = 'customer' THEN quantity WHEN from_state = 'customer' THEN -quantity ELSE 0 END
            ) AS units
            FROM inventory_stockmovement WHERE cause_kind = 'order' AND starts_with(key, 'sold:') GROUP BY 1, 2
        )
        SELECT moved.cause_uid AS order_id, moved.item_id, moved.units,
            coalesce(sum(line.fulfilled - line.shipped_here), 0) AS handed_over
        FROM moved
        LEFT JOIN orders_orderline line ON line.order_id::text = moved.cause_uid AND line.item_id = moved.item_id
            AND line.requires_shipping AND NOT line.gift_card
        WHERE NOT EXISTS (  -- a kit leaves as its parts, and may be made of others by now
            SELECT FROM orders_orderline kit JOIN inventory_item item ON item.id = kit.item_id AND item.is_kit
            WHERE kit.order_id::text = moved.cause_uid
        )
        GROUP BY moved.cause_uid, moved.item_id, moved.units
        HAVING moved.units <> coalesce(sum(line.fulfilled - line.shipped_here), 0)
        """,
    )
