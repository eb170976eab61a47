"""A label's words, gathered for whoever prints it."""

from __future__ import annotations

from typing import Any

from inventory.models import Location
from orders.labels import Sheet
from orders.models import Order, ParcelLabel
from orders.shipping_address import lines_of


def sheet(label: ParcelLabel) -> Sheet:
    """What stands on a label that is made here. Reads what `label` brings with `select_related` (see `for_print`)."""
    package = label.package
    job = package.fulfilment
    order: Order = job.order
    count = job.packages.count()
    to = order.ship_to or {}
    return Sheet(
        carrier=label.service.carrier,
        service=label.service.name,
        sender=tuple(lines_of(sender(job.location))),
        receiver=tuple(lines_of(to)),
        country=str(to.get("country") or ""),
        postcode=str(to.get("postal_code") or ""),
        sscc=package.sscc,
        reference=f"{job.number}-P{package.sequence}",
        parcel=f"Parcel {package.sequence} of {count}",
        weight=f"{label.grams / 1000:.2f} kg",
        note=order.channel.name,
    )


def sender(location: Location) -> dict[str, Any]:
    """The node's address in the shape of an order's."""
    address = dict(location.address or {})
    address.setdefault("country", location.country)
    return address | {"name": location.name}


def for_print(rows: Any) -> Any:
    return rows.select_related("service", "package__fulfilment__location__site", "package__fulfilment__order__channel")
