"""A new order in bare psycopg: the rows `intake.place` writes behind the API, and nothing else.

The key is claimed in a transaction of its own; then one transaction looks, chooses a node, reserves under the ordered
lock, writes the order with lines, shares and decision, records three facts with their related objects and the
delivery, and keeps the answer. Prepared statements, no validation, no sourcing beyond the first node that has
everything.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg

from core.ids import uuid7


class RawIntake:
    def __init__(self, parameters: dict[str, Any], channel_id: int, channel_code: str, client_id: int):
        known = ("dbname", "user", "password", "host", "port")
        self.link = psycopg.connect(**{k: parameters[k] for k in known if k in parameters}, autocommit=True)
        self.link.prepare_threshold = 1
        self.channel_id, self.channel_code, self.client = channel_id, channel_code, f"CLIENT:{client_id}"

    def close(self) -> None:
        self.link.close()

    def place(self, order: dict[str, Any]) -> None:
        token, text = uuid4(), json.dumps(order)
        digest = hashlib.sha256(text.encode()).digest()
        self.link.execute(_CLAIM, (self.client, order["channel_ref"], digest, token))
        with self.link.transaction():
            order_id, number, answer = self._effects(order, digest)
            self.link.execute(_DONE, (answer, self.client, order["channel_ref"], token))

    def _effects(self, order: dict[str, Any], digest: bytes) -> tuple[int, str, bytes]:
        lines = order["lines"]
        skus = [line["sku"] for line in lines]
        order_id, number, first, second, items, place = self.link.execute(
            _LOOK,
            (self.channel_id, order["channel_ref"], skus, [line["quantity"] for line in lines], self.channel_code),
        ).fetchone()  # type: ignore[misc]
        ids, units = [first, second], [line["quantity"] for line in lines]
        held = self.link.execute(
            _HOLD, (items, [place] * 2, units, [str(pk) for pk in ids], f"order:{order_id}:1", digest)
        ).fetchall()
        reservations = {ref: pk for pk, ref, _ in held}
        picks = json.dumps({"picks": [[pk, place, n] for pk, n in zip(ids, units, strict=True)]})
        self.link.execute(
            _WRITE,
            (
                order_id, number, self.channel_id, order["channel_ref"], order["version"], digest,
                order["placed_at"], json.dumps(order["ship_to"]), order["currency"], order["total"], order["total"],
                order["payment_state"],
                ids, [line["ref"] for line in lines], items, skus, [line["title"] for line in lines], units,
                [line["unit_price"] for line in lines], order_id,
                ids, [place] * 2, items, [reservations[str(pk)] for pk in ids], units,
                order_id, picks,
            ),
        )  # fmt: skip
        now, correlation = datetime.now(UTC), uuid4().hex
        kinds, uids = ["order", "demand", "order"], [str(order_id), str(held[0][2]), str(order_id)]
        self.link.execute(
            _EVENTS,
            (
                [uuid7() for _ in kinds], ["order.received", "reservation.held", "order.allocated"], kinds, uids,
                [number, "", number], [json.dumps({"total": order["total"]}), "{}", picks], correlation, now,
                [1, 1, 2, 2, 2, 3], ["item", "item", "item", "item", "location", "location"],
                [str(items[0]), str(items[1]), str(items[0]), str(items[1]), str(place), str(place)],
                f"orders.release|order:{order_id}",
            ),
        )  # fmt: skip
        return order_id, number, json.dumps({"number": number, "outcome": "created"}).encode()


_CLAIM = """
INSERT INTO core_idempotencykey (
    client, route, key, fingerprint, status, token, locked_until, response_headers, created_at
) VALUES (%s, 'POST raw', %s, %s, 'IN_FLIGHT', %s, now() + interval '60 seconds', '{}', now())
"""

_DONE = """
UPDATE core_idempotencykey SET status = 'DONE', response_status = 201, response_body = %s
WHERE client = %s AND route = 'POST raw' AND key = %s AND token = %s
"""

_LOOK = """
WITH known AS (
    SELECT id FROM orders_order WHERE channel_id = %s AND channel_ref = %s FOR NO KEY UPDATE
), named AS MATERIALIZED (
    SELECT given.n, given.units, coalesce(alias.item_id, item.id) AS item_id
    FROM unnest(%s::text[], %s::int[]) WITH ORDINALITY AS given(code, units, n)
    LEFT JOIN inventory_itemalias alias ON alias.system = %s AND alias.code = given.code
    LEFT JOIN inventory_item item ON item.sku = given.code
)
SELECT nextval('orders_order_id_seq'), 'SO-' || nextval('orders_number'), nextval('orders_orderline_id_seq'),
    nextval('orders_orderline_id_seq'), (SELECT array_agg(item_id ORDER BY n) FROM named),
    (
        SELECT place.id FROM named JOIN inventory_stock stock USING (item_id)
        JOIN inventory_location place ON place.id = stock.location_id
        WHERE place.status = 'ACTIVE' AND place.ships AND stock.sellable - stock.reserved >= named.units
        GROUP BY place.id HAVING count(*) = (SELECT count(*) FROM named) ORDER BY place.priority LIMIT 1
    )
WHERE NOT EXISTS (SELECT FROM known)
"""

_HOLD = """
WITH line AS MATERIALIZED (
    SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::int[], %s::text[])
        WITH ORDINALITY AS line(item_id, location_id, quantity, ref, n)
), want AS MATERIALIZED (
    SELECT item_id, location_id, sum(quantity) AS quantity FROM line GROUP BY 1, 2
), locked AS MATERIALIZED (
    SELECT stock.id, want.quantity, stock.sellable - stock.reserved AS free
    FROM want JOIN inventory_stock stock USING (item_id, location_id) ORDER BY stock.id FOR NO KEY UPDATE OF stock
), header AS (
    INSERT INTO inventory_reservationdemand (demand_uid, kind, fingerprint, created_at)
    SELECT %s, 'FIRM', %s, now()
    WHERE (SELECT count(*) FROM want) = (SELECT count(*) FROM locked WHERE free >= quantity)
    RETURNING id
), taken AS (
    UPDATE inventory_stock stock SET reserved = reserved + locked.quantity, version = version + 1, updated_at = now()
    FROM locked, header WHERE stock.id = locked.id
)
INSERT INTO inventory_reservation (
    demand_id, ref, kind, item_id, location_id, quantity, status, ended_key, ended_reason, created_at
)
SELECT header.id, ref, 'FIRM', item_id, location_id, quantity, 'HELD', '', '', now() FROM header, line ORDER BY n
RETURNING id, ref, demand_id
"""

_WRITE = """
WITH made AS (
    INSERT INTO orders_order (
        id, number, channel_id, channel_ref, channel_number, status, version, source_version, source_digest,
        source_cancelled, stale_updates, cancel_reason, cancelled_here, placed_at, imported_at, updated_at, method,
        pickup_location_code, buyer_ref, buyer_name, buyer_email, buyer_phone, ship_to, currency, tax_included,
        subtotal, discount_total, shipping_total, tax_total, other_total, total, disagreements, payment_state, note,
        tags, test, sourcings, account_code, po_number, payment_terms
    ) VALUES (
        %s, %s, %s, %s, '', 'ACCEPTED', 1, %s, %s, false, 0, '', false, %s, now(), now(), 'SHIP', '', '', '', '', '',
        %s::jsonb, %s, false, %s::numeric, 0, 0, 0, 0, %s::numeric, '{}', %s, '', '{}', false, 1, '', '', ''
    )
), lines AS (
    INSERT INTO orders_orderline (
        id, order_id, ref, position, item_id, sku, title, requires_shipping, gift_card, ordered, open, allocated,
        backordered, fulfilled, cancelled, returned, shipped_here, cancelled_here, source_quantity, source_cancelled,
        source_fulfilled, unit_price, discount_total, tax_total
    )
    SELECT line.id, made.id, line.ref, line.n - 1, line.item_id, line.sku, line.title, true, false, line.quantity, 0,
        line.quantity, 0, 0, 0, 0, 0, 0, line.quantity, 0, 0, line.price, 0, 0
    FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::text[], %s::text[], %s::int[], %s::numeric[])
        WITH ORDINALITY AS line(id, ref, item_id, sku, title, quantity, price, n),
        (SELECT %s::bigint AS id) AS made
), shares AS (
    INSERT INTO orders_fulfilmentline (
        order_line_id, location_id, item_id, reservation_id, quantity, picked, shipped, promised, created_at
    )
    SELECT line_id, location_id, item_id, reservation_id, quantity, 0, false, quantity, now()
    FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::int[])
        AS share(line_id, location_id, item_id, reservation_id, quantity)
)
INSERT INTO orders_sourcingdecision (order_id, sequence, ladder, ladder_version, rule, explanation, decided_at)
VALUES (%s, 1, 'standard', 1, 'one_node', %s::jsonb, now())
"""

_EVENTS = """
WITH drawn AS MATERIALIZED (
    SELECT nextval('core_event_id_seq') AS id, given.*
    FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
        WITH ORDINALITY AS given(uid, type, kind, subject, label, data, n)
), events AS (
    INSERT INTO core_event (
        id, uid, type, occurred_at, recorded_at, subject_kind, subject_uid, subject_label, actor_kind, actor_uid,
        actor_label, correlation_id, data
    )
    SELECT id, uid, type, at, at, kind, subject, label, 'CLIENT', '1', 'bench', correlation, data::jsonb
    FROM drawn, (SELECT %s::text AS correlation, %s::timestamptz AS at) AS call
), objects AS (
    INSERT INTO core_eventobject (event_id, kind, uid, label, qualifier)
    SELECT drawn.id, touched.kind, touched.uid, '', touched.kind
    FROM unnest(%s::int[], %s::text[], %s::text[]) AS touched(n, kind, uid) JOIN drawn USING (n)
)
INSERT INTO core_delivery (event_id, handler, lane, seq, queue, status, attempts, next_at, last_error, created_at)
SELECT id, 'orders.release', %s, id, 'default', 'PENDING', 0, now(), '', now() FROM drawn WHERE n = 3
"""
