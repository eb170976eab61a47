"""FedEx's Track API: completeTrackResults, trackResults, scanEvents with two-letter status codes. Pure."""

from __future__ import annotations

from typing import Any

from integrations.carriers import scans
from integrations.channels.meaning import Meaning
from integrations.reading import Faults, Node
from orders.tracking import Scan

VERSION = "fedex-tracking/1"
STATES = {
    "oc": "pre_transit", "op": "pre_transit", "in": "pre_transit",
    "pu": "in_transit", "px": "in_transit", "it": "in_transit", "ix": "in_transit", "ar": "in_transit",
    "dp": "in_transit", "af": "in_transit", "ae": "in_transit", "ao": "in_transit", "cc": "in_transit",
    "cp": "in_transit", "sf": "in_transit", "eo": "in_transit", "ea": "in_transit", "tr": "in_transit",
    "dy": "delivery_delayed", "se": "delivery_delayed", "cd": "delivery_delayed", "dd": "delivery_delayed",
    "od": "out_for_delivery",
    "hl": "ready_for_pickup", "hp": "ready_for_pickup",
    "dl": "delivered",
    "de": "delivery_failed",
    "rs": "return_to_sender", "rd": "return_to_sender",
}  # fmt: skip


def translate(document: dict[str, Any], faults: Faults) -> Meaning | None:
    output = Node(document, "", faults).object("output")
    if output is None:
        return None
    acts = tuple(
        act
        for whole in output.items("completeTrackResults")
        for result in whole.items("trackResults")
        for act in _one(whole, result).acts
    )
    return Meaning(acts=acts) if acts else None


def _one(whole: Node, result: Node) -> Meaning:
    info = result.object("trackingNumberInfo")
    number = (info.line("trackingNumber") if info else "") or whole.line("trackingNumber")
    return scans.follow(number, [_scan(event) for event in result.items("scanEvents")], result)


def _scan(event: Node) -> Scan | None:
    place = event.object("scanLocation")
    where = (
        scans.place(place.text("city"), place.line("stateOrProvinceCode"), place.line("countryCode")) if place else ""
    )
    code = event.line("derivedStatusCode") or event.line("eventType")
    words = scans.place(event.text("eventDescription"), event.text("exceptionDescription"))
    return scans.scan(event, STATES, code, when=event.line("date"), words=words, place=where)
