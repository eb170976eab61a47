"""What a picker takes off the shelves, row by row: a line's units, or each part of a kit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Prefetch, prefetch_related_objects

from inventory.models import Item, Tracking
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

    @property
    def key(self) -> str:
        return f"{self.line_id}-{self.part_id}" if self.part_id else str(self.line_id)

    @property
    def hint(self) -> str:
        """What has to be scanned where units are told apart."""
        return _HINTS.get(self.item.tracking, "")


def rows(job: FulfilmentOrder) -> list[Row]:
    """In the order of the order's lines. One query, one more where kits are among them."""
    lines = list(
        FulfilmentLine.objects.filter(fulfilment=job, quantity__gt=0)
        .select_related("item", "order_line")
        .order_by("order_line__position", "pk")
    )
    parts = Prefetch("parts", FulfilmentPart.objects.select_related("item"))
    prefetch_related_objects([line for line in lines if line.is_kit], parts)
    return [row for line in lines for row in _of(line)]


def _of(line: FulfilmentLine) -> Iterable[Row]:
    most = line.quantity - line.picked
    if not line.is_kit:
        yield Row(line.pk, None, line.item, line.quantity, line.picked, most)
        return
    for part in line.parts.all():
        wanted = line.quantity * part.per_kit
        yield Row(line.pk, part.pk, part.item, wanted, part.picked, most, kit=line.item)


def codes(rows: Sequence[Row]) -> dict[str, str] | None:
    """What a scanner on this list may read, so that the device can answer before the server does.

    None where lots or serial numbers are scanned: only the server knows those, so the device waits for it.
    """
    if any(row.item.tracking != Tracking.NONE for row in rows):
        return None
    return {code: row.item.name for row in rows for code in (row.item.gtin, row.item.sku) if code}


def matched(rows: Iterable[Row], scanned: str) -> str:
    """`Long-sleeve tee, Slate XS: 1 of 2 found`, for a code that was just counted."""
    hit = next((row for row in rows if scanned in {row.item.gtin, row.item.sku}), None)
    return f"{hit.item.name}: {hit.picked} of {hit.quantity} found" if hit else f"{scanned} matched"
