"""One past order played again: the request and the nodes as its first decision kept them, by another ladder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from typing import Any, Self

from django.db.models import Sum

from inventory.models import Location
from orders import due
from orders.models import FulfilmentLine, LabelStatus, NodeTerms, Order, ParcelLabel, SourcingDecision
from orders.services import carriage, lookups, profiles
from orders.sourcing import Goods, Ladder, Node, Pick, Profile, Request, Restrictions, Want, measures, plan, quoting
from orders.sourcing.measures import Measures

HOUR = 3600.0
# Reasons of those days that today's place can't tell us; the others follow from the place and the policy.
UNRESTRICTED = Restrictions()
_CLOSED_THEN = frozenset({"paused", "closed", "closed for the day", "without a carrier"})


@dataclass(frozen=True, slots=True)
class Scene:
    """An order, its first decision, where its units really went, and what carriers charged for it, by currency."""

    order: Order
    told: dict[str, Any]
    happened: tuple[Pick, ...]
    goods: dict[int, Goods]
    charged: tuple[tuple[str, float], ...] = ()
    paces: dict[tuple[int, int], float] = field(default_factory=dict)


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
    charged: tuple[tuple[str, float], ...] = ()
    known: bool = True

    @property
    def same(self) -> bool:
        return {p.location_id for p in self.was} == {p.location_id for p in self.would}


def scenes(orders: Sequence[Order], ladder: Ladder) -> Iterator[Scene]:
    """A handful of queries, however many orders there are; with the paces of today where the ladder asks for any."""
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
    paces = lookups.paces(items) if "paces" in ladder.needs else {}
    charged = _charged(ids)
    for order in orders:
        pk = order.pk
        yield Scene(order, first.get(pk, {}), tuple(went.get(pk, ())), goods, tuple(charged.get(pk, ())), paces)


def _charged(order_ids: Sequence[int]) -> dict[int, list[tuple[str, float]]]:
    """What the labels of these orders' parcels cost."""
    rows = ParcelLabel.objects.filter(package__fulfilment__order__in=order_ids, status=LabelStatus.BOUGHT)
    sums = rows.exclude(cost=None).order_by().values_list("package__fulfilment__order_id", "currency")
    found: dict[int, list[tuple[str, float]]] = {}
    for order_id, currency, cost in sums.annotate(Sum("cost")):
        found.setdefault(order_id, []).append((currency, float(cost)))
    return found


class Stage:
    """The nodes as they are today, and one ladder. Keeps what it gave each node in the hour it stands at."""

    def __init__(self, ladder: Ladder):
        self.ladder = ladder
        self.services = carriage.services()
        figures = profiles.everyone()
        cut_offs: dict[int, time] = dict(NodeTerms.objects.values_list("location_id", "cut_off"))
        self.nodes: dict[int, Node] = {}
        self.leaves: dict[int, tuple[str, time]] = {}
        for place in Location.objects.all():
            limits = Restrictions(tuple(place.only_to), tuple(place.not_to), place.hazardous)
            self.nodes[place.pk] = Node(
                place.pk, place.code, {}, "ACTIVE", place.ships, place.pickup, place.priority, place.country, place.lat,
                place.lon, place.kind, None if limits == UNRESTRICTED else limits, figures[place.pk],
            )  # fmt: skip
            self.leaves[place.pk] = (place.time_zone, cut_offs.get(place.pk, due.CUT_OFF))
        self.hour = 0.0
        self.given: Counter[int] = Counter()
        self.profiles: dict[int, Profile] = {}  # as they last were; most stay so from one order to the next

    def play(self, scene: Scene) -> Outcome:
        order, told = scene.order, scene.told
        if not told:
            return Outcome(order, "", (), (), Measures(), Measures(), {}, known=False)
        now = order.placed_at.timestamp()
        if now // HOUR != self.hour:
            self.hour, self.given = now // HOUR, Counter()
        request = self._request(scene, now)
        nodes = self._as_they_were(told, order.placed_at, {pick.location_id for pick in scene.happened})
        offered = list(nodes.values())
        if "profiles" in self.ladder.needs:
            offered = quoting.quoted(request, offered, self.services)
        found = plan(request, offered, self.ladder)
        for pick in found.picks:
            self.given[pick.location_id] += pick.quantity
        return Outcome(
            order=order,
            rule=found.rule,
            was=scene.happened,
            would=tuple(found.picks),
            before=measures.of(request, scene.happened, nodes, self.services),
            after=measures.of(request, found.picks, nodes, self.services),
            codes={pk: node.code for pk, node in nodes.items()},
            charged=scene.charged,
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
            paces=scene.paces,
        )

    def _as_they_were(self, told: dict[str, Any], at: datetime, also: set[int]) -> dict[int, Node]:
        """Every node the decision saw, with the units it had free then. One that is gone since takes no part."""
        free, closed = _seen(told)
        leaves: dict[tuple[str, time], float] = {}
        made: dict[int, Node] = {}
        known, given, nowhere = self.profiles, self.given, dict[int, int]()
        for pk in free.keys() | also:
            node = self.nodes.get(pk)
            if node is None:
                continue
            key = self.leaves[pk]
            if key not in leaves:
                leaves[key] = due.next_departure(at.astimezone(UTC), *key).timestamp()
            own = known.get(pk)
            if own is None or own.leaves_at != leaves[key] or own.waiting != given[pk]:
                own = known[pk] = node.profile._replace(leaves_at=leaves[key], waiting=given[pk])
            status = closed.get(pk, "ACTIVE") if closed else "ACTIVE"
            made[pk] = Node._make((pk, node[1], free.get(pk, nowhere), status, *node[4:12], own))
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
            had = dict(zip(items, units, strict=False))
            free[pk] = free[pk] | had if pk in free else had
            if why in _CLOSED_THEN:
                closed[pk] = why.upper()
    return free, closed


@dataclass
class Side:
    """Sums over one side of a comparison. `promised` orders are those of which one can say whether they are late.

    `costs` is money by currency, `priced` counts parcels by where their price came from.
    """

    found: int = 0
    split: int = 0
    nodes: int = 0
    kilometres: float = 0.0
    promised: int = 0
    late: int = 0
    costs: dict[str, float] = field(default_factory=dict)
    priced: Counter[str] = field(default_factory=Counter)
    load: Counter[str] = field(default_factory=Counter)  # units by node's id

    def add(self, measured: Measures, picks: Sequence[Pick]) -> None:
        self.found += bool(picks)
        self.split += measured.nodes > 1
        self.nodes += measured.nodes
        self.kilometres += measured.kilometres
        self.promised += measured.late is not None
        self.late += measured.late is True
        for currency, cost in measured.costs:
            self.costs[currency] = self.costs.get(currency, 0.0) + cost
        self.priced.update(measured.priced)
        for pick in picks:
            self.load[str(pick.location_id)] += pick.quantity

    def written(self) -> dict[str, Any]:
        return {**vars(self), "priced": dict(self.priced), "load": dict(self.load)}

    @classmethod
    def read(cls, written: dict[str, Any]) -> Self:
        return cls(**written | {name: Counter(written[name]) for name in ("priced", "load")})


@dataclass
class Sums:
    """What came of a replay so far. As large as there are nodes, whatever the number of orders."""

    orders: int = 0
    unknown: int = 0  # never sourced, so there is nothing to replay
    changed: int = 0
    labelled: int = 0  # orders whose labels' cost is known
    charged: dict[str, float] = field(default_factory=dict)  # for those, by currency
    before: Side = field(default_factory=Side)
    after: Side = field(default_factory=Side)

    def add(self, outcome: Outcome) -> None:
        if not outcome.known:
            self.unknown += 1
            return
        self.orders += 1
        self.changed += not outcome.same
        self.labelled += bool(outcome.charged)
        for currency, cost in outcome.charged:
            self.charged[currency] = self.charged.get(currency, 0.0) + cost
        self.before.add(outcome.before, outcome.was)
        self.after.add(outcome.after, outcome.would)

    def written(self) -> dict[str, Any]:
        return {**vars(self), "before": self.before.written(), "after": self.after.written()}

    @classmethod
    def read(cls, written: dict[str, Any]) -> Self:
        sides: dict[str, Any] = {name: Side.read(written[name]) for name in ("before", "after") if name in written}
        return cls(**written | sides)
