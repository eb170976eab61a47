"""Locations as sourcing sees them, kept by the process between orders and never a moment out of date.

A statement that asks for stock brings a stamp of all locations with it: a hash over the versions of their rows, over
which of them are closed for now, and over the carriers that are out. Where the process knows that stamp already, only
stock travels; else the locations come in the same statement. So nothing has to be told when somebody edits a location,
and a transaction sees what it changed itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from orders.sourcing import Node, Profile, Restrictions
from orders.sourcing.candidates import UNKNOWN


class Kept(NamedTuple):
    """`nodes` without stock, by location, as they are under this stamp; each with the last profile read of it."""

    stamp: int | None = None
    nodes: Mapping[int, Node] = MappingProxyType({})


_kept = Kept()


def kept() -> Kept:
    """Take it before the statement, give its stamp to the statement and itself to `read`: threads don't mix then."""
    return _kept


def profile(profiles: Mapping[int, Profile]) -> None:
    """Have the nodes read from now on carry these, so that nobody makes every node twice."""
    global _kept  # noqa: PLW0603  (one small table a process; a lost update costs a query)
    _kept = Kept(
        _kept.stamp, {pk: node._replace(profile=profiles.get(pk, UNKNOWN)) for pk, node in _kept.nodes.items()}
    )


def read(known: Kept, stamp: int, rows: list[Any] | None, stock: list[Any] | None) -> list[Node]:
    """The nodes with something of what was asked for. `rows` is None where the stamp is the known one."""
    global _kept  # noqa: PLW0603  (one small table a process; a lost update costs one longer answer)
    if rows is not None:
        known = _kept = Kept(stamp, {row[0]: _node(row) for row in rows})
    free: dict[int, dict[int, int]] = {}
    for item, places, units in stock or ():
        for place, there in zip(places, units, strict=True):
            has = free.get(place)  # not setdefault(), which makes a table for each of a thousand rows
            if has is None:
                free[place] = {item: there}
            else:
                has[item] = there
    nodes = known.nodes
    return [Node._make((*node[:2], has, *node[3:])) for place, has in free.items() if (node := nodes.get(place))]


def _node(row: list[Any]) -> Node:
    *plain, restricted = row
    limits = Restrictions(tuple(restricted[0]), tuple(restricted[1]), restricted[2]) if restricted else None
    place, code, *rest = plain
    return Node._make((place, code, {}, *rest, limits, UNKNOWN))


# An update leaves a row at another place or under another transaction; both together never come back to what they were.
STAMP = """
SELECT coalesce(bit_xor(hash_record_extended(
    ROW(place.ctid, place.xmin, coalesce(place.closed_until > statement_timestamp(), false)), 0
)), 0) # hashtextextended((
    SELECT coalesce(string_agg(carrier, ' ' ORDER BY carrier), '') FROM orders_carrieroutage WHERE ended_at IS NULL
), 0) AS stamp FROM inventory_location place
"""

ROWS = """
SELECT coalesce(json_agg(json_build_array(
    place.id, place.code, CASE
        WHEN place.closed_until > statement_timestamp() THEN 'CLOSED FOR THE DAY'
        WHEN place.carriers <> '{}' AND place.carriers <@ ARRAY(
            SELECT carrier FROM orders_carrieroutage WHERE ended_at IS NULL
        ) THEN 'WITHOUT A CARRIER'
        ELSE place.status
    END, place.ships, place.pickup, place.priority, place.country, place.lat, place.lon, place.kind,
    CASE WHEN place.only_to <> '{}' OR place.not_to <> '{}' OR NOT place.hazardous
        THEN json_build_array(place.only_to, place.not_to, place.hazardous) END
)), '[]') FROM inventory_location place
"""

# {items} is text of the caller's own: a query of item ids.
STOCK = """
SELECT json_agg(json_build_array(had.item_id, had.places, had.units)) FROM (
    SELECT stock.item_id, array_agg(stock.location_id) AS places, array_agg(stock.sellable - stock.reserved) AS units
    FROM inventory_stock stock
    WHERE stock.item_id IN ({items}) AND stock.sellable > stock.reserved
    GROUP BY stock.item_id
) had
"""
