"""What Backroom tells a channel, in words no vendor owns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ShipmentNews:
    """Units of an order left. `reference` is ours and names the shipment for ever; lines are (line ref, units)."""

    order_ref: str
    reference: str
    lines: tuple[tuple[str, int], ...]
    carrier: str = ""
    tracking_number: str = ""
    tracking_url: str = ""


@dataclass(frozen=True, slots=True)
class ChangeNews:
    """An order was changed. `edits` as orders.edits writes them; `wanted` stands now: (line ref, SKU, units)."""

    order_ref: str
    edits: tuple[dict[str, Any], ...]
    wanted: tuple[tuple[str, str, int], ...]
    reference: str
    note: str = ""
