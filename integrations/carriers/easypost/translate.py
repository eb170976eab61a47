"""EasyPost's objects: trackers alone, in lists, events and shipments; no other says where a parcel is. Pure."""

from __future__ import annotations

from typing import Any

from integrations.carriers import scans
from integrations.channels.meaning import Meaning, ignored
from integrations.reading import Faults, Node
from orders.tracking import Scan

VERSION = "easypost/1"
STATES = {
    "unknown": "unknown",
    "pre_transit": "pre_transit",
    "in_transit": "in_transit",
    "out_for_delivery": "out_for_delivery",
    "available_for_pickup": "ready_for_pickup",
    "delivered": "delivered",
    "return_to_sender": "return_to_sender",
    "failure": "delivery_failed",
    "cancelled": "unknown",
    "error": "unknown",
}
# A few details say more than the status they stand beside.
DETAILS = {
    "lost": "lost",
    "delayed": "delivery_delayed",
    "weather_delay": "delivery_delayed",
    "held": "delivery_delayed",
    "missorted": "delivery_delayed",
    "transit_exception": "delivery_delayed",
    "delivery_exception": "delivery_failed",
    "refused": "delivery_failed",
    "damaged": "delivery_failed",
    "return": "return_to_sender",
}
_SETTLED = {"delivered", "return_to_sender"}
_OTHERS = {
    "Claim",
    "Insurance",
    "Address",
    "Parcel",
    "Batch",
    "Order",
    "Pickup",
    "Refund",
    "ScanForm",
    "Report",
    "Payment",
}


def translate(document: dict[str, Any], faults: Faults) -> Meaning | None:
    root = Node(document, "", faults)
    if document.get("object") == "Event":
        return _event(root)
    if "trackers" in document:
        return _together([_tracker(each) for each in root.items("trackers")])
    return _object(root)


def _event(root: Node) -> Meaning | None:
    result = root.object("result")
    if result is None:
        return ignored("an event without what it is about")
    return _object(result)


def _object(node: Node) -> Meaning | None:
    kind = node.line("object")
    if kind == "Tracker":
        return _tracker(node)
    if node.has("shipments"):
        return ignored("an order of several parcels; each parcel's tracker says where it is")
    if node.has("postage_label") or node.line("id").startswith("shp_"):
        tracker = node.object("tracker")
        if node.line("refund_status"):
            return ignored("a label given back; what became of it is asked for by its own shipment")
        return _tracker(tracker) if tracker else ignored("a shipment without a tracker yet")
    if kind in _OTHERS:
        return ignored(f"an EasyPost {kind} says nothing of where a parcel is")
    if not node.value:
        return ignored("an empty answer")
    return None


def _together(found: list[Meaning]) -> Meaning:
    return (
        Meaning(acts=tuple(act for each in found for act in each.acts))
        if found
        else ignored("an empty list of trackers")
    )


def _tracker(node: Node) -> Meaning:
    details = list(node.items("tracking_details"))
    return scans.follow(node.line("tracking_code"), details_of(details) or [_summary(node)], node)


def details_of(details: list[Node]) -> list[Scan | None]:
    return [_scan(detail, detail.line("datetime")) for detail in details]


def _summary(node: Node) -> Scan | None:
    """A tracker that names no details still says how it stands."""
    return _scan(node, node.line("updated_at") or node.line("created_at"))


def _scan(node: Node, when: str) -> Scan | None:
    status, detail = node.line("status"), node.line("status_detail")
    at = node.object("tracking_location")
    where = scans.place(at.text("city"), at.line("state"), at.line("country")) if at else ""
    found = scans.scan(
        node,
        STATES,
        status,
        when=when,
        words=node.text("message") or node.text("description"),
        place=where,
        detail=detail,
    )
    more = DETAILS.get(detail)
    if found is None or more is None or found.state in _SETTLED:
        return found
    return Scan(more, found.at, found.words, found.code, found.place, found.said_at)
