"""Which carrier work will most likely leave with, before it is packed and weighed: what floors are planned by."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils import timezone

from orders import carriage
from orders.carriage import Quote
from orders.models import FulfilmentOrder
from orders.services import choosing, outages
from orders.services.carriage import services

GUESSED_GRAMS = 1_000  # a parcel none of whose goods say what they weigh


def carriers(works: Iterable[FulfilmentOrder]) -> dict[int, Quote]:
    """By fulfilment order, the service its label would be got from today: the cheapest that keeps the promise.

    Work no carrier takes is left out. Wants `order`, `location` and the lines' slots with their items at hand.
    """
    gone = outages.out()
    offered = [service for service in services() if service.carrier not in gone]
    found = {}
    for work in works if offered else ():
        if best := _best(work, offered):
            found[work.pk] = best
    return found


def _best(work: FulfilmentOrder, offered: list[carriage.Service]) -> Quote | None:
    slots = [slot for line in work.lines.all() for slot in line.slots]
    quotes = carriage.quote(
        offered,
        origin=choosing.origin(work.location),
        destination=choosing.destination(work.order),
        grams=sum((slot.item.weight_grams or 0) * slot.wanted for slot in slots) or GUESSED_GRAMS,
        now=timezone.now(),
        traits=choosing.traits(slot.item for slot in slots),
    )
    return carriage.cheapest(quotes, by=work.order.promise_by) or (quotes[0] if quotes else None)
