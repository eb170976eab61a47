"""A batch of waiting orders placed together, where one by one the first would take what a later one needs more.

Every way an order may go is an answer of the ladder itself: its first, and what it answers once nodes of an earlier
answer are not there. So whatever is chosen keeps the policy. A solver (HiGHS) picks at most one answer an order. What
is better comes in the ladder's own sequence: more orders placed, earlier rules, fewer parcels, higher ranked nodes;
each is settled before the next is asked, so that no number of kilometres buys a parcel. The answers one by one are
among the choices, and stand where the solver finds nothing better in time.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from time import monotonic
from typing import Any

from core.errors import Refusal
from orders.sourcing.candidates import Node, Pick, Request
from orders.sourcing.ladder import Plan, plan
from orders.sourcing.rules import Ladder

WAYS = 8  # answers looked at for one order
SECONDS = 20.0  # of solving, over all steps
Cost = tuple[int, int, int, int]  # left waiting, rules passed over, parcels, places down the ranking


@dataclass(frozen=True, slots=True)
class Waiting:
    """One order of the batch, with the nodes as they stand for it alone."""

    order_id: int
    request: Request
    nodes: Sequence[Node]
    ladder: Ladder


@dataclass(frozen=True, slots=True)
class Way:
    """One answer of the ladder for one order."""

    picks: tuple[Pick, ...]
    rule: str
    cost: Cost

    @property
    def places(self) -> frozenset[int]:
        return frozenset(pick.location_id for pick in self.picks)


NOWHERE: Cost = (1, 0, 0, 0)
Chosen = dict[int, Way]  # by order


@dataclass(slots=True)
class Batch:
    """Both answers. `together` is never worse than `one_by_one`, compared by `cost`."""

    orders: Sequence[Waiting]
    one_by_one: Chosen = field(default_factory=dict)
    together: Chosen = field(default_factory=dict)
    proven: bool = True  # False: time ran out, a better answer may exist

    def cost(self, chosen: Chosen) -> Cost:
        return total(chosen, len(self.orders))


def total(chosen: Mapping[int, Way], orders: int) -> Cost:
    sums = [sum(column) for column in zip(NOWHERE, *(way.cost for way in chosen.values()), strict=True)]
    return orders - len(chosen), sums[1], sums[2], sums[3]


def available() -> bool:
    return find_spec("highspy") is not None


def require() -> None:
    if not available():
        words = "Placing orders together needs the optional solver: install requirements/optimise.lock."
        raise Refusal("no_solver", words, status=422)


def place(orders: Sequence[Waiting], *, seconds: float = SECONDS) -> Batch:
    """Where every order of the batch goes, together and one by one in the sequence given.

    Refusal("no_solver") where the optional solver isn't installed.
    """
    require()
    batch = Batch(orders)
    batch.one_by_one = _one_by_one(orders)
    ways = {each.order_id: _ways(each, batch.one_by_one.get(each.order_id)) for each in orders}
    found, batch.proven = _solve(orders, ways, batch.one_by_one, seconds)
    better = found is not None and batch.cost(found) < batch.cost(batch.one_by_one)
    batch.together = found if found is not None and better else batch.one_by_one
    return batch


def _one_by_one(orders: Sequence[Waiting]) -> Chosen:
    taken: Counter[tuple[int, int]] = Counter()
    busy: Counter[int] = Counter()
    chosen: Chosen = {}
    for each in orders:
        way = _way(each, _left(each.nodes, taken, busy))
        if way is None:
            continue
        chosen[each.order_id] = way
        for pick in way.picks:
            taken[pick.location_id, pick.item_id] += pick.quantity
            busy[pick.location_id] += pick.quantity
    return chosen


def _left(nodes: Sequence[Node], taken: Mapping[tuple[int, int], int], busy: Mapping[int, int]) -> list[Node]:
    """The nodes after what orders before took of their stock and of their hour."""
    left = []
    for node in nodes:
        if node.location_id in busy:
            free = {item: units - taken.get((node.location_id, item), 0) for item, units in node.free.items()}
            own = node.profile._replace(waiting=node.profile.waiting + busy[node.location_id])
            left.append(node._replace(free=free, profile=own))
        else:
            left.append(node)
    return left


def _ways(each: Waiting, known: Way | None) -> list[Way]:
    """The ladder's first answer, then its answers without one node more of those it chose before: the nearest first."""
    found: dict[frozenset[tuple[int, int, int]], Way] = {}
    if known is not None:
        found[_shape(known)] = known
    asked: set[frozenset[int]] = set()
    queue: deque[frozenset[int]] = deque([frozenset()])
    while queue and len(found) < WAYS:
        without = queue.popleft()
        if without in asked:
            continue
        asked.add(without)
        way = _way(each, [node for node in each.nodes if node.location_id not in without])
        if way is not None:
            found.setdefault(_shape(way), way)
            queue.extend(without | {place} for place in sorted(way.places))
    return list(found.values())


def _shape(way: Way) -> frozenset[tuple[int, int, int]]:
    return frozenset((pick.line_id, pick.location_id, pick.quantity) for pick in way.picks)


def _way(each: Waiting, nodes: Sequence[Node]) -> Way | None:
    answer = plan(each.request, nodes, each.ladder)
    return Way(tuple(answer.picks), answer.rule, _cost(each, answer)) if answer.picks else None


def _cost(each: Waiting, answer: Plan) -> Cost:
    """By the order's own ranking of all its nodes: the rank mustn't depend on which of them were left out."""
    names = [rule.name for rule in each.ladder.rules]
    parts = [answer, *answer.alone]
    passed = sum(names.index(part.rule) for part in parts)
    parcels = places = 0
    for part in parts:
        lines = {want.line_id for want in part.wants}
        mine = {pick.location_id for pick in answer.picks if pick.line_id in lines}
        order = _ranking(each, part)
        parcels += len(mine)
        places += sum(order.get(pk, len(order)) for pk in mine)
    return 0, passed, parcels, places


def _ranking(each: Waiting, part: Plan) -> dict[int, int]:
    """Places of the nodes by the rule that decided, as the whole stock stands."""
    rule = next(rule for rule in each.ladder.rules if rule.name == part.rule)
    scores: list[list[float]] = [criterion.judge(each.request, each.nodes)[0] for criterion in rule.criteria]
    rows = [tuple(column[n] for column in scores) for n in range(len(each.nodes))]
    places = sorted(range(len(rows)), key=lambda n: (each.nodes[n].priority, each.nodes[n].code))
    places.sort(key=rows.__getitem__, reverse=True)
    return {each.nodes[n].location_id: place for place, n in enumerate(places)}


# --- The solver


def _solve(
    orders: Sequence[Waiting], ways: Mapping[int, list[Way]], first: Chosen, seconds: float
) -> tuple[Chosen | None, bool]:
    """The best choice of at most one way an order; and whether it is proven that no choice of these ways is better."""
    columns = [(order_id, way) for order_id, found in ways.items() for way in found]
    if not columns:
        return {}, True
    ends = monotonic() + seconds
    highs: Any = import_module("highspy")
    h = highs.Highs()
    h.setOptionValue("output_flag", False)
    h.setOptionValue("mip_rel_gap", 0.0)
    h.setOptionValue("threads", 1)
    x = [h.addBinary() for _ in columns]
    for terms, most in _limits(orders, columns, first):
        h.addConstr(h.qsum(n * x[at] for at, n in terms) <= most)
    best: Chosen | None = None
    for weights in _objectives(columns):
        h.setOptionValue("time_limit", h.getRunTime() + max(0.1, ends - monotonic()))
        aim = h.qsum(weight * x[at] for at, weight in enumerate(weights) if weight)
        if not any(weights):
            continue
        h.minimize(aim)
        if h.getModelStatus() != highs.HighsModelStatus.kOptimal:
            return best, False
        values = [round(value) for value in h.getSolution().col_value]
        best = {columns[at][0]: columns[at][1] for at, value in enumerate(values) if value}
        h.addConstr(aim <= sum(weight * value for weight, value in zip(weights, values, strict=True)))
    return best, True


def _objectives(columns: Sequence[tuple[int, Way]]) -> list[list[int]]:
    return [[-1] * len(columns), *([way.cost[n] for _, way in columns] for n in (1, 2, 3))]


def _limits(
    orders: Sequence[Waiting], columns: Sequence[tuple[int, Way]], first: Chosen
) -> list[tuple[list[tuple[int, int]], float]]:
    """One way an order; of each shelf what is free; of each node's hour what the policy leaves it."""
    free: dict[tuple[int, int], int] = {}
    hours: dict[int, float] = {}
    for each in orders:
        least = _least(each.ladder)
        for node in each.nodes:
            free.update({(node.location_id, item): units for item, units in node.free.items()})
            own = node.profile
            if least is not None and own.capacity is not None:
                hours[node.location_id] = max(0.0, own.capacity * (1 - least) - own.waiting)
    one: dict[int, list[tuple[int, int]]] = {}
    shelves: dict[tuple[int, int], Counter[int]] = {}
    hands: dict[int, Counter[int]] = {}
    for at, (order_id, way) in enumerate(columns):
        one.setdefault(order_id, []).append((at, 1))
        for pick in way.picks:
            shelves.setdefault((pick.location_id, pick.item_id), Counter())[at] += pick.quantity
            hands.setdefault(pick.location_id, Counter())[at] += pick.quantity
    given = Counter[int]()  # one by one, the last order may still go over the edge of an hour: so it may here
    for way in first.values():
        given.update({pk: sum(p.quantity for p in way.picks if p.location_id == pk) for pk in way.places})
    limits = [(terms, 1.0) for terms in one.values()]
    limits += [(list(terms.items()), float(free[shelf])) for shelf, terms in shelves.items()]
    limits += [(list(hands[pk].items()), max(hours[pk], given[pk])) for pk in hands.keys() & hours.keys()]
    return limits


def _least(ladder: Ladder) -> float | None:
    """The share of an hour the policy wants left at a node before it asks it, where it says so."""
    given = [
        dict(each.given).get("least") for rule in ladder.rules for each in rule.criteria if each.name == "capacity"
    ]
    return max((least for least in given if least is not None), default=None)
