"""Packed work and carriers' services, for the tests of labels, tracking and messages."""

from __future__ import annotations

from typing import Any

from core.actors import SYSTEM
from orders.models import CarrierService, FulfilmentOrder, Package
from orders.services import carriage, fulfilment
from orders.services.packing import Parcel
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import incoming_line, place

UK = [{"name": "UK", "countries": ["GB"], "days": 2, "prices": [[2000, "3.20"], [30000, "7.80"]]}]


def service(code: str = "own-standard", **fields: Any) -> CarrierService:
    row = CarrierService(
        **{"code": code, "carrier": "Dispatch", "name": code.title(), "currency": "GBP", "zones": UK} | fields
    )
    row.full_clean()
    row.save()
    carriage.forget()
    return row


def bought(code: str = "parcel-post", **fields: Any) -> CarrierService:
    """A service whose labels come from an account."""
    named = {"connection": "easypost", "vendor_carrier": "RoyalMail", "vendor_service": "Tracked48", "rank": 10}
    return service(code, **{"carrier": "Royal Mail"} | named | fields)


def packed(*weights: int | None, **fields: Any) -> FulfilmentOrder:
    """Work of one order, packed into parcels of these weights."""
    item = ItemFactory(sku="SKU-1", weight_grams=300)
    StockFactory(
        item=item,
        sellable=9,
        location=LocationFactory(time_zone="Europe/London", address={"line1": "1 Dock Way", "city": "Wakefield"}),
    )
    order = place(incoming_line(quantity=1), **fields)
    fulfilment.create(order.pk)
    job = FulfilmentOrder.objects.get(order=order)
    fulfilment.start_pick(job.pk, actor=SYSTEM)
    fulfilment.pick(job.pk, code="SKU-1", actor=SYSTEM)
    return fulfilment.pack(job.pk, parcels=[Parcel(weight_grams=w) for w in weights or (400,)], actor=SYSTEM)


def shipped(number: str = "JD0146", *weights: int, **fields: Any) -> FulfilmentOrder:
    job = packed(*weights, **fields)
    fulfilment.ship(job.pk, carrier="DHL", tracking_number=number, actor=SYSTEM)
    job.refresh_from_db()
    return job


def parcel(job: FulfilmentOrder, sequence: int = 1) -> Package:
    return Package.objects.get(fulfilment=job, sequence=sequence)
