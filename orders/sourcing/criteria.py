"""How good nodes are for a request: each criterion gives every node 0 to 1, higher is better, or leaves it out.

A criterion judges all nodes in one go: five hundred calls for each of ten criteria would cost more than the search.
What isn't known counts for nobody and against nobody, so that the next criterion decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import asin, dist

from orders.geography import EARTH_KM, kilometres, point
from orders.sourcing.candidates import Node, Request, wanted_units

DAY = 86_400.0
EVEN = 0.5  # for a figure nobody stated

Settings = Mapping[str, float]
Verdict = tuple[list[float], dict[int, str]]  # a score for each node; and those left out, by place in the list


@dataclass(frozen=True, slots=True)
class Setting:
    """One number a criterion can be tuned with. Without a default it does nothing until somebody sets it."""

    name: str
    words: str
    default: float | None
    least: float = 0.0
    most: float = 1_000_000.0


@dataclass(frozen=True, slots=True)
class Kind:
    """A criterion as policies know it. `needs` says what has to be read for it: profiles, paces."""

    name: str
    title: str
    words: str
    judge: Callable[[Request, Sequence[Node], Settings], Verdict]
    settings: tuple[Setting, ...] = ()
    needs: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Criterion:
    """A criterion as one rule uses it. Scores closer than `step` count as equal."""

    name: str
    given: tuple[tuple[str, float], ...] = ()
    step: float = 0.01

    @property
    def kind(self) -> Kind:
        return CRITERIA[self.name]

    def judge(self, request: Request, nodes: Sequence[Node]) -> Verdict:
        kind = CRITERIA[self.name]
        settings = {each.name: each.default for each in kind.settings if each.default is not None} | dict(self.given)
        raw, out = kind.judge(request, nodes, settings)
        if self.step == 0.01:
            return [int(score * 100 + 0.5) / 100 for score in raw], out  # a third of what round() costs
        return [round(round(score / self.step) * self.step, 4) for score in raw], out


def away(request: Request, node: Node) -> float | None:
    """Kilometres from the node to the address, where both positions are known."""
    if request.latitude is None or request.longitude is None or node.latitude is None or node.longitude is None:
        return None
    return kilometres(request.latitude, request.longitude, node.latitude, node.longitude)


def abroad(request: Request, node: Node) -> bool:
    """Unknown countries count as foreign to nobody."""
    return bool(request.country and node.country and request.country != node.country)


def shipping_cost(request: Request, node: Node) -> float | None:
    """One parcel of everything wanted from this node; None where nobody stated what its parcels cost."""
    if request.method == "PICKUP":
        return 0.0
    own = node.profile
    far = own.parcel_abroad is not None and abroad(request, node)
    parcel = own.parcel_abroad if far else own.parcel
    return None if parcel is None else parcel + own.kilo * request.kilos


def handling_cost(request: Request, node: Node) -> float | None:
    own = node.profile
    return None if own.handling is None else own.handling + own.handling_unit * request.units


def arrival(request: Request, node: Node) -> float | None:
    """When a parcel from there would be with the customer, in seconds since 1970."""
    own = node.profile
    if own.leaves_at is None or request.method == "PICKUP":
        return own.leaves_at
    far = node.country and request.country and node.country != request.country  # abroad(), without the call
    return own.leaves_at + (own.days_abroad if far else own.days) * DAY


# --- The criteria


def _domestic(request: Request, nodes: Sequence[Node], given: Settings) -> Verdict:
    home = request.country
    return [1.0 if not home or not node.country or node.country == home else 0.0 for node in nodes], {}


def _distance(request: Request, nodes: Sequence[Node], given: Settings) -> Verdict:
    half, most = given["half"], given.get("most")
    if request.latitude is None or request.longitude is None:
        return [0.0] * len(nodes), {}
    here, across = point(request.latitude, request.longitude), 2 * EARTH_KM  # kilometres(), without the call
    away = [
        None
        if node.latitude is None or node.longitude is None
        else across * asin(min(1.0, dist(point(node.latitude, node.longitude), here) / 2))
        for node in nodes
    ]
    out = {
        n: f"{far:.0f} km away, at most {most:.0f} allowed"
        for n, far in enumerate(away if most is not None else ())
        if far is not None and most is not None and far > most
    }
    return [0.0 if far is None else half / (half + far) for far in away], out


def _priority(request: Request, nodes: Sequence[Node], given: Settings) -> Verdict:
    return [1.0 / (1.0 + max(0, node.priority) / 100) for node in nodes], {}


def _depth(request: Request, nodes: Sequence[Node], given: Settings) -> Verdict:
    free = [node.free for node in nodes]
    least = [1.0] * len(nodes)
    for item, wanted in wanted_units(request.wants).items():
        # Where something is missing the least is nothing, whatever else lies there.
        least = [
            0.0 if low == 0.0 or (units := has.get(item, 0)) <= wanted else min(low, (units - wanted) / units)
            for low, has in zip(least, free, strict=True)
        ]
    return least, {}


def _ageing(request: Request, nodes: Sequence[Node], given: Settings) -> Verdict:
    """Days the shelf would last at the pace things sell there: what sells nowhere near it goes first."""
    half, pace = given["half"], request.paces.get
    items = list(wanted_units(request.wants))
    scores = []
    for node in nodes:
        shares = []
        for item in items:
            free = node.free.get(item, 0)
            if free > 0:
                sold = pace((item, node.location_id), 0.0)
                days = free / sold if sold > 0 else 0.0
                shares.append(days / (days + half) if sold > 0 else 1.0)
        scores.append(sum(shares) / len(shares) if shares else 0.0)
    return scores, {}


def _capacity(request: Request, nodes: Sequence[Node], given: Settings) -> Verdict:
    least = given.get("least")
    owns = [node.profile for node in nodes]
    scores = [
        1.0 if (most := own.capacity) is None else 1.0 - own.waiting / most if own.waiting < most else 0.0
        for own in owns
    ]
    out = {
        n: f"busy: {owns[n].waiting} units wait, {owns[n].capacity:.0f} can be picked this hour"
        for n, left in enumerate(scores if least is not None else ())
        if least is not None and left < least and owns[n].capacity is not None
    }
    return scores, out


def _promise(request: Request, nodes: Sequence[Node], given: Settings) -> Verdict:
    """1 where it comes in time, less for every day late; without a promise, the sooner the better."""
    late, promised = given.get("late"), request.promise_by
    asked = request.now if promised is None else promised
    arrivals = [arrival(request, node) for node in nodes]
    out = {
        n: f"would come {(at - asked) / DAY:.1f} days after the promise"
        for n, at in enumerate(arrivals if late is not None and promised is not None else ())
        if at is not None and late is not None and (at - asked) / DAY > late
    }
    return [EVEN if at is None else 1.0 if at <= asked else 1.0 / (1.0 + (at - asked) / DAY) for at in arrivals], out


def _cheap(cost: Callable[[Request, Node], float | None], word: str) -> Callable[..., Verdict]:
    def judge(request: Request, nodes: Sequence[Node], given: Settings) -> Verdict:
        half, most = given["half"], given.get("most")
        costs = [cost(request, node) for node in nodes]
        out = {
            n: f"{word} would cost {each:.2f}, at most {most:.2f} allowed"
            for n, each in enumerate(costs)
            if most is not None and each is not None and each > most
        }
        return [EVEN if each is None else half / (half + each) for each in costs], out

    return judge


def _margin(request: Request, nodes: Sequence[Node], given: Settings) -> Verdict:
    """What is left of the price after goods, parcel and handling, as a share of it."""
    least, price, goods = given.get("least"), request.sold_for, request.bought_for
    if price <= 0:
        return [EVEN] * len(nodes), {}
    scores: list[float] = []
    out: dict[int, str] = {}
    for n, node in enumerate(nodes):
        parcel, work = shipping_cost(request, node), handling_cost(request, node)
        if node.profile.currency != request.currency:
            parcel = work = None  # nobody converts here
        left = (price - goods - (parcel or 0.0) - (work or 0.0)) / price
        scores.append(EVEN if parcel is None and work is None else min(1.0, max(0.0, left)))
        if least is not None and left < least and not (parcel is None and work is None):
            out[n] = f"{left:.0%} of the price would be left, at least {least:.0%} wanted"
    return scores, out


def _rejections(request: Request, nodes: Sequence[Node], given: Settings) -> Verdict:
    most = given.get("most")
    scores, out = [], {}
    for n, node in enumerate(nodes):
        refused = node.profile.refusals or 0.0
        scores.append(1.0 - refused)
        if most is not None and refused > most:
            out[n] = f"refuses {refused:.0%} of what it is asked for"
    return scores, out


def _region(request: Request, nodes: Sequence[Node], given: Settings) -> Verdict:
    """What nodes and goods may not do is out before any policy is asked; this prefers nodes made for the region."""
    place = request.place
    return [1.0 if n.restrictions and n.restrictions.only_to and place.within(n.restrictions.only_to) else EVEN
            for n in nodes], {}  # fmt: skip


def _hazardous(request: Request, nodes: Sequence[Node], given: Settings) -> Verdict:
    """Hazardous goods stay in their country unless `abroad` lets them out. Others make no difference."""
    if not any(request.article(want).hazardous for want in request.wants):
        return [1.0] * len(nodes), {}
    crossing = [abroad(request, node) for node in nodes]
    out = {n: "hazardous goods would cross a border" for n, crosses in enumerate(crossing) if crosses}
    return [0.0 if crosses else 1.0 for crosses in crossing], {} if given["abroad"] else out


_PROFILES, _PACES = frozenset({"profiles"}), frozenset({"paces"})
CRITERIA: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("promise", "Promise date", "in time first, then the least late", _promise,
             (Setting("late", "Out when more days late than", None, 0, 365),), _PROFILES),
        Kind("distance", "Distance", "near the address", _distance,
             (Setting("half", "Half the score at, km", 250, 1, 20_000),
              Setting("most", "Out beyond, km", None, 0, 20_000))),
        Kind("domestic", "Same country", "no customs", _domestic),
        Kind("depth", "Stock depth", "takes from plenty before it empties a shelf", _depth),
        Kind("ageing", "Ageing stock", "where what lies there would last longest", _ageing,
             (Setting("half", "Half the score at, days of cover", 30, 1, 3650),), _PACES),
        Kind("capacity", "Capacity this hour", "where there are hands left", _capacity,
             (Setting("least", "Out when less is left than, share", None, 0, 1),), _PROFILES),
        Kind("shipping_cost", "Shipping cost", "the cheapest parcel", _cheap(shipping_cost, "shipping"),
             (Setting("half", "Half the score at, money", 5, 0.01), Setting("most", "Out beyond, money", None)),
             _PROFILES),
        Kind("handling_cost", "Handling cost", "the cheapest hands", _cheap(handling_cost, "handling"),
             (Setting("half", "Half the score at, money", 2, 0.01), Setting("most", "Out beyond, money", None)),
             _PROFILES),
        Kind("margin", "Margin", "what is left after goods, parcel and handling", _margin,
             (Setting("least", "Out when less is left than, share of the price", None, -10, 1),), _PROFILES),
        Kind("region", "Region", "nodes that serve only this region before the others", _region),
        Kind("hazardous", "Hazardous goods", "stay in their country", _hazardous,
             (Setting("abroad", "May cross a border: 1, else 0", 0, 0, 1),)),
        Kind("priority", "Priority", "the retailer's own order of nodes", _priority),
        Kind("rejections", "Rejection rate", "nodes that do what they promise", _rejections,
             (Setting("most", "Out above, share", None, 0, 1),), _PROFILES),
    )
}  # fmt: skip
