"""What the demo's warehouse system and one till believe: nearly what the books say, with the usual disagreements."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random

from django.utils import timezone

from core.actors import SYSTEM
from core.subjects import Subject
from inventory.models import Location, Stock, StockSnapshot
from inventory.services import snapshots, sources
from inventory.snapshots import Code, IncomingSnapshot, ReportedLine

ITEMS = 60  # of each place
SYSTEMS = (
    ("wms-wakefield", "Wakefield warehouse system", "WMS", "DC-WAKEFIELD"),
    ("till-leeds", "Tills of Leeds Briggate", "POS", "ST-LEEDS-BRIGGATE"),
)


def tell(say: Callable[[str], None]) -> None:
    """One snapshot of each system, once. Safe to repeat."""
    for code, name, kind, place in SYSTEMS:
        source = sources.ensure(code, name=name, kind=kind, actor=SYSTEM)
        location = Location.objects.filter(code=place).first()
        if location is None or StockSnapshot.objects.filter(source=source).exists():
            continue
        incoming = IncomingSnapshot("demo", timezone.now() - timedelta(minutes=1), _lines(location, Random(code)))
        if incoming.lines:
            taken = snapshots.take(source, incoming, cause=Subject("demo", "1", "Demo"), actor=SYSTEM).snapshot
            say(f"{name} believes {taken.lines_total} figures, {taken.unresolved} of them in words to explain")


def _lines(location: Location, random: Random) -> tuple[ReportedLine, ...]:
    rows = Stock.objects.filter(location=location, sellable__gt=0, item__is_kit=False).select_related("item")
    lines = []
    for row in rows.order_by("item__sku")[:ITEMS]:
        here = row.sellable + row.damaged + row.quarantined + row.awaiting_inspection
        off = random.choices((0, -1, -2, 3), (90, 4, 3, 3))[0]
        lines.append(ReportedLine((Code(row.item.sku),), location.code, "On hand", max(0, here + off)))
        if row.damaged:
            lines.append(ReportedLine((Code(row.item.sku),), location.code, "Damaged", row.damaged))
    if lines:
        lines.append(ReportedLine((Code("HV-OLD-1987"),), location.code, "On hand", 2))
        lines.append(ReportedLine(lines[0].codes, location.code, "Hospital", 1))
    return tuple(lines)
