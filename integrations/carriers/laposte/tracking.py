"""La Poste's Suivi v2: a shipment with events of three-character codes. Pure."""

from __future__ import annotations

from typing import Any

from integrations.carriers import scans
from integrations.channels.meaning import Meaning
from integrations.reading import Faults, Node

VERSION = "laposte-tracking/1"
STATES = {
    "dr1": "pre_transit",
    "pc1": "in_transit", "pc2": "in_transit", "et1": "in_transit", "et2": "in_transit", "et3": "in_transit",
    "et4": "in_transit", "ep1": "in_transit", "do1": "in_transit", "do2": "in_transit", "pb2": "in_transit",
    "do3": "delivery_delayed", "pb1": "delivery_delayed",
    "md2": "out_for_delivery",
    "ag1": "ready_for_pickup",
    "nd1": "delivery_failed",
    "re1": "return_to_sender", "di2": "return_to_sender",
    "di0": "delivered", "di1": "delivered",
}  # fmt: skip


def translate(document: dict[str, Any], faults: Faults) -> Meaning | None:
    root = Node(document, "", faults)
    answers = list(root.items("responses")) or ([root] if root.has("shipment") else [])
    shipments = [shipment for answer in answers if (shipment := answer.object("shipment")) is not None]
    acts = tuple(
        act
        for shipment in shipments
        for act in scans.follow(
            shipment.line("idShip"),
            [
                scans.scan(event, STATES, event.line("code"), when=event.line("date"), words=event.text("label"))
                for event in shipment.items("event")
            ],
            shipment,
        ).acts
    )
    return Meaning(acts=acts) if acts else None
