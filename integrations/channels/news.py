"""What Backroom tells a channel, in words no vendor owns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class ShipmentNews:
    """Units of an order left. `reference` is ours and names the shipment for ever; lines are (line ref, units).

    `completes` says that nothing of the order is left to be sent, as of now.
    """

    order_ref: str
    reference: str
    lines: tuple[tuple[str, int], ...]
    carrier: str = ""
    tracking_number: str = ""
    tracking_url: str = ""
    completes: bool = True


@dataclass(frozen=True, slots=True)
class Wanted:
    """What stands now of one line: units that have left or are to be delivered. A line added here has a ref of ours."""

    ref: str
    sku: str
    units: int
    unit_price: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class ChangeNews:
    """An order was changed. `edits` as orders.edits writes them; `wanted` and `ship_to` are what stands now."""

    order_ref: str
    edits: tuple[dict[str, Any], ...]
    wanted: tuple[Wanted, ...]
    reference: str
    note: str = ""
    ship_to: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(str(edit.get("edit")) for edit in self.edits)

    @property
    def cancels(self) -> bool:
        """Everything is cancelled: nothing is wanted of any line."""
        return not any(line.units for line in self.wanted)


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands now of an order that is to leave: (line ref, our place's code) -> units, and what holds it.

    `hold` is the type of the hold that stops the most, `why` its words; both are empty where nothing holds it.
    """

    order_ref: str
    places: Mapping[tuple[str, str], int]
    hold: str = ""
    why: str = ""


class ChangeMemory(Protocol):
    """What one try of telling leaves for the next."""

    @property
    def ref(self) -> str:
        """The channel's own key of what it does about the change, once a try learnt it; else empty."""

    def keep(self, ref: str) -> None:
        """Remember it, whatever becomes of this try."""
