"""The services in use, as the pure rules want them."""

from __future__ import annotations

import time

from orders import price_tables
from orders.carriage import Service
from orders.models import CarrierService

SECONDS = 30.0  # how long a process goes on with what it read; an edit in this process is seen at once
_read: tuple[float, tuple[Service, ...]] | None = None


def services() -> tuple[Service, ...]:
    """Every active service, in rank order. One query, and none for the next half minute."""
    global _read  # noqa: PLW0603  (one price list per process)
    now = time.monotonic()
    if _read is None or now >= _read[0]:
        _read = (now + SECONDS, tuple(_service(row) for row in CarrierService.objects.in_use()))
    return _read[1]


def forget() -> None:
    """Read them anew next time."""
    global _read  # noqa: PLW0603
    _read = None


def _service(row: CarrierService) -> Service:
    return Service(
        code=row.code,
        carrier=row.carrier,
        name=row.name,
        currency=row.currency,
        zones=price_tables.read(row.zones),
        cut_off=row.cut_off,
        collects=frozenset(row.collects),
        delivers=frozenset(row.delivers),
        delivers_by=row.delivers_by,
        refuses=frozenset(row.refuses),
        rank=row.rank,
    )
