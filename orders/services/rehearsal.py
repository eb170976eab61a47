"""One past order played again: the request and the nodes as its first decision kept them, by another ladder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from typing import Any, Self

from inventory.models import Location
from orders import due
from orders.models import FulfilmentLine, NodeTerms, Order, SourcingDecision
from orders.services import lookups, profiles
from orders.sourcing import Goods, Ladder, Node, Pick, Request, Restrictions, Want, measures, plan
from orders.sourcing.measures import Measures

HOUR = 3600.0
# Reasons of those days that today's place can't tell us; the others follow from the place and the policy.
_CLOSED_THEN = frozenset({"paused", "closed", "closed for the day", "without a carrier"})


@dataclass(frozen=True, slots=True)
class Scene:
    """An order, its first decision, and where its units really went."""

    order: Order
    told: dict[str, Any]
    happened: tuple[Pick, ...]
    goods: dict[int, Goods]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What really happened, and what the ladder would have done. Without a decision there is nothing to replay."""

    order: Order
    rule: str
    was: tuple[Pick, ...]
    would: tuple[Pick, ...]
    before: Measures
    after: Measures
    codes: dict[int, str]
    known: bool = True

    @property
    def same(self) -> bool:
        return {p.location_id for p in self.was} == {p.location_id for p in self.would}


def scenes(orders: Sequence[Order]) -> Iterator[Scene]:
    """A handful of queries, however many orders there are."""
    ids = [order.pk for order in orders]
    told = SourcingDecision.objects.filter(order__in=ids).order_by("order_id", "sequence").distinct("order_id")
    first: dict[int, dict[str, Any]] = dict(told.values_list("order_id", "explanation"))
    went: dict[int, list[Pick]] = {}
    lines = FulfilmentLine.objects.filter(order_line__order__in=ids, quantity__gt=0).values_list(
        "order_line__order_id", "order_line_id", "item_id", "location_id", "quantity"
    )
    for order_id, *pick in lines:
        went.setdefault(order_id, []).append(Pick(*pick))
    items = {want[1] for told in first.values() for want in _wants(told)}
    goods = lookups.goods_of(items) if items else {}
    for order in orders:
        yield Scene(order, first.get(order.pk, {}), tuple(went.get(order.pk, ())), goods)


class Stage:
    """The nodes as they are today, and one ladder. Keeps what it gave each node in the hour it stands at."""

    def __init__(self, ladder: Ladder):
        self.ladder = ladder
        figures = profiles.everyone()
        cut_offs: dict[int, time] = dict(NodeTerms.objects.values_list("location_id", "cut_off"))
        self.nodes: dict[int, Node] = {}
        self.leaves: dict[int, tuple[str, time]] = {}
        for place in Location.objects.all():
            limits = Restrictions(tuple(place.only_to), tuple(place.not_to), place.hazardous)
            self.nodes[place.pk] = Node(
                place.pk, place.code, {}, "ACTIVE", place.ships, place.pickup, place.priority, place.country, place.lat,
                place.lon, place.kind, limits, figures[place.pk],
            )  # fmt: skip
            self.leaves[place.pk] = (place.time_zone, cut_offs.get(place.pk, due.CUT_OFF))
        self.hour = 0.0
        self.given: Counter[int] = Counter()

    def play(self, scene: Scene) -> Outcome:
        order, told = scene.order, scene.told
        if not told:
            return Outcome(order, "", (), (), Measures(), Measures(), {}, known=False)
        now = order.placed_at.timestamp()
        if now // HOUR != self.hour:
            self.hour, self.given = now // HOUR, Counter()
        request = self._request(scene, now)
        nodes = self._as_they_were(told, order.placed_at, {pick.location_id for pick in scene.happened})
        found = plan(request, list(nodes.values()), self.ladder)
        for pick in found.picks:
            self.given[pick.location_id] += pick.quantity
        return Outcome(
            order=order,
            rule=found.rule,
            was=scene.happened,
            would=tuple(found.picks),
            before=measures.of(request, scene.happened, nodes),
            after=measures.of(request, found.picks, nodes),
            codes={pk: node.code for pk, node in nodes.items()},
        )

    def _request(self, scene: Scene, now: float) -> Request:
        order, address, told = scene.order, scene.order.ship_to or {}, scene.told
        items = {want[1] for want in _wants(told)}
        return Request(
            wants=tuple(Want(*want) for want in _wants(told)),
            method=told.get("method", order.method),
            pickup_location_id=order.pickup_location_id,
            country=address.get("country", ""),
            latitude=address.get("latitude"),
            longitude=address.get("longitude"),
            province=address.get("region", ""),
            postal_code=address.get("postal_code", ""),
            channel=order.channel.code,
            tags=tuple(order.tags),
            value=float(order.subtotal if order.total is None else order.total),
            currency=order.currency,
            worth={int(line): worth for line, worth in told.get("worth", {}).items()},
            goods={item: scene.goods[item] for item in items if item in scene.goods},
            now=now,
            promise_by=told.get("promise_by"),
        )

    def _as_they_were(self, told: dict[str, Any], at: datetime, also: set[int]) -> dict[int, Node]:
        """Every node the decision saw, with the units it had free then. One that is gone since takes no part."""
        free, closed = _seen(told)
        leaves: dict[tuple[str, time], float] = {}
        made: dict[int, Node] = {}
        for pk in free.keys() | also:
            node = self.nodes.get(pk)
            if node is None:
                continue
            key = self.leaves[pk]
            if key not in leaves:
                leaves[key] = due.next_departure(at.astimezone(UTC), *key).timestamp()
            figures = node.profile._replace(leaves_at=leaves[key], waiting=self.given[pk])
            made[pk] = node._replace(free=free.get(pk, {}), status=closed.get(pk, "ACTIVE"), profile=figures)
        return made


def _wants(told: dict[str, Any]) -> list[list[int]]:
    return [want for group in _groups(told) for want in group.get("wants", ())]


def _groups(told: dict[str, Any]) -> list[dict[str, Any]]:
    return [told, *told.get("alone", ())]


def _seen(told: dict[str, Any]) -> tuple[dict[int, dict[int, int]], dict[int, str]]:
    """Free units by node and item, and the nodes that were closed."""
    free: dict[int, dict[int, int]] = {}
    closed: dict[int, str] = {}
    for group in _groups(told):
        items = [want[1] for want in group.get("wants", ())]
        rows = [(each["id"], "", each.get("free", ())) for each in group.get("candidates", ())]
        rows += [(pk, "", units) for pk, _, units in group.get("others", ())]
        rows += [(each["id"], each["why"], each.get("free", ())) for each in group.get("excluded", ())]
        rows += [(pk, why, units) for pk, why, units in group.get("excluded_others", ())]
        for pk, why, units in rows:
            free.setdefault(pk, {}).update(zip(items, units, strict=False))
            if why in _CLOSED_THEN:
                closed[pk] = why.upper()
    return free, closed


@dataclass
class Side:
    """Sums over one side of a comparison. `promised` orders are those of which one can say whether they are late."""

    found: int = 0
    split: int = 0
    nodes: int = 0
    kilometres: float = 0.0
    cost: float = 0.0
    promised: int = 0
    late: int = 0
    load: Counter[str] = field(default_factory=Counter)  # units by node's id

    def add(self, measured: Measures, picks: Sequence[Pick]) -> None:
        self.found += bool(picks)
        self.split += measured.nodes > 1
        self.nodes += measured.nodes
        self.kilometres += measured.kilometres
        self.cost += measured.cost
        self.promised += measured.late is not None
        self.late += measured.late is True
        for pick in picks:
            self.load[str(pick.location_id)] += pick.quantity


@dataclass
class Sums:
    """What came of a replay so far. As large as there are nodes, whatever the number of orders."""

    orders: int = 0
    unknown: int = 0  # never sourced, so there is nothing to replay
    changed: int = 0
    before: Side = field(default_factory=Side)
    after: Side = field(default_factory=Side)

    def add(self, outcome: Outcome) -> None:
        if not outcome.known:
            self.unknown += 1
            return
        self.orders += 1
        self.changed += not outcome.same
        self.before.add(outcome.before, outcome.was)
        self.after.add(outcome.after, outcome.would)

    def written(self) -> dict[str, Any]:
        sides = {name: {**vars(side), "load": dict(side.load)} for name, side in self._sides()}
        return {"orders": self.orders, "unknown": self.unknown, "changed": self.changed, **sides}

    def _sides(self) -> tuple[tuple[str, Side], ...]:
        return ("before", self.before), ("after", self.after)

    @classmethod
    def read(cls, written: dict[str, Any]) -> Self:
        if not written:
            return cls()
        before, after = (Side(**written[name]) for name in ("before", "after"))
        before.load, after.load = Counter(before.load), Counter(after.load)
        return cls(written["orders"], written["unknown"], written["changed"], before, after)
