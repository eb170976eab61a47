"""Goods that came back and that nobody looks at are a case; the newest arrivals don't hide the oldest."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core.actors import SYSTEM
from core.subjects import Subject
from exceptions.models import Case
from exceptions.services import cases
from inventory.inspection_reasons import REASONS
from inventory.services import movements
from tests.factories.inventory import StockFactory

pytestmark = pytest.mark.django_db
(WAITS,) = REASONS


def back(row, units: int, *, hours: int, key: str) -> None:
    movements.return_in(
        row.item_id, row.location_id, units, key=key, cause=Subject("order", "1", "SO-1"), actor=SYSTEM,
        occurred_at=timezone.now() - timedelta(hours=hours),
    )  # fmt: skip


def opened() -> int:
    cases.open_standing([WAITS.code])
    return Case.objects.still_open().filter(reason=WAITS.code).count()


def test_goods_that_came_back_lately_are_no_case():
    row = StockFactory(sellable=0)
    back(row, 2, hours=3, key="r1")

    assert opened() == 0


def test_the_newest_arrivals_dont_hide_the_oldest_and_looking_at_them_ends_it():
    row = StockFactory(sellable=0)
    back(row, 2, hours=60, key="r1")
    back(row, 3, hours=1, key="r2")
    assert opened() == 1

    movements.move_state(
        row.item_id, row.location_id, 2, from_state="awaiting_inspection", to_state="sellable", key="m1",
        cause=Subject("stock", str(row.pk), ""), actor=SYSTEM,
    )  # fmt: skip
    cases.recheck(Subject("stock", str(row.pk)))

    assert Case.objects.get().outcome == "cleared"
    assert opened() == 0
