"""What Backroom tells a channel, in words no vendor owns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ShipmentNews:
    """Units of an order left. `reference` is ours and names the shipment for ever; lines are (line ref, units)."""

    order_ref: str
    reference: str
    lines: tuple[tuple[str, int], ...]
    carrier: str = ""
    tracking_number: str = ""
    tracking_url: str = ""
