"""What sourcing looks at: wants, the goods and the address behind them, nodes, and why a node is out at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import time
from functools import cached_property
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class Want:
    """Units of one order line that need a node. Two lines of the same item are two wants."""

    line_id: int
    item_id: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Goods:
    """An article. Of its attributes sourcing itself reads `hazardous`, `ship_alone`, `only_to` and `not_to`.

    What holds for a part holds for the kit: `parts` are its parts' attributes.
    """

    grams: int = 0
    cost: float = 0.0
    currency: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    parts: tuple[Mapping[str, Any], ...] = ()

    @property
    def hazardous(self) -> bool:
        return self._is("hazardous")

    @property
    def ship_alone(self) -> bool:
        return self._is("ship_alone")

    def traits(self) -> set[str]:
        """The attributes that are simply true of it or of a part."""
        return {name for held in (self.attributes, *self.parts) for name, value in held.items() if value is True}

    def _is(self, trait: str) -> bool:
        if self.attributes.get(trait) is True:
            return True
        return bool(self.parts) and any(held.get(trait) is True for held in self.parts)


class Profile(NamedTuple):
    """What a node's people state of it and what was measured; money in `currency`."""

    capacity: float | None = None  # units it can pick in this hour; None is no limit
    waiting: int = 0  # units promised there and not picked yet
    refusals: float | None = None  # share of units it came up short on or declined; None while too few are known
    leaves_at: float | None = None  # when the next carrier leaves that there is time for, in seconds since 1970
    days: float = 1.0
    days_abroad: float = 3.0
    parcel: float | None = None
    parcel_abroad: float | None = None
    kilo: float = 0.0
    handling: float | None = None
    handling_unit: float = 0.0
    currency: str = ""
    time_zone: str = ""
    cut_off: time | None = None  # its last handover of the day, in its own time


UNKNOWN = Profile()
# Nothing leaves from there for now; what is collected there is collected later.
FOR_NOW = frozenset({"CLOSED FOR THE DAY", "WITHOUT A CARRIER"})


class Restrictions(NamedTuple):
    """Where a node may deliver (regions; empty is everywhere) and whether it may handle hazardous goods."""

    only_to: tuple[str, ...] = ()
    not_to: tuple[str, ...] = ()
    hazardous: bool = True


class Node(NamedTuple):
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
    kind: str = ""
    restrictions: Restrictions | None = None
    profile: Profile = UNKNOWN


class Place(NamedTuple):
    """Where the parcel goes, as regions are written: GB, GB-NIR (ISO 3166-2), or GB:BT (the postal code begins so)."""

    country: str = ""
    province: str = ""
    postal_code: str = ""

    def within(self, regions: Iterable[str]) -> bool:
        return any(self._is_in(region) for region in regions)

    def _is_in(self, region: str) -> bool:
        if ":" in region:
            country, _, begins = region.partition(":")
            return self.country == country and self.postal_code.upper().startswith(begins)
        return region in {self.country, f"{self.country}-{self.province}", self.province}


@dataclass(frozen=True)
class Request:
    """What an order needs: its wants, how and where it goes, and which nodes already let which line down."""

    wants: tuple[Want, ...]
    method: str = "SHIP"
    pickup_location_id: int | None = None
    country: str = ""
    latitude: float | None = None
    longitude: float | None = None
    let_down: Mapping[int, frozenset[int]] = field(default_factory=dict)
    province: str = ""
    postal_code: str = ""
    channel: str = ""
    tags: tuple[str, ...] = ()
    value: float = 0.0  # of the whole order, as the customer pays it
    currency: str = ""
    worth: Mapping[int, float] = field(default_factory=dict)  # per line, what its wanted units are sold for
    goods: Mapping[int, Goods] = field(default_factory=dict)
    now: float = 0.0  # seconds since 1970
    promise_by: float | None = None
    paces: Mapping[tuple[int, int], float] = field(default_factory=dict)  # (item, location): units sold a day there

    @cached_property
    def place(self) -> Place:
        return Place(self.country, self.province, self.postal_code)

    @cached_property
    def units(self) -> int:
        return sum(want.quantity for want in self.wants)

    @cached_property
    def kilos(self) -> float:
        return sum(want.quantity * self.article(want).grams for want in self.wants) / 1000

    @cached_property
    def sold_for(self) -> float:
        return sum(self.worth.get(want.line_id, 0.0) for want in self.wants)

    @cached_property
    def bought_for(self) -> float:
        """What the goods cost, as far as that is known in the order's currency."""
        known = (want for want in self.wants if self.article(want).currency == self.currency)
        return sum(want.quantity * self.article(want).cost for want in known)

    def article(self, want: Want) -> Goods:
        return self.goods.get(want.item_id, PLAIN)

    def groups(self) -> list[Request]:
        """What may share a parcel, together; every article that ships alone, by itself. Groups never share an item."""
        alone = {want.item_id for want in self.wants if self.article(want).ship_alone}
        if not alone or len({want.item_id for want in self.wants}) == 1:
            return [self]
        rest = tuple(want for want in self.wants if want.item_id not in alone)
        made = [tuple(want for want in self.wants if want.item_id == item) for item in sorted(alone)]
        return [replace(self, wants=wants) for wants in [rest, *made] if wants]


PLAIN = Goods()


@dataclass(frozen=True, slots=True)
class Pick:
    """Units of one line from one node."""

    line_id: int
    item_id: int
    location_id: int
    quantity: int


def exclusions(request: Request, nodes: Iterable[Node]) -> tuple[list[Node], list[tuple[Node, str]]]:
    """The nodes that may take part, and the others with the first reason that applies, whatever the policy says."""
    fit: list[Node] = []
    out: list[tuple[Node, str]] = []
    barred = goods_barred(request)
    hazardous = any(request.article(want).hazardous for want in request.wants)
    simple = request.method != "PICKUP" and not request.let_down and not barred
    for node in nodes:
        if simple and node.status == "ACTIVE" and node.ships and node.restrictions is None:
            fit.append(node)  # nearly every node of nearly every order, so without the calls
            continue
        why = barred or _exclusion(request, node, hazardous)
        if why:
            out.append((node, why))
        else:
            fit.append(node)
    return fit, out


def exclusion(request: Request, node: Node) -> str | None:
    """Why this node can't take part, or None."""
    _, out = exclusions(request, [node])
    return out[0][1] if out else None


def goods_barred(request: Request) -> str:
    """Why something wanted may not go there at all, from anywhere."""
    if request.method == "PICKUP" or not request.country:
        return ""
    for want in request.wants:
        article = request.article(want)
        for held in (article.attributes, *article.parts):
            only, never = _regions(held.get("only_to")), _regions(held.get("not_to"))
            if (only and not request.place.within(only)) or (never and request.place.within(never)):
                return "something wanted may not go there"
    return ""


def _regions(given: Any) -> tuple[str, ...]:
    return tuple(each for each in given if isinstance(each, str)) if isinstance(given, list | tuple) else ()


def _exclusion(request: Request, node: Node, hazardous: bool) -> str:
    if node.status != "ACTIVE" and not (request.method == "PICKUP" and node.status in FOR_NOW):
        return node.status.lower()
    if request.method == "PICKUP":
        if node.location_id != request.pickup_location_id:
            return "not the place of collection"
        if not node.pickup:
            return "offers no collection"
    elif not node.ships:
        return "does not ship"
    if node.restrictions is not None and (why := _restricted(request, node.restrictions, hazardous)):
        return why
    if request.let_down and all(node.location_id in request.let_down.get(w.line_id, ()) for w in request.wants):
        return "fell short or declined before"
    return ""


def _restricted(request: Request, rules: Restrictions, hazardous: bool) -> str:
    if hazardous and not rules.hazardous:
        return "handles no hazardous goods"
    if request.method == "PICKUP" or not request.country:
        return ""
    if rules.only_to and not request.place.within(rules.only_to):
        return "does not deliver there"
    return "does not deliver there" if request.place.within(rules.not_to) else ""


def wanted_units(wants: Iterable[Want]) -> dict[int, int]:
    """Units per item: two lines of one item are summed before they are compared with stock."""
    units: dict[int, int] = {}
    for want in wants:
        units[want.item_id] = units.get(want.item_id, 0) + want.quantity
    return units
