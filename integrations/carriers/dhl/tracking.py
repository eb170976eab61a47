"""DHL's Shipment Tracking, unified: `shipments` with `events`, each with a statusCode of five. Pure."""

from __future__ import annotations

from typing import Any

from integrations.carriers import scans
from integrations.channels.meaning import Meaning, ignored
from integrations.reading import Faults, Node
from orders.tracking import Scan

VERSION = "dhl-tracking/1"
STATES = {
    "pre-transit": "pre_transit",
    "transit": "in_transit",
    "delivered": "delivered",
    "failure": "delivery_failed",
    "unknown": "unknown",
}


def translate(document: dict[str, Any], faults: Faults) -> Meaning | None:
    root = Node(document, "", faults)
    answer = root.object("trackingResponse") or root
    shipments = list(answer.items("shipments"))
    if "shipmentTrackingNumber" in document:
        return ignored("an answer to making a shipment; it says nothing of where the parcel is")
    if not shipments:
        return None
    acts = tuple(act for each in shipments for act in _one(each).acts)
    return Meaning(acts=acts)


def _one(shipment: Node) -> Meaning:
    number = shipment.line("id")
    events = list(shipment.items("events")) or [n for n in [shipment.object("status")] if n is not None]
    return scans.follow(number, [_scan(event) for event in events], shipment)


def _scan(event: Node) -> Scan | None:
    place = event.object("location")
    address = place.object("address") if place else None
    where = scans.place(address.text("addressLocality"), address.line("countryCode")) if address else ""
    words = event.text("remark") or event.text("description") or event.text("status")
    return scans.scan(event, STATES, event.line("statusCode"), when=event.line("timestamp"), words=words, place=where)
