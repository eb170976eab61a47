"""A large snapshot: one transaction, quick enough for a worker's time limit. Deselected unless asked for."""

from __future__ import annotations

import time

import pytest
from django.db import connection

from core.actors import SYSTEM
from core.subjects import Subject
from inventory.models import Item, Location, Stock, StockDifference
from inventory.services import differences, reconciling, snapshots, sources
from inventory.snapshots import Code, IncomingSnapshot, ReportedLine

LINES = 100_000


@pytest.mark.long
@pytest.mark.django_db
def test_a_hundred_thousand_lines_are_taken_within_a_workers_time():
    place = Location.objects.create(code="DC", name="DC", kind="WAREHOUSE")
    Item.objects.bulk_create([Item(sku=f"BIG-{n:06}", name="x") for n in range(LINES)], batch_size=10_000)
    ids = list(Item.objects.order_by("sku").values_list("pk", flat=True))
    Stock.objects.bulk_create([Stock(item_id=pk, location=place, sellable=5) for pk in ids], batch_size=10_000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    source = sources.ensure("wms", name="WMS", kind="WMS", actor=SYSTEM)
    lines = tuple(ReportedLine((Code(f"BIG-{n:06}"),), "DC", "on hand", 5 if n % 100 else 4) for n in range(LINES))

    begun = time.monotonic()
    taken = snapshots.take(source, IncomingSnapshot("big", None, lines), cause=Subject("x", "1"), actor=SYSTEM)
    took = time.monotonic() - begun
    begun = time.monotonic()
    differences.sweep()
    swept = time.monotonic() - begun
    begun = time.monotonic()
    reconciling.by_place(None), reconciling.trend(None)
    shown = time.monotonic() - begun

    print(f"\n{LINES} lines taken in {took:.1f} s, swept in {swept:.2f} s, reconciled in {shown:.2f} s")
    assert taken.snapshot.compared == LINES
    assert StockDifference.objects.open().count() == LINES // 100
    assert took < 60
