"""Carriers whose documents Backroom reads: what a webhook, a poll or a file of theirs says of a parcel."""

from __future__ import annotations

from typing import Any

from integrations.carriers import scans
from integrations.carriers.dhl import DHL
from integrations.carriers.easypost import EASYPOST
from integrations.carriers.fedex import FEDEX
from integrations.carriers.laposte import LAPOSTE
from integrations.carriers.ups import UPS
from integrations.channels.meaning import Meaning, ignored
from integrations.channels.vendor import Vendor
from integrations.reading import Faults

# Of these only answers to making a shipment are known, each by a key of its own; they say nothing of where a parcel is.
_LABEL_ANSWERS = {
    "australiapost": ("Australia Post", "shipments"),
    "hermes": ("Hermes", "shipmentOrderID"),
    "sendle": ("Sendle", "sendle_reference"),
    "usps": ("USPS", "labelMetadata"),
}


def _told_at_purchase(key: str) -> scans.Translate:
    def translate(document: dict[str, Any], faults: Faults) -> Meaning | None:
        if key in document:
            return ignored("an answer to making a shipment; it says nothing of where the parcel is")
        return None

    return translate


READERS: tuple[Vendor, ...] = (
    DHL, EASYPOST, FEDEX, LAPOSTE, UPS,
    *(scans.vendor(name, title, f"{name}/1", _told_at_purchase(key)) for name, (title, key) in _LABEL_ANSWERS.items()),
)  # fmt: skip
