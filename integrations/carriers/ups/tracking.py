"""UPS's Track API (shipment, package, activity with a status type) and its Track Alert, one activity by itself. Pure.

Dates and times are the place's own; where UPS also says them in GMT, or how far off it they are, that is the moment.
"""

from __future__ import annotations

from typing import Any

from integrations.carriers import scans
from integrations.channels.meaning import Meaning, ignored
from integrations.reading import Faults, Node
from orders.tracking import Scan

VERSION = "ups-tracking/2"
STATES = {
    "m": "pre_transit", "mv": "unknown", "p": "in_transit", "i": "in_transit", "w": "in_transit", "na": "unknown",
    "x": "delivery_delayed", "o": "out_for_delivery", "d": "delivered", "dd": "delivered", "do": "in_transit",
    "rs": "return_to_sender",
}  # fmt: skip


def translate(document: dict[str, Any], faults: Faults) -> Meaning | None:
    if "ShipmentResponse" in document:
        return ignored("an answer to making a shipment; it says nothing of where the parcel is")
    root = Node(document, "", faults)
    if "activityStatus" in document:
        return scans.follow(root.line("trackingNumber"), [_alert(root)], root)
    response = root.object("trackResponse")
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
    location = activity.object("location")
    when = _when(
        (activity.line("gmtDate"), activity.line("gmtTime")),
        (activity.line("date"), activity.line("time")),
        activity.line("gmtOffset"),
    )
    return _seen(activity, "status", location.object("address") if location else None, when)


def _alert(root: Node) -> Scan | None:
    when = _when(
        (root.line("gmtActivityDate"), root.line("gmtActivityTime")),
        (root.line("localActivityDate"), root.line("localActivityTime")),
        "",
    )
    return _seen(root, "activityStatus", root.object("activityLocation"), when)


def _seen(activity: Node, under: str, address: Node | None, when: str) -> Scan | None:
    status = activity.object(under)
    if status is None:
        activity.fault("has no status")
        return None
    where = ""
    if address is not None:
        country = address.line("countryCode") or address.line("country")
        where = scans.place(address.text("city"), address.line("stateProvince"), country)
    return scans.scan(
        activity, STATES, status.line("type"), when=when, words=status.text("description"), place=where,
        detail=f"{status.line('type')} {status.line('code')}".strip(),
    )  # fmt: skip


def _when(gmt: tuple[str, str], local: tuple[str, str], offset: str) -> str:
    """The moment in GMT where it is said, otherwise the place's own with its offset, if there is one."""
    day, time = (part.replace("-", "").replace(":", "") for part in (gmt if all(gmt) else local))
    return f"{day} {time}" if all(gmt) or not offset else f"{day}T{time}{offset}"
