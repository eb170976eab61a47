"""What a customer may be promised: when it arrives by which service and at what cost, or where it can be collected.

Pure: values in, options out. Which places send it is sourcing's answer; here their parcels are priced and dated.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from exceptions import clock
from orders import carriage
from orders.carriage import Place, Quote, Service
from orders.geography import kilometres

COLLECTION = timedelta(hours=2)  # picking for a customer who comes to the place, in its opening hours


@dataclass(frozen=True, slots=True)
class Parcel:
    """What one place would send: where it leaves, what it weighs."""

    location: str
    origin: Place
    grams: int
    traits: frozenset[str] = frozenset()  # of the goods: what some carriers refuse


@dataclass(frozen=True, slots=True)
class Delivery:
    """One way to have everything delivered. `arrives_by` is when the last parcel is there, `cost` that of all."""

    service: str
    carrier: str
    name: str
    cost: Decimal
    currency: str
    leaves_at: datetime
    arrives_by: datetime
    from_locations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shelf:
    """A place customers may come to: what it lacks (sku: units), when it is open, where it is."""

    location: str
    name: str
    lacking: tuple[tuple[str, int], ...]
    calendar: clock.Calendar
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class Collection:
    """Where everything can be collected, and from when; without `ready_by`, what isn't there."""

    location: str
    name: str
    ready_by: datetime | None
    lacking: tuple[tuple[str, int], ...] = ()
    distance_km: float | None = None


def deliveries(
    parcels: Sequence[Parcel], services: Sequence[Service], *, destination: Place, now: datetime
) -> list[Delivery]:
    """Every service that can carry all parcels, soonest first, then cheapest.

    Where no single service reaches from every place, the cheapest of each place together is the one option; parcels
    that nothing carries leave none.
    """
    if not parcels:
        return []
    quoted = [
        {
            quote.service: quote
            for quote in carriage.quote(
                services,
                origin=parcel.origin,
                destination=destination,
                grams=parcel.grams,
                now=now,
                traits=parcel.traits,
            )
        }
        for parcel in parcels
    ]
    shared = set.intersection(*(set(each) for each in quoted))
    options = [_together(parcels, [each[service] for each in quoted]) for service in shared]
    if not options and all(quoted):
        cheapest = [carriage.cheapest(each.values()) for each in quoted]
        chosen = [quote for quote in cheapest if quote is not None]
        if len({quote.currency for quote in chosen}) == 1 and len(chosen) == len(parcels):
            options = [_together(parcels, chosen)]
    return sorted(options, key=lambda option: (option.arrives_by, option.cost, option.service))


def _together(parcels: Sequence[Parcel], quotes: Sequence[Quote]) -> Delivery:
    return Delivery(
        service="+".join(dict.fromkeys(quote.service for quote in quotes)),
        carrier=", ".join(dict.fromkeys(quote.carrier for quote in quotes)),
        name=", ".join(dict.fromkeys(quote.name for quote in quotes)),
        cost=sum((quote.cost for quote in quotes), Decimal(0)),
        currency=quotes[0].currency,
        leaves_at=min(quote.leaves_at for quote in quotes),
        arrives_by=max(quote.arrives_by for quote in quotes),
        from_locations=tuple(parcel.location for parcel in parcels),
    )


def collections(shelves: Iterable[Shelf], *, near: Place | None, now: datetime) -> list[Collection]:
    """Each place with when it would be ready: ready ones first, the nearest before the others."""
    found = []
    for shelf in shelves:
        ready = None if shelf.lacking else _ready(now, shelf.calendar)
        found.append(Collection(shelf.location, shelf.name, ready, shelf.lacking, _away(shelf, near)))
    return sorted(found, key=_order)


def _ready(now: datetime, calendar: clock.Calendar) -> datetime | None:
    try:
        return clock.add_business(now, COLLECTION, calendar)
    except clock.NeverOpen:
        return None


def _order(option: Collection) -> tuple[bool, float, str]:
    away = float("inf") if option.distance_km is None else option.distance_km
    return (option.ready_by is None, away, option.location)


def _away(shelf: Shelf, near: Place | None) -> float | None:
    if near is None or near.lat is None or near.lon is None or shelf.latitude is None or shelf.longitude is None:
        return None
    return round(kilometres(near.lat, near.lon, shelf.latitude, shelf.longitude), 1)
