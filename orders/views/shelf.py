"""What a picker takes off the shelves, row by row: a line's units, or each part of a kit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Prefetch, prefetch_related_objects

from inventory.models import Item, Tracking
from inventory.services import placements
from inventory.services.placements import NOWHERE, Spot
from orders.models import FulfilmentLine, FulfilmentOrder, FulfilmentPart

_HINTS: dict[str, str] = {Tracking.SERIAL: "Scan each serial number", Tracking.LOT: "Scan the lot"}


@dataclass(frozen=True, slots=True)
class Row:
    """`quantity` and `picked` in units of the item; `most` is how many of the line can be short, in the line's own."""

    line_id: int
    part_id: int | None
    item: Item
    quantity: int
    picked: int
    most: int
    kit: Item | None = None
    spot: Spot = NOWHERE

    @property
    def key(self) -> str:
        return f"{self.line_id}-{self.part_id}" if self.part_id else str(self.line_id)

    @property
    def hint(self) -> str:
        """What has to be scanned where units are told apart."""
        return _HINTS.get(self.item.tracking, "")


def rows(job: FulfilmentOrder) -> list[Row]:
    """In the order of the walk past their bins. Two queries, one more where kits are among them."""
    lines = list(
        FulfilmentLine.objects.filter(fulfilment=job, quantity__gt=0)
        .select_related("item", "order_line")
        .order_by("order_line__position", "pk")
    )
    parts = Prefetch("parts", FulfilmentPart.objects.select_related("item"))
    prefetch_related_objects([line for line in lines if line.is_kit], parts)
    found = [row for line in lines for row in _of(line)]
    spots = placements.spots(job.location_id, [row.item.pk for row in found])
    found = [replace(row, spot=spots.get(row.item.pk, NOWHERE)) for row in found]
    return sorted(found, key=lambda row: row.spot.key)


def _of(line: FulfilmentLine) -> Iterable[Row]:
    most = line.quantity - line.picked
    if not line.is_kit:
        yield Row(line.pk, None, line.item, line.quantity, line.picked, most)
        return
    for part in line.parts.all():
        wanted = line.quantity * part.per_kit
        yield Row(line.pk, part.pk, part.item, wanted, part.picked, most, kit=line.item)


def codes(rows: Sequence[Row]) -> dict[str, list[Any]] | None:
    """What a scanner on this list may read and how many are wanted, so that the device can answer before the server.

    None where lots or serial numbers are scanned: only the server knows those, so the device waits for it.
    """
    if any(row.item.tracking != Tracking.NONE for row in rows):
        return None
    wanted: Counter[int] = Counter()
    for row in rows:
        wanted[row.item.pk] += row.quantity - row.picked
    return {
        code: [row.item.name, row.item.pk, [["", wanted[row.item.pk]]]]
        for row in rows
        for code in (row.item.gtin, row.item.sku)
        if code
    }
