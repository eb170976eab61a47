"""Which service takes a parcel: the one asked for, else the cheapest that keeps the promise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import time, timedelta

from django.utils import timezone

from core.errors import Invalid, Problem, Refusal
from inventory.models import Item, Location
from orders import carriage
from orders.carriage import Place, Quote
from orders.models import CarrierService, FulfilmentOrder, Order, Package
from orders.services import outages
from orders.services.carriage import services


def traits(items: Iterable[Item]) -> set[str]:
    """What carriers may refuse: every attribute of the goods that is simply true, such as `hazardous`."""
    return {name for item in items for name, value in (item.attributes or {}).items() if value is True}


def origin(location: Location, cut_off: time | None = None) -> Place:
    address = location.address or {}
    return Place(
        country=location.country or str(address.get("country") or ""),
        postcode=str(address.get("postal_code") or ""),
        lat=location.lat,
        lon=location.lon,
        time_zone=location.time_zone,
        cut_off=cut_off,
    )


def destination(order: Order) -> Place:
    address = order.ship_to or {}
    return Place(
        country=str(address.get("country") or ""),
        postcode=str(address.get("postal_code") or ""),
        lat=address.get("latitude"),
        lon=address.get("longitude"),
    )


def grams(package: Package, goods: Sequence[tuple[Item, int]], *, alone: bool) -> int:
    """The parcel's weight: weighed, else what its goods weigh where they are all in this one parcel."""
    if package.weight_grams:
        return package.weight_grams
    known = sum((item.weight_grams or 0) * units for item, units in goods)
    if alone and known and all(item.weight_grams for item, _ in goods):
        return known
    raise Invalid(
        [Problem(f"parcels[{package.sequence - 1}].weight_grams", "missing", "must be weighed: a label needs it")],
        status=422,
    )


def quotes(job: FulfilmentOrder, order: Order, *, weight: int, goods: Sequence[tuple[Item, int]]) -> list[Quote]:
    """What may take the parcel from its node now: no carrier that is out. It is packed, so nothing is left to do."""
    gone = outages.out()
    return carriage.quote(
        [service for service in services() if service.carrier not in gone],
        origin=origin(job.location),
        destination=destination(order),
        grams=weight,
        now=timezone.now(),
        traits=traits(item for item, _ in goods),
        ready_in=timedelta(0),
    )


def choose(
    job: FulfilmentOrder, order: Order, *, code: str, offered: Sequence[Quote]
) -> tuple[CarrierService, Quote | None]:
    """The service of that code, which may be one without a price for this; or the best of what is offered.

    Refusal("unknown_service") 422 where the code is nobody's, Refusal("no_service") where none goes there.
    """
    if code:
        named = CarrierService.objects.in_use().filter(code=code).first()
        if named is None:
            raise Refusal("unknown_service", f"There is no carrier service {code}.", status=422)
        return named, next((q for q in offered if q.service == code), None)
    best = carriage.cheapest(offered, by=order.promise_by) or (offered[0] if offered else None)
    if best is None:
        raise Refusal("no_service", f"No carrier takes {job.number} to its address at this weight. Name one.")
    return CarrierService.objects.get(code=best.service), best
