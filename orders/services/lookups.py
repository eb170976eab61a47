"""What intake and sourcing read: the order if we have it, the items behind its SKUs, the nodes that have them."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from core import prepared
from inventory.models import Pace
from orders.models import Channel, NodeExclusion
from orders.services import places, policies
from orders.services.policies import Standing
from orders.sourcing import Goods, Node


@dataclass(frozen=True, slots=True)
class Seen:
    """Either the order as we know it (locked), or everything needed to make it: ids, items by SKU, nodes."""

    known: bool
    order_id: int
    number: str
    version: int
    source_version: int
    source_digest: bytes
    line_ids: list[int]
    items: dict[str, int]
    nodes: list[Node]
    pickup_location_id: int | None
    goods: dict[int, Goods]
    policies: Standing
    account_id: int | None = None
    payment_terms: str = ""  # the account's
    rules_stamp: int = 0


def look(
    channel_id: int,
    channel_code: str,
    channel_ref: str,
    skus: Sequence[str],
    lines: int,
    pickup: str,
    account: str = "",
) -> Seen:
    """One round trip. An order we know is locked; for a new one the ids are drawn."""
    here = places.kept()
    parameters = [channel_id, channel_ref, list(skus), channel_code, lines, here.stamp, channel_id, pickup, account,
                  channel_id]  # fmt: skip
    ((order_id, known, number, ours, version, digest, line_ids, items, stock, stamp, rows, goods, policy, place, rules,
      account_id, terms),) = prepared.fetchall(_LOOK, parameters)  # fmt: skip
    return Seen(
        known=known,
        order_id=order_id,
        number=number,
        version=ours or 1,
        source_version=version if known else -1,
        source_digest=bytes(digest) if known else b"",
        line_ids=line_ids or [],
        items=json.loads(items) if items else {},
        nodes=places.read(here, stamp, rows, stock),
        pickup_location_id=place,
        goods=_articles(goods),
        policies=policies.read_in_force(policy),
        account_id=account_id,
        payment_terms=terms or "",
        rules_stamp=rules,
    )


def channel(code: str) -> Channel | None:
    """The channel of this code: what `Channel.objects.get` would find, without building the query each time."""
    rows = prepared.fetchall(_CHANNEL, [code])
    return Channel.from_db("default", _CHANNEL_FIELDS, rows[0]) if rows else None


def nodes_with(items: Collection[int]) -> list[Node]:
    """The locations with at least one free unit of any of these items, open or not."""
    here = places.kept()
    ((stock, stamp, rows),) = prepared.fetchall(_NODES_OF, [list(items), here.stamp])
    return places.read(here, stamp, rows, stock)


def goods_of(items: Collection[int]) -> dict[int, Goods]:
    """What sourcing must know of these articles."""
    ((goods,),) = prepared.fetchall(_GOODS_OF, [list(items)])
    return _articles(goods)


def paces(items: Collection[int]) -> dict[tuple[int, int], float]:
    """(item, location): units sold a day, where that was measured."""
    rows = Pace.objects.filter(item__in=items, sold__gt=0).values_list("item_id", "location_id", "sold", "days")
    return {(item, place): sold / days for item, place, sold, days in rows}


def let_down(line_ids: Collection[int]) -> dict[int, frozenset[int]]:
    """Per line, the locations that came up short on it or declined it."""
    found: dict[int, set[int]] = {}
    rows = NodeExclusion.objects.filter(order_line__in=line_ids).values_list("order_line_id", "location_id")
    for line_id, location_id in rows:
        found.setdefault(line_id, set()).add(location_id)
    return {line_id: frozenset(locations) for line_id, locations in found.items()}


def _articles(goods: str | None) -> dict[int, Goods]:
    return {
        pk: Goods(
            grams or sum((weight or 0) * each for weight, each, *_ in parts or ()),
            *_cost(cost, currency, parts or ()),
            attributes if isinstance(attributes, dict) else {},
            tuple(held for *_, held in parts or () if isinstance(held, dict)),
        )
        for pk, grams, cost, currency, attributes, parts in (json.loads(goods) if goods else ())
    }


def _cost(own: float | None, currency: str, parts: Sequence[Sequence[Any]]) -> tuple[float, str]:
    """What an article costs. A kit nobody named a cost for costs what its parts do together: unknown where one's cost
    is, or where they are in several currencies."""
    if own is not None or not parts:
        return float(own or 0), currency
    currencies = {currency for _, _, _, currency, _ in parts}
    if len(currencies) > 1 or any(cost is None for _, _, cost, _, _ in parts):
        return 0.0, ""
    return sum(float(cost) * each for _, each, cost, _, _ in parts), str(currencies.pop())


_CHANNEL_FIELDS = [f.attname for f in Channel._meta.concrete_fields]
_CHANNEL = f"SELECT {', '.join(_CHANNEL_FIELDS)} FROM orders_channel WHERE code = %s::text"  # noqa: S608

_GOODS = """
SELECT jsonb_agg(jsonb_build_array(
    article.id, article.weight_grams, article.unit_cost, article.cost_currency,
    CASE WHEN article.attributes <> '{{}}' THEN article.attributes END,
    CASE WHEN article.is_kit THEN (
        SELECT jsonb_agg(jsonb_build_array(
            part.weight_grams, needed.quantity, part.unit_cost, part.cost_currency, part.attributes
        ) ORDER BY part.id)
        FROM inventory_kitcomponent needed JOIN inventory_item part ON part.id = needed.part_id
        WHERE needed.kit_id = article.id
    ) END
))
FROM inventory_item article WHERE article.id IN ({items})
"""

_GOODS_OF = f"SELECT ({_GOODS.format(items='SELECT unnest(%s::bigint[])')})"
_NODES_OF = f"""
WITH here AS MATERIALIZED ({places.STAMP})
SELECT ({places.STOCK.format(items="SELECT unnest(%s::bigint[])")}), here.stamp,
    CASE WHEN here.stamp IS DISTINCT FROM %s::bigint THEN ({places.ROWS}) END
FROM here
"""  # noqa: S608

# Nothing of a caller's is interpolated: {items} is one of two texts of this file.
_LOOK = f"""
WITH known AS MATERIALIZED (
    SELECT id, number, version, source_version, source_digest FROM orders_order
    WHERE channel_id = %s::bigint AND channel_ref = %s::text
    FOR NO KEY UPDATE
), named AS MATERIALIZED (
    SELECT given.code, coalesce(alias.item_id, item.id) AS item_id
    FROM unnest(%s::text[]) AS given(code)
    LEFT JOIN inventory_itemalias alias ON alias.system = %s::text AND alias.code = given.code
    LEFT JOIN inventory_item item ON item.sku = given.code
), here AS MATERIALIZED ({places.STAMP})
SELECT
    coalesce(known.id, nextval('orders_order_id_seq')),
    known.id IS NOT NULL,
    coalesce(known.number, 'SO-' || nextval('orders_number')),
    known.version,
    known.source_version,
    known.source_digest,
    CASE WHEN known.id IS NULL THEN
        ARRAY(SELECT nextval('orders_orderline_id_seq') FROM generate_series(1, %s::int))
    END,
    (SELECT jsonb_object_agg(code, item_id) FROM named WHERE item_id IS NOT NULL),
    CASE WHEN known.id IS NULL THEN ({places.STOCK.format(items="SELECT item_id FROM named")}) END,
    here.stamp,
    CASE WHEN known.id IS NULL AND here.stamp IS DISTINCT FROM %s::bigint THEN ({places.ROWS}) END,
    CASE WHEN known.id IS NULL THEN ({_GOODS.format(items="SELECT item_id FROM named")}) END,
    CASE WHEN known.id IS NULL THEN ARRAY({policies.IN_FORCE}) END,
    (SELECT id FROM inventory_location WHERE code = %s::text),
    (SELECT coalesce(max(stamp), 0) FROM orders_holdrule),
    account.id,
    account.payment_terms
FROM here
LEFT JOIN known ON true
LEFT JOIN orders_account account ON account.code = %s::text
    AND (account.channel_id IS NULL OR account.channel_id = %s::bigint)
"""  # noqa: S608


def waiting_orders(limit: int) -> list[int]:
    """Orders with open units, oldest first, for which all open nodes together have enough of every waiting item."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [limit])
        return [row[0] for row in cursor.fetchall()]


_WAITING = """
SELECT line.order_id
FROM orders_orderline line
JOIN orders_order known ON known.id = line.order_id
WHERE line.open > 0 AND line.item_id IS NOT NULL AND line.requires_shipping AND NOT line.gift_card AND NOT known.test
    AND known.status IN ('RECEIVED', 'ACCEPTED')
GROUP BY line.order_id
HAVING bool_and(line.open <= (
    SELECT coalesce(sum(stock.sellable - stock.reserved), 0)
    FROM inventory_stock stock JOIN inventory_location place ON place.id = stock.location_id
    WHERE stock.item_id = line.item_id AND stock.sellable > stock.reserved AND place.status = 'ACTIVE'
) + (
    SELECT coalesce(sum(made.kits), 0) FROM (
        SELECT min((stock.sellable - stock.reserved) / part.quantity) AS kits
        FROM inventory_kitcomponent part
        JOIN inventory_stock stock ON stock.item_id = part.part_id AND stock.sellable > stock.reserved
        JOIN inventory_location place ON place.id = stock.location_id AND place.status = 'ACTIVE'
        WHERE part.kit_id = line.item_id
        GROUP BY stock.location_id
        HAVING count(*) = (SELECT count(*) FROM inventory_kitcomponent WHERE kit_id = line.item_id)
    ) made
))
ORDER BY line.order_id
LIMIT %s
"""


def mappable_orders(limit: int) -> list[int]:
    """Orders with a line whose SKU was unknown and isn't any more."""
    with connection.cursor() as cursor:
        cursor.execute(_MAPPABLE, [limit])
        return [row[0] for row in cursor.fetchall()]


_MAPPABLE = """
SELECT DISTINCT line.order_id
FROM orders_orderline line
JOIN orders_order known ON known.id = line.order_id
JOIN orders_channel channel ON channel.id = known.channel_id
WHERE line.item_id IS NULL AND line.sku <> '' AND line.ordered > 0 AND (
    EXISTS (SELECT FROM inventory_itemalias WHERE system = channel.code AND code = line.sku)
    OR EXISTS (SELECT FROM inventory_item WHERE sku = line.sku)
)
ORDER BY line.order_id
LIMIT %s
"""
