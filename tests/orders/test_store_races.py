"""Counters, clocks and handhelds at the same moment: one outcome, each scan once, and the books balance."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from core.actors import SYSTEM
from core.models import User
from orders.models import BatchWork, FulfilmentLine, FulfilmentOrder, RefundDue
from orders.services import batches, changing, fulfilment, scans
from orders.services.scans import Scan
from tests.factories.inventory import ItemFactory, LocationFactory, StockFactory
from tests.factories.orders import incoming_line, place
from tests.orders.test_races import at_once, books_balance, refused

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def store() -> Any:
    location = LocationFactory(code="leeds", pickup=True, kind="STORE")
    StockFactory(item=ItemFactory(sku="SKU-1"), location=location, sellable=50)
    return location


def to_pick(ref: str, units: int) -> FulfilmentOrder:
    order = place(incoming_line("SKU-1", units), channel_ref=ref, method="PICKUP", pickup_location_code="leeds")
    fulfilment.create(order.pk)
    return FulfilmentOrder.objects.get(order=order)


@pytest.mark.parametrize("turn", range(3))
def test_of_all_that_can_happen_to_a_ready_order_one_does(store, turn):
    job = to_pick("1", 3)
    fulfilment.start_pick(job.pk, actor=SYSTEM)
    fulfilment.pick(job.pk, code="SKU-1", quantity=3, actor=SYSTEM)
    fulfilment.ready(job.pk, actor=SYSTEM)
    line = job.lines.get().pk
    calls = [
        lambda: fulfilment.hand_over(job.pk, id_seen=True, actor=SYSTEM),
        lambda: fulfilment.hand_over(job.pk, id_seen=True, taken={line: 1}, actor=SYSTEM),
        lambda: fulfilment.uncollected(job.pk, actor=SYSTEM),
        lambda: changing.cancel(job.order_id, actor=SYSTEM),
    ]

    results = at_once(*calls[turn:], *calls[:turn])

    assert [refused(result) for result in results].count(False) == 1
    job.refresh_from_db()
    assert job.status in {"COLLECTED", "UNCOLLECTED", "CANCELLED"}
    assert RefundDue.objects.count() <= 1
    books_balance()


def test_the_same_scans_sent_twice_at_once_count_once_and_get_the_same_verdicts(store):
    person = User.objects.create_user("amira@harrow.example", "correct horse battery", name="Amira Khan")
    job = to_pick("1", 3)
    kept = [Scan(str(uuid4()), "pick", job.number, code, timezone.now()) for code in ("SKU-1", "NOT-HERE", "SKU-1")]

    def send() -> Any:
        return scans.judge(store.pk, kept, person_id=person.pk, actor=SYSTEM)

    results = at_once(send, send, send)

    assert not any(refused(result) for result in results)
    assert results[0] == results[1] == results[2]
    assert [verdict.ok for verdict in results[0]] == [True, False, True]
    assert FulfilmentLine.objects.get().picked == 2
    books_balance()


def test_two_people_who_start_a_walk_at_once_share_the_work_out(store):
    jobs = [to_pick(str(n), 1) for n in range(1, 5)]

    results = at_once(*[lambda: batches.start(store.pk, actor=SYSTEM)] * 2)

    assert any(not refused(result) for result in results)
    assert sorted(BatchWork.objects.values_list("fulfilment_id", flat=True)) == sorted(job.pk for job in jobs)
    books_balance()
