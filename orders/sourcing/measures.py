"""What a plan comes to, so that two can be compared: parcels, kilometres, cost, lateness."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from orders.carriage import Service
from orders.sourcing import quoting
from orders.sourcing.candidates import Node, Pick, Request, Want
from orders.sourcing.criteria import arrival, away, handling_cost, shipping_cost

QUOTED, STATED, UNPRICED = "quoted", "stated", "unpriced"


@dataclass(frozen=True, slots=True)
class Measures:
    """Sums over the nodes of a plan. `kilometres` and `costs` count the nodes for which they are known.

    `costs` are of parcels and hands, by currency; `priced` says of how many parcels the carriers' price lists know the
    price, of how many only what is stated of the node, and of how many nobody. `late` is None where nothing was
    promised or nobody knows when the carrier leaves.
    """

    nodes: int = 0
    kilometres: float = 0.0
    costs: tuple[tuple[str, float], ...] = ()
    priced: Mapping[str, int] | None = None
    late: bool | None = None

    @property
    def cost(self) -> float:
        return round(sum(cost for _, cost in self.costs), 4)


def of(
    request: Request, picks: Iterable[Pick], nodes: Mapping[int, Node], services: Sequence[Service] = ()
) -> Measures:
    """A node that ships two parcels because something ships alone counts once, with both parcels' cost.

    Given the carriers' services, each parcel is priced and dated by its own weight; without, by its node's figures.
    """
    shares: dict[tuple[int, int], list[Pick]] = {}
    for pick in picks:
        alone = pick.item_id if request.goods and request.article(_want(pick)).ship_alone else 0
        shares.setdefault((pick.location_id, alone), []).append(pick)
    kilometres = 0.0
    costs: dict[str, float] = {}
    priced = Counter[str]()
    late: bool | None = None
    for (place, _), share in shares.items():
        bare = nodes.get(place)
        if bare is None:
            continue
        parcel = replace(request, wants=tuple(_want(pick) for pick in share))
        node = quoting.quoted(parcel, [bare], services)[0]
        kilometres += away(parcel, node) or 0.0
        price, hands = shipping_cost(parcel, node), handling_cost(parcel, node)
        if request.method != "PICKUP":
            priced[UNPRICED if price is None else STATED if node is bare else QUOTED] += 1
        if price is not None or hands is not None:
            currency = node.profile.currency
            costs[currency] = costs.get(currency, 0.0) + (price or 0.0) + (hands or 0.0)
        at = arrival(parcel, node)
        if at is not None and request.promise_by is not None:
            late = bool(late) or at > request.promise_by
    spent = tuple((currency, round(cost, 4)) for currency, cost in costs.items())
    return Measures(len({place for place, _ in shares}), round(kilometres, 1), spent, priced, late)


def _want(pick: Pick) -> Want:
    return Want(pick.line_id, pick.item_id, pick.quantity)
