"""UPS's Track API: shipment, package, activity with a status type; dates and times are the place's own. Pure."""

from __future__ import annotations

from typing import Any

from integrations.carriers import scans
from integrations.channels.meaning import Meaning, ignored
from integrations.reading import Faults, Node
from orders.tracking import Scan

VERSION = "ups-tracking/1"
STATES = {
    "m": "pre_transit", "mv": "unknown", "p": "in_transit", "i": "in_transit", "w": "in_transit", "na": "unknown",
    "x": "delivery_delayed", "o": "out_for_delivery", "d": "delivered", "dd": "delivered", "do": "in_transit",
    "rs": "return_to_sender",
}  # fmt: skip


def translate(document: dict[str, Any], faults: Faults) -> Meaning | None:
    if "ShipmentResponse" in document:
        return ignored("an answer to making a shipment; it says nothing of where the parcel is")
    response = Node(document, "", faults).object("trackResponse")
    if response is None:
        return None
    acts = tuple(
        act
        for shipment in response.items("shipment")
        for package in shipment.items("package")
        for act in scans.follow(
            package.line("trackingNumber"), [_scan(a) for a in package.items("activity")], package
        ).acts
    )
    return Meaning(acts=acts) if acts else None


def _scan(activity: Node) -> Scan | None:
    status = activity.object("status")
    if status is None:
        activity.fault("has no status")
        return None
    location = activity.object("location")
    address = location.object("address") if location else None
    where = (
        scans.place(address.text("city"), address.line("stateProvince"), address.line("countryCode")) if address else ""
    )
    when = f"{activity.line('date')} {activity.line('time')}"
    return scans.scan(
        activity, STATES, status.line("type"), when=when, words=status.text("description"), place=where,
        detail=f"{status.line('type')} {status.line('code')}".strip(),
    )  # fmt: skip
