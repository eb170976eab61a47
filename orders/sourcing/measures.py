"""What a plan comes to, so that two can be compared: parcels, kilometres, cost, lateness."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from orders.sourcing.candidates import Node, Pick, Request, Want
from orders.sourcing.criteria import arrival, away, handling_cost, shipping_cost


@dataclass(frozen=True, slots=True)
class Measures:
    """Sums over the nodes of a plan. `kilometres` and `cost` count the nodes for which they are known.

    `late` is None where nothing was promised or nobody knows when the carrier leaves.
    """

    nodes: int = 0
    kilometres: float = 0.0
    cost: float = 0.0
    late: bool | None = None


def of(request: Request, picks: Iterable[Pick], nodes: Mapping[int, Node]) -> Measures:
    """A node that ships two parcels because something ships alone counts once, with both parcels' cost."""
    shares: dict[tuple[int, int], list[Pick]] = {}
    for pick in picks:
        alone = pick.item_id if request.goods and request.article(_want(pick)).ship_alone else 0
        shares.setdefault((pick.location_id, alone), []).append(pick)
    kilometres = cost = 0.0
    late: bool | None = None
    for (place, _), share in shares.items():
        node = nodes.get(place)
        if node is None:
            continue
        parcel = replace(request, wants=tuple(_want(pick) for pick in share))
        kilometres += away(parcel, node) or 0.0
        cost += (shipping_cost(parcel, node) or 0.0) + (handling_cost(parcel, node) or 0.0)
        at = arrival(parcel, node)
        if at is not None and request.promise_by is not None:
            late = bool(late) or at > request.promise_by
    return Measures(len({place for place, _ in shares}), round(kilometres, 1), round(cost, 4), late)


def _want(pick: Pick) -> Want:
    return Want(pick.line_id, pick.item_id, pick.quantity)
