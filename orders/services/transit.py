"""When what leaves a node is at the door: as its carriers say, else as the node does, else a cautious guess.

The same price tables that promises to a customer are made from, for promises that have to be made again later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from inventory.models import Location
from orders import carriage, due
from orders.carriage import Place
from orders.models import FulfilmentLine, FulfilmentOrder, Method, NodeTerms, Order
from orders.services import choosing, lookups
from orders.services.carriage import services
from orders.sourcing import Goods
from orders.sourcing.quoting import UNWEIGHED


def at_door(
    origin: Location,
    to: Place,
    *,
    packed_at: datetime,
    units: Iterable[tuple[Goods, int]],
    by: datetime | None = None,
) -> datetime:
    """When these units are there if they are packed then: by the cheapest service that is there in time for `by`, else
    by the soonest. Where no carrier quotes, the node's own last carrier and its days to a door count."""
    held = list(units)
    terms = NodeTerms.objects.filter(location=origin).first()
    quotes = carriage.quote(
        services() if to.country else (),
        origin=choosing.origin(origin, terms.cut_off if terms else None),
        destination=to,
        grams=sum((article.grams or UNWEIGHED) * number for article, number in held),
        now=packed_at,
        traits={name for article, _ in held for name in article.traits()},
        ready_in=timedelta(0),
    )
    best = carriage.cheapest(quotes, by=by) if by is not None else None
    best = best or next(iter(quotes), None)
    if best is not None:
        return best.arrives_by
    # next_departure counts the hours of picking and packing itself; here they are over.
    begun = packed_at - timedelta(hours=due.WORK_HOURS)
    leaves = due.next_departure(begun, origin.time_zone, terms.cut_off if terms else due.CUT_OFF)
    return leaves + timedelta(days=_days(terms, origin, to))


def _days(terms: NodeTerms | None, origin: Location, to: Place) -> int:
    if terms is None:
        return due.TRANSIT_DAYS
    return terms.days_abroad if to.country and origin.country and to.country != origin.country else terms.days


def of_delivery(order: Order, origin: Location, arrives_at: datetime, *, article: Goods, units: int) -> datetime:
    """What the customer can be told of units that a delivery brings to this node then."""
    ready = arrives_at + timedelta(hours=due.PUT_AWAY_HOURS)
    if order.method == Method.PICKUP:
        return ready + timedelta(hours=due.COLLECTION_HOURS)
    packed = ready + timedelta(hours=due.WORK_HOURS)
    to = choosing.destination(order)
    return at_door(origin, to, packed_at=packed, units=[(article, units)], by=order.promise_by)


def of_work(work: FulfilmentOrder, *, packed_at: datetime) -> datetime:
    """When a node's whole work for an order is at the door if it is packed then."""
    rows = FulfilmentLine.objects.filter(fulfilment=work).values_list("item_id", "quantity")
    order = work.order
    return at_door(
        work.location, choosing.destination(order), packed_at=packed_at, units=articles(dict(rows)), by=order.promise_by
    )


def to_store(origin: Location, store: Location, *, asked_at: datetime, units: Mapping[int, int]) -> datetime:
    """When units asked for now from another place of ours are at the store, sent as any parcel."""
    packed = asked_at + timedelta(hours=due.WORK_HOURS)
    return at_door(origin, choosing.origin(store), packed_at=packed, units=articles(units))


def articles(units: Mapping[int, int]) -> list[tuple[Goods, int]]:
    goods = lookups.goods_of(units) if units else {}
    return [(goods.get(item, Goods()), number) for item, number in units.items()]
