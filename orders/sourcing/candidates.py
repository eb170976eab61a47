"""What sourcing looks at: the wants, the nodes, and why a node is out from the start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Want:
    """Units of one order line that need a node. Two lines of the same item are two wants."""

    line_id: int
    item_id: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Node:
    """One location that has at least one unit of something wanted. `free` is sellable and promised to nobody."""

    location_id: int
    code: str
    free: Mapping[int, int]
    status: str = "ACTIVE"
    ships: bool = True
    pickup: bool = False
    priority: int = 100
    country: str = ""
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What an order needs: its wants, how and where it goes, and which nodes already let which line down."""

    wants: tuple[Want, ...]
    method: str = "SHIP"
    pickup_location_id: int | None = None
    country: str = ""
    latitude: float | None = None
    longitude: float | None = None
    let_down: Mapping[int, frozenset[int]] = field(default_factory=dict)

    def at(self, location_id: int) -> Request:
        """The same request without the wants that this node let down before."""
        wants = tuple(w for w in self.wants if location_id not in self.let_down.get(w.line_id, ()))
        return self if len(wants) == len(self.wants) else Request(wants)


@dataclass(frozen=True, slots=True)
class Pick:
    """Units of one line from one node."""

    line_id: int
    item_id: int
    location_id: int
    quantity: int


def exclusion(request: Request, node: Node) -> str | None:
    """Why this node can't take part, or None. The first reason that applies is enough."""
    if node.status != "ACTIVE":
        return node.status.lower()
    if request.method == "PICKUP":
        if node.location_id != request.pickup_location_id:
            return "not the place of collection"
        if not node.pickup:
            return "offers no collection"
    elif not node.ships:
        return "does not ship"
    if not request.at(node.location_id).wants:
        return "fell short or declined before"
    return None


def wanted_units(wants: Iterable[Want]) -> dict[int, int]:
    """Units per item: two lines of one item are summed before they are compared with stock."""
    units: dict[int, int] = {}
    for want in wants:
        units[want.item_id] = units.get(want.item_id, 0) + want.quantity
    return units


def covers(request: Request, node: Node) -> bool:
    """Does this node alone have everything that is wanted?"""
    own = request.at(node.location_id)
    if len(own.wants) != len(request.wants):
        return False
    return all(node.free.get(item, 0) >= units for item, units in wanted_units(request.wants).items())
