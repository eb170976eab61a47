"""Orders that have left, and returns of them, made by the services that make them in earnest."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from core.actors import Actor
from orders.models import CarrierService, Order
from returns.models import ReturnRequest
from returns.services import requests
from returns.services.asking import Asked, AskedLine
from tests.factories.orders import PLACED_AT, incoming_line, place

CLERK = Actor("PERSON", "7", "Femi Cole")
ASKED_ON = PLACED_AT + timedelta(days=5)  # in no season


def sold(sku: str = "SKU-1", units: int = 3, price: str = "10.00", ref: str = "1001", **fields: Any) -> Order:
    """An order whose units have left already."""
    line = incoming_line(sku, units, price, fulfilled_elsewhere=units, **fields.pop("line", {}))
    return place(line, channel_ref=ref, placed_at=fields.pop("placed_at", PLACED_AT), **fields)


def asked(order: Order | None, units: int = 1, **fields: Any) -> Asked:
    line = {"quantity": units, "reason": "UNWANTED"} | fields.pop("line", {})
    if order is not None:
        line.setdefault("line", order.lines.get().ref)
    return Asked(lines=(AskedLine(**line),), order_id=order.pk if order else None, **{"asked_on": ASKED_ON} | fields)


def returned(order: Order | None, units: int = 1, **fields: Any) -> ReturnRequest:
    return requests.request(asked(order, units, **fields), actor=CLERK)


def service(**fields: Any) -> CarrierService:
    """A carrier that takes parcels back for 3.50 within Great Britain, with labels made here."""
    zones = [{"name": "GB", "days": 2, "prices": [[2000, "3.50"], [30000, "9.00"]], "countries": ["GB"]}]
    return CarrierService.objects.create(
        **{"code": "post", "carrier": "Post", "name": "Return", "currency": "GBP", "zones": zones} | fields
    )
