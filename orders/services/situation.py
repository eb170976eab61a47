"""An order as sourcing sees it: what it needs, and whose policy decides."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orders import sourcing
from orders.models import Order, OrderLine
from orders.services import carriage, lookups, policies, profiles
from orders.services.desk import Desk
from orders.services.policies import Standing
from orders.sourcing import Goods, Ladder, Node, quoting


@dataclass(frozen=True, slots=True)
class Situation:
    request: sourcing.Request
    ladder: Ladder
    shadow: Ladder | None

    def nodes(self, nodes: Sequence[Node]) -> list[Node]:
        """The nodes with what the policies ask of them, which for the built-in ladder is nothing more.

        Where carriers' price lists are kept, their quotes count instead of what is stated of a node's parcels.
        """
        if self.shadow is None and "profiles" not in self.ladder.needs:
            return list(nodes)
        return self.priced(nodes)

    def priced(self, nodes: Sequence[Node]) -> list[Node]:
        """The nodes with all that is known of their cost and time, whether a policy asks or not."""
        return quoting.quoted(self.request, profiles.attach(nodes), carriage.services())


def of(
    desk: Desk,
    wanted: tuple[sourcing.Want, ...],
    *,
    let_down: dict[int, frozenset[int]] | None,
    goods: Mapping[int, Goods] | None,
    versions: Standing | None,
) -> Situation:
    """What isn't given is read: what let these lines down, the articles, the policies in force."""
    if versions is None:
        versions = policies.in_force(desk.order.channel_id)
    ladder, shadow = policies.live(versions), policies.shadow(versions)
    items = {want.item_id for want in wanted}
    needs = ladder.needs | (shadow.needs if shadow else frozenset())
    request = request_of(
        desk.order,
        desk.lines,
        wanted,
        let_down=lookups.let_down([want.line_id for want in wanted]) if let_down is None else let_down,
        goods=lookups.goods_of(items) if goods is None else goods,
        paces=lookups.paces(items) if "paces" in needs else {},
        now=time.time(),
    )
    return Situation(request, ladder, shadow)


def request_of(
    order: Order,
    lines: Sequence[OrderLine],
    wanted: tuple[sourcing.Want, ...],
    *,
    let_down: Mapping[int, frozenset[int]],
    goods: Mapping[int, Goods],
    paces: Mapping[tuple[int, int], float],
    now: float,
) -> sourcing.Request:
    """`now` in seconds since 1970. What the goods cost counts only where it is in the order's currency."""
    address = order.ship_to or {}
    prices = {line.pk: float(line.unit_price) for line in lines}
    return sourcing.Request(
        wants=wanted,
        method=order.method,
        pickup_location_id=order.pickup_location_id,
        country=address.get("country", ""),
        latitude=address.get("latitude"),
        longitude=address.get("longitude"),
        let_down=let_down,
        province=address.get("region", ""),
        postal_code=address.get("postal_code", ""),
        channel=order.channel.code,
        tags=tuple(order.tags),
        value=float(order.subtotal if order.total is None else order.total),
        currency=order.currency,
        worth={want.line_id: prices[want.line_id] * want.quantity for want in wanted},
        goods=goods,
        now=now,
        promise_by=order.promise_by.timestamp() if order.promise_by else None,
        paces=paces,
    )
