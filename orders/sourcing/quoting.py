"""What carriers ask and when they deliver, in the place of what people state of a node: pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time

from orders.carriage import Board, Place, Quote, Service, cheapest
from orders.sourcing.candidates import Node, Profile, Request

UNWEIGHED = 500  # grams of an article nobody weighed


def quoted(request: Request, nodes: Sequence[Node], services: Sequence[Service]) -> list[Node]:
    """The nodes with the cheapest parcel that keeps the promise, or else the soonest, as their own cost and arrival.

    A node no service quotes for, or only in another currency than its own figures, keeps what was stated of it.
    """
    if not services or request.method == "PICKUP" or not request.country:
        return list(nodes)
    board = Board(
        services,
        destination=Place(request.country, request.postal_code, request.latitude, request.longitude),
        grams=sum(want.quantity * (request.article(want).grams or UNWEIGHED) for want in request.wants),
        now=datetime.fromtimestamp(request.now, UTC),
        traits={name for want in request.wants for name in request.article(want).traits()},
    )  # fmt: skip
    near = any(zone.within_km is not None for service in services for zone in service.zones)
    by = datetime.fromtimestamp(request.promise_by, UTC) if request.promise_by is not None else None
    known: dict[tuple[str, str, time | None, str, object], Quote | None] = {}
    made = []
    for node in nodes:
        own = node.profile
        key = (
            node.country,
            own.time_zone,
            own.cut_off,
            own.currency,
            (node.latitude, node.longitude) if near else None,
        )
        if key not in known:
            origin = Place(node.country, "", node.latitude, node.longitude, own.time_zone, own.cut_off)
            known[key] = _best(board.of(origin), by, own.currency)
        quote = known[key]
        made.append(node if quote is None else node._replace(profile=_with(own, quote)))
    return made


def _best(quotes: list[Quote], by: datetime | None, currency: str) -> Quote | None:
    in_time = cheapest(quotes, by=by, currency=currency)
    return in_time or next((quote for quote in quotes if not currency or quote.currency == currency), None)


def _with(own: Profile, quote: Quote) -> Profile:
    cost = float(quote.cost)
    return own._replace(
        parcel=cost, parcel_abroad=cost, kilo=0.0, leaves_at=quote.arrives_by.timestamp(), days=0.0, days_abroad=0.0,
        currency=quote.currency,
    )  # fmt: skip
