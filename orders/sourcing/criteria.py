"""How good a node is for a request: each criterion gives 0 to 1, higher is better."""

from __future__ import annotations

from collections.abc import Callable

from orders.geography import kilometres
from orders.sourcing.candidates import Node, Request, wanted_units

HALF_KM = 250.0  # a node this far scores one half


def domestic(request: Request, node: Node) -> float:
    """In the country of delivery: no customs. Unknown countries count as foreign to nobody."""
    return 1.0 if not request.country or not node.country or request.country == node.country else 0.0


def nearness(request: Request, node: Node) -> float:
    """Near the address; without both positions every node is alike, and the next criterion decides."""
    if request.latitude is None or request.longitude is None or node.latitude is None or node.longitude is None:
        return 0.0
    away = kilometres(request.latitude, request.longitude, node.latitude, node.longitude)
    return HALF_KM / (HALF_KM + away)


def priority(request: Request, node: Node) -> float:
    """The retailer's own order of nodes; a smaller number goes first."""
    return 1.0 / (1.0 + max(0, node.priority) / 100)


def depth(request: Request, node: Node) -> float:
    """How much would be left of the scarcest wanted item: takes from plenty before it empties a shelf."""
    left = 1.0
    for item, units in wanted_units(request.wants).items():
        free = node.free.get(item, 0)
        left = min(left, (free - units) / free if free > units else 0.0)
    return left


CRITERIA: dict[str, Callable[[Request, Node], float]] = {
    "domestic": domestic,
    "nearness": nearness,
    "priority": priority,
    "depth": depth,
}


def scores(request: Request, node: Node, names: tuple[str, ...]) -> tuple[float, ...]:
    """The node's scores in the rule's order, rounded so that near-equal nodes tie and the next criterion decides."""
    return tuple(round(CRITERIA[name](request, node), 2) for name in names)
